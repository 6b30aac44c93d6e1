/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the operations of a kernel cost, in cycles of the time-stamp counter: a line "BENCH name
 * cycles" each, the median of many samples.
 */
#include "tests/guests/runtime/runtime.h"

#define UNROLL 10
#define SAMPLES 31
#define NR_PAGES 64
#define KERNEL_PAGES 0xc00000
#define VEC_DONE 0x81
#define PIT_TICKS_10KHZ (PIT_HZ / 10000)

#define OPS(X)                                                                                     \
	X(stores, "two stores")                                                                    \
	X(cli_sti, "cli+sti")                                                                      \
	X(pushf_popf, "pushf+popf")                                                                \
	X(iret, "pushf+push cs+iret")                                                              \
	X(mov_from_ds, "mov from ds")                                                              \
	X(mov_to_ds, "mov from ds+mov to ds")                                                      \
	X(mov_from_cr2, "mov from cr2")                                                            \
	X(mov_to_cr3, "mov from cr3+mov to cr3")                                                   \
	X(invlpg, "invlpg")                                                                        \
	X(in, "in")                                                                                \
	X(out, "out")

#define DECLARE(name, text) void op_##name(uint32_t rounds);
OPS(DECLARE)
void op_touch(char *pages, uint32_t n);
extern const char fault_entry[], syscall_entry[], timer_entry[], user_syscalls[], user_touch[];
extern char user_pages[];
volatile uint32_t faults, ticks;
static struct context user_return;
static uint32_t user_cycles;

/* In tenths of a cycle. */
static void report(const char *name, uint32_t tenths)
{
	print("BENCH %s %u.%u\n", name, tenths / 10, tenths % 10);
}

static uint32_t elapsed(uint64_t since)
{
	return (uint32_t)(rdtsc() - since);
}

static void measure(const char *name, void (*op)(uint32_t), uint32_t rounds)
{
	uint32_t samples[SAMPLES];

	op(rounds / 10 + 1);
	for (unsigned i = 0; i < SAMPLES; i++) {
		uint64_t start = rdtsc();

		op(rounds);
		samples[i] = elapsed(start) / rounds; /* UNROLL operations: tenths of one */
	}
	_Static_assert(UNROLL == 10, "a round is ten operations");
	report(name, median(samples, SAMPLES));
}

static void forget_pages(char *pages)
{
	for (unsigned i = 0; i < NR_PAGES; i++) {
		*pte_of(pages + i * 4096) &= ~1u;
		invlpg(pages + i * 4096);
	}
}

static void measure_kernel_faults(void)
{
	uint32_t samples[SAMPLES];
	char *pages = (char *)KERNEL_PAGES;

	for (unsigned i = 0; i < SAMPLES; i++) {
		uint64_t start;

		forget_pages(pages);
		faults = 0;
		start = rdtsc();
		op_touch(pages, NR_PAGES);
		samples[i] = elapsed(start) * 10 / NR_PAGES;
		check(faults == NR_PAGES, "%u faults for %u pages", faults, NR_PAGES);
	}
	report("page fault in ring 0", median(samples, SAMPLES));
}

static void on_done(struct frame *f)
{
	user_cycles = f->eax;
	context_restore(&user_return, 1);
}

static uint32_t run_user(const char *code)
{
	static char stack[256] __attribute__((section(".user.data")));

	if (!context_save(&user_return))
		enter_user((uint32_t)code, (uint32_t)stack + sizeof(stack), EFLAGS_1);
	return user_cycles;
}

static void measure_syscalls(void)
{
	uint32_t samples[SAMPLES];

	for (unsigned i = 0; i < SAMPLES; i++)
		samples[i] = run_user(user_syscalls) / 100;
	report("int 0x80 from ring 3", median(samples, SAMPLES));
}

static void measure_user_faults(void)
{
	uint32_t samples[SAMPLES];

	for (unsigned i = 0; i < SAMPLES; i++) {
		forget_pages(user_pages);
		faults = 0;
		samples[i] = run_user(user_touch) * 10 / NR_PAGES;
		check(faults == NR_PAGES, "%u faults for %u pages", faults, NR_PAGES);
	}
	report("page fault in ring 3", median(samples, SAMPLES));
}

/* Between two looks at the time: long enough that interrupts seldom meet the looking itself. */
static void work(void)
{
	for (uint32_t i = 0; i < 1000; i++)
		asm volatile("" : : "r"(i));
}

static uint32_t time_work(void)
{
	uint64_t start = rdtsc();

	work();
	return elapsed(start);
}

/* What an interrupt takes from the work it interrupts. */
static void measure_timer(void)
{
	uint32_t samples[10 * SAMPLES], quiet, n = 0;

	for (unsigned i = 0; i < 10 * SAMPLES; i++)
		samples[i] = time_work();
	quiet = median(samples, 10 * SAMPLES);
	pic_mask(0, false);
	pit_periodic(PIT_TICKS_10KHZ);
	irq_enable();
	while (n < 10 * SAMPLES) {
		uint32_t seen = ticks, busy = time_work();

		if (ticks == seen + 1 && busy > quiet)
			samples[n++] = busy - quiet;
	}
	irq_disable();
	pit_stop();
	report("timer interrupt", median(samples, 10 * SAMPLES) * 10);
}

void test_main(void)
{
	uint32_t rounds = option("rounds", 100);

	gate_set(VEC_PF, SEL_KCODE, fault_entry, 0x8e);
	gate_set(VEC_SYSCALL, SEL_KCODE, syscall_entry, 0xee);
	gate_set(VEC_IRQ, SEL_KCODE, timer_entry, 0x8e);
	trap_set(VEC_DONE, on_done);
	gate_dpl(VEC_DONE, 3);
	paging_init();
#define MEASURE(name, text) measure(text, op_##name, rounds);
	OPS(MEASURE)
	measure_syscalls();
	measure_kernel_faults();
	measure_user_faults();
	measure_timer();
}

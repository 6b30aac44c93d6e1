/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The FPU's registers belong to the guest: x87, SSE and AVX state survives whatever makes a wedge's
 * monitor run. Random state, one operation, the state again.
 */
#include "tests/guests/runtime/runtime.h"

#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_OSXSAVE 0x40000u
#define CPUID_XSAVE (1u << 26)
#define CPUID_AVX (1u << 28)
#define FX_SIZE 512
#define FX_USED 288 /* up to xmm7 */
#define VEC_DONE 0x81

void fx_load(const void *from);
void fx_store(void *to);
void avx_load(const void *from);
void avx_store(void *to);
void unpadded_cli(void);
extern const char user_visit[];
extern char user_hole[];

static uint8_t before[FX_SIZE] __attribute__((aligned(16)));
static uint8_t after[FX_SIZE] __attribute__((aligned(16)));
static uint8_t ymm_before[256], ymm_after[256];
static char hole[3 * 4096] __attribute__((aligned(4096)));
static struct context user_return;
static volatile uint32_t ticks;
static bool avx;

static void on_timer(struct frame *f)
{
	(void)f;
	ticks++;
	pic_eoi();
}

static void on_fault(struct frame *f)
{
	(void)f;
	*pte_of((void *)read_cr2()) |= 1;
}

static void on_syscall(struct frame *f)
{
	(void)f;
}

static void on_done(struct frame *f)
{
	(void)f;
	context_restore(&user_return, 1);
}

static void forget(char *page)
{
	*pte_of(page) &= ~1u;
	invlpg(page);
}

static void do_nothing(void)
{
}

static void do_ports(void)
{
	out8(0x80, in8(0x21));
}

static void do_cr3(void)
{
	write_cr3(read_cr3());
}

static void do_cpuid(void)
{
	uint32_t a = 0, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void do_fault(void)
{
	forget(hole + 4096);
	*(volatile char *)(hole + 4096) = 1;
}

static void do_trap(void)
{
	unpadded_cli();
}

static void do_print(void)
{
	print("# a line of output\n");
}

static void do_halt(void)
{
	pit_oneshot(200);
	asm volatile("sti; hlt; cli");
}

/* Interrupts in plain code and in sites. */
static void do_storm(void)
{
	pit_periodic(PIT_HZ / 5000);
	irq_enable();
	for (uint32_t end = ticks + 5; (int32_t)(ticks - end) < 0;)
		asm volatile("cli; pushfl; popl %%eax; sti; pushl %%ds; popl %%ds" : : : "eax");
	irq_disable();
	pit_stop();
}

static void do_user(void)
{
	static char stack[256] __attribute__((section(".user.data")));

	forget(user_hole);
	pit_periodic(PIT_HZ / 5000);
	if (!context_save(&user_return))
		enter_user((uint32_t)user_visit, (uint32_t)stack + sizeof(stack),
			   EFLAGS_1 | EFLAGS_IF);
	pit_stop();
}

static void do_descriptors(void)
{
	descriptors_load();
}

/* Valid values everywhere: no exception is pending, nothing is masked away. */
static void randomise(uint32_t *seed)
{
	static const uint16_t rounding[] = {0x37f, 0x77f, 0xb7f, 0xf7f, 0x27f, 0x07f};
	static const uint32_t mxcsr[] = {0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x9f80};

	fx_store(before);
	for (unsigned i = 32; i < FX_USED; i++)
		if (i >= 160 || i % 16 < 10)
			before[i] = (uint8_t)(random32(seed) >> 7);
	memcpy(before, &rounding[random32(seed) % 6], 2);
	memcpy(before + 24, &mxcsr[random32(seed) % 5], 4);
	before[4] = (uint8_t)random32(seed); /* which of the stack are empty */
	for (unsigned i = 0; i < sizeof(ymm_before); i++)
		ymm_before[i] = (uint8_t)(random32(seed) >> 9);
}

static bool same(const uint8_t *a, const uint8_t *b, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static void try(const char *what, void (*operation)(void), unsigned rounds, uint32_t *seed)
{
	for (unsigned n = 0; n < rounds; n++) {
		randomise(seed);
		fx_load(before);
		operation();
		fx_store(after);
		check(same(before, after, 0, 5), "%s: x87 control, status or tags", what);
		check(same(before, after, 24, 28), "%s: mxcsr", what);
		check(same(before, after, 32, 160), "%s: x87 registers", what);
		check(same(before, after, 160, FX_USED), "%s: xmm registers", what);
		if (!avx)
			continue;
		avx_load(ymm_before);
		operation();
		avx_store(ymm_after);
		check(same(ymm_before, ymm_after, 0, sizeof(ymm_before)), "%s: ymm registers",
		      what);
	}
	section_end(what);
}

static void enable(void)
{
	uint32_t a = 1, b, c = 0, d, cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;

	asm volatile("movl %0, %%cr0" : : "r"(CR0_PG | CR0_WP | CR0_NE | CR0_MP | 0x11));
	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	avx = (c & CPUID_XSAVE) && (c & CPUID_AVX);
	if (avx)
		cr4 |= CR4_OSXSAVE;
	asm volatile("movl %0, %%cr4" : : "r"(cr4));
	if (avx)
		asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	print("# %s AVX\n", avx ? "with" : "without");
	asm volatile("fninit");
}

void test_main(void)
{
	uint32_t seed = option("seed", 1), rounds = option("rounds", 20);

	trap_set(VEC_IRQ, on_timer);
	trap_set(VEC_PF, on_fault);
	trap_set(VEC_SYSCALL, on_syscall);
	trap_set(VEC_DONE, on_done);
	gate_dpl(VEC_SYSCALL, 3);
	gate_dpl(VEC_DONE, 3);
	paging_init();
	enable();
	pic_mask(0, false);
	try("nothing", do_nothing, rounds, &seed);
	try("ports", do_ports, rounds, &seed);
	try("mov to cr3", do_cr3, rounds, &seed);
	try("cpuid", do_cpuid, rounds, &seed);
	try("page fault", do_fault, rounds, &seed);
	try("unpadded instruction", do_trap, rounds, &seed);
	try("output", do_print, 2, &seed);
	try("halt and interrupt", do_halt, rounds, &seed);
	try("interrupts", do_storm, rounds, &seed);
	try("ring 3", do_user, rounds, &seed);
	try("descriptor tables", do_descriptors, rounds, &seed);
}

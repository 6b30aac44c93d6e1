/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interrupt shadow (SDM vol. 2, STI; vol. 3, 6.8.3): after sti and after a load of ss one
 * instruction runs before an interrupt is taken; popf and iret have no shadow. Each case runs with
 * a timer interrupt pending, so that the return address the handler finds is exact. Then sti; hlt
 * races a timer: a wake-up that is lost hangs the guest, and the runner's time limit fails it.
 */
#include "tests/guests/runtime/runtime.h"
#include "tests/guests/shadow/cases.h"

struct shadow_case {
	const char *name;
	void (*run)(void);
	const char *low, *high;
	unsigned deliveries, order;
};

volatile uint32_t order;
uint32_t pushed_flags;
static volatile uint32_t irq_count, irq_eip, irq_cs, irq_order;
static struct context user_return;

#define DECLARE(name, deliveries, order)                                                           \
	void case_##name(void);                                                                    \
	extern const char name##_low[], name##_high[];
SHADOW_CASES(DECLARE)
extern const char trap_gate_entry[], interrupt_gate_entry[], user_entry[], step_between[],
    step_after[];
extern const uint32_t ss_parts[];
void ss_loop(uint32_t rounds);
void step_over_ss(void);

#define ROW(name, deliveries, order)                                                               \
	{#name, case_##name, name##_low, name##_high, deliveries, order},
static const struct shadow_case cases[] = {SHADOW_CASES(ROW)};

static void on_timer(struct frame *f)
{
	irq_count++;
	irq_eip = f->eip;
	irq_cs = f->cs & 0xffff;
	irq_order = order;
	pic_eoi();
}

/* Interrupts off: start the timer and wait until the 8259 holds its request. */
static void make_pending(void)
{
	order = 0;
	irq_count = 0;
	pit_stop(); /* a case without delivery leaves its request */
	pit_oneshot(10);
	while (!(pic_irr() & 1))
		;
}

static void run_case(const struct shadow_case *c)
{
	make_pending();
	c->run();
	if (!check(irq_count == c->deliveries, "%s: %u deliveries", c->name, irq_count))
		return;
	if (!irq_count) {
		check(pic_irr() & 1, "%s: the request vanished", c->name);
		return;
	}
	check(irq_eip > (uint32_t)c->low && irq_eip <= (uint32_t)c->high,
	      "%s: interrupted at %08x, expected (%08x, %08x]", c->name, irq_eip, (uint32_t)c->low,
	      (uint32_t)c->high);
	check(c->order == ORDER_ANY || irq_order == c->order, "%s: %u instructions ran first",
	      c->name, irq_order);
}

static void test_cases(unsigned rounds)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned n = 0; n < rounds; n++)
			run_case(&cases[i]);
		section_end(cases[i].name);
	}
	check(pushed_flags & EFLAGS_IF, "sti; pushf pushed %08x", pushed_flags);
	section_end("pushf in the shadow sees IF");
}

static void on_syscall(struct frame *f)
{
	(void)f;
	context_restore(&user_return, 1);
}

static void visit_user(void)
{
	static char user_stack[256] __attribute__((section(".user.data")));

	if (!context_save(&user_return))
		enter_user((uint32_t)user_entry, (uint32_t)user_stack + sizeof(user_stack),
			   EFLAGS_1 | EFLAGS_IF);
}

/* iret to ring 3 that enables: delivered before the first user instruction. */
static void test_user(unsigned rounds)
{
	for (unsigned n = 0; n < rounds; n++) {
		make_pending();
		visit_user();
		check(irq_count == 1, "iret to ring 3: %u deliveries", irq_count);
		check(irq_eip == (uint32_t)user_entry, "iret to ring 3: interrupted at %08x",
		      irq_eip);
		check(irq_cs == SEL_UCODE, "iret to ring 3: cs %04x", irq_cs);
	}
	section_end("iret to ring 3 enables promptly");
}

static uint32_t parted, ss_irqs;

static void on_timer_ss(struct frame *f)
{
	ss_irqs++;
	for (unsigned i = 0; i < 16; i++)
		if (f->eip == ss_parts[i])
			parted++;
	pic_eoi();
}

static void test_ss(unsigned rounds)
{
	trap_set(VEC_IRQ, on_timer_ss);
	pit_periodic(97);
	irq_enable();
	while (ss_irqs < rounds)
		ss_loop(100);
	irq_disable();
	pit_stop();
	trap_set(VEC_IRQ, on_timer);
	check(!parted, "%u of %u interrupts came right behind a load of ss", parted, ss_irqs);
	section_end("load of ss keeps the next instruction");
}

static volatile uint32_t steps_between, steps_after;

/* Padding is stepped over too: only where a trap may not come matters. */
static void on_debug(struct frame *f)
{
	static unsigned steps;

	steps_between += f->eip == (uint32_t)step_between;
	steps_after += f->eip == (uint32_t)step_after;
	if (steps_after || ++steps == 100)
		f->eflags &= ~EFLAGS_TF;
}

static void test_step(void)
{
	trap_set(VEC_DB, on_debug);
	step_over_ss();
	trap_set(VEC_DB, NULL);
	check(!steps_between, "debug trap right behind a load of ss");
	check(steps_after == 1, "%u debug traps behind the next instruction", steps_after);
	section_end("single step waits for the instruction behind a load of ss");
}

/* The timer expires anywhere around sti; hlt. */
static void test_wakeup(unsigned rounds, uint32_t seed)
{
	for (unsigned n = 0; n < rounds; n++) {
		uint32_t delay = random32(&seed) % 60;

		irq_count = 0;
		pit_oneshot((uint16_t)(5 + random32(&seed) % 40));
		for (volatile uint32_t i = 0; i < delay * 8; i++)
			;
		case_sti_hlt();
		check(irq_count == 1, "round %u: %u deliveries", n, irq_count);
		check(irq_eip > (uint32_t)sti_hlt_low && irq_eip <= (uint32_t)sti_hlt_high,
		      "round %u: interrupted at %08x", n, irq_eip);
	}
	section_end("sti; hlt never loses a wake-up");
}

void test_main(void)
{
	unsigned rounds = option("rounds", 100), wakeups = option("wakeups", 5000);
	uint32_t seed = option("seed", 1);

	print("# rounds %u wakeups %u seed %u\n", rounds, wakeups, seed);
	trap_set(VEC_IRQ, on_timer);
	trap_set(VEC_SYSCALL, on_syscall);
	gate_set(VECTOR_TRAP_GATE, SEL_KCODE, trap_gate_entry, 0x8f);
	gate_set(VECTOR_INTERRUPT_GATE, SEL_KCODE, interrupt_gate_entry, 0x8e);
	gate_dpl(VEC_SYSCALL, 3);
	pic_mask(0, false);
	if (option("paging", 0))
		paging_init();
	test_cases(rounds);
	test_user(rounds);
	test_step();
	test_ss(wakeups / 10);
	test_wakeup(wakeups, seed);
}

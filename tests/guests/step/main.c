/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single steps through ring 3 (SDM vol. 3, 17.3.1.4): where each trap says it is, DR6, and the
 * flags that faults, interrupts and software interrupts leave. Printed, so that platforms can be
 * compared.
 */
#include "tests/guests/runtime/runtime.h"

#define DR6_BS 0x4000u
#define VEC_DONE 0x81

extern const char stepped[], step_divide[];
extern char step_hole[];
static struct context user_return;
static uint32_t steps, wrong_dr6, other_traps, ticks;
static bool quiet; /* count, but do not print */

static void report(const char *what, const struct frame *f)
{
	if (!quiet)
		print("%s +%02x eflags %08x error %x\n", what, f->eip - (uint32_t)stepped,
		      f->eflags & ~(EFLAGS_RF | EFLAGS_ARITH), f->error);
}

static void on_step(struct frame *f)
{
	uint32_t dr6;

	asm volatile("movl %%dr6, %0" : "=r"(dr6));
	asm volatile("movl %0, %%dr6" : : "r"(0xffff0ff0));
	steps++;
	wrong_dr6 += !(dr6 & DR6_BS);
	report("step", f);
}

static void on_fault(struct frame *f)
{
	other_traps++;
	report("page fault", f);
	*pte_of(step_hole) |= 1;
}

static void on_divide(struct frame *f)
{
	other_traps++;
	report("divide", f);
	f->eip += 2;
}

static void on_software(struct frame *f)
{
	other_traps++;
	report(f->vector == VEC_BP ? "int3" : "int", f);
}

static void on_done(struct frame *f)
{
	report("done", f);
	context_restore(&user_return, 1);
}

static void on_timer(struct frame *f)
{
	(void)f;
	ticks++;
	pic_eoi();
}

static void run(void)
{
	static char stack[256] __attribute__((section(".user.data")));

	*pte_of(step_hole) &= ~1u;
	invlpg(step_hole);
	steps = other_traps = 0;
	if (!context_save(&user_return))
		enter_user((uint32_t)stepped, (uint32_t)stack + sizeof(stack),
			   EFLAGS_1 | EFLAGS_TF | EFLAGS_IF);
}

void test_main(void)
{
	uint32_t expected, traps, rounds = option("rounds", 200);

	trap_set(VEC_DB, on_step);
	trap_set(VEC_PF, on_fault);
	trap_set(VEC_DE, on_divide);
	trap_set(VEC_SYSCALL, on_software);
	trap_set(VEC_BP, on_software);
	trap_set(VEC_DONE, on_done);
	trap_set(VEC_IRQ, on_timer);
	gate_dpl(VEC_SYSCALL, 3);
	gate_dpl(VEC_BP, 3);
	gate_dpl(VEC_DONE, 3);
	paging_init();
	run();
	expected = steps;
	traps = other_traps;
	print("%u steps, %u other traps\n", steps, other_traps);
	check(steps > 50 && traps == 4, "%u steps, %u other traps", steps, traps);
	section_end("single steps through ring 3");
	quiet = true;
	pic_mask(0, false);
	pit_periodic(PIT_HZ / 5000);
	for (uint32_t n = 0; n < rounds || ticks < 50; n++) {
		run();
		check(steps == expected && other_traps == traps, "round %u: %u steps, %u traps", n,
		      steps, other_traps);
	}
	pit_stop();
	check(!wrong_dr6, "%u traps without DR6.BS", wrong_dr6);
	section_end("interrupts take no step away and add none");
}

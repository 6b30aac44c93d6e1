/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Far jumps, calls and returns, call gates, task switches: SDM vol. 2, JMP CALL RET; vol. 3, 5.8
 * and 7.3. */
#include "tests/unit/cpu.h"

#define NONE 0xff

struct transfer {
	const char *what;
	unsigned cpl;
	uint16_t sel;
	uint32_t offset;
	uint8_t vector; /* NONE: done */
	uint32_t error;
	uint16_t cs; /* afterwards */
	uint32_t eip;
};

static const struct transfer jumps[] = {
    {"direct", 0, KCODE, 0x1234, NONE, 0, KCODE, 0x1234},
    {"rpl becomes cpl", 3, UCODE & ~3, 0x1234, NONE, 0, UCODE, 0x1234},
    {"null", 0, 0, 0, VEC_GP, 0, 0, 0},
    {"beyond", 0, BEYOND, 0, VEC_GP, BEYOND, 0, 0},
    {"data", 0, KDATA, 0, VEC_GP, KDATA, 0, 0},
    {"rpl above cpl", 0, KCODE | 3, 0, VEC_GP, KCODE, 0, 0},
    {"dpl above cpl", 0, UCODE & ~3, 0, VEC_GP, UCODE & ~3, 0, 0},
    {"dpl below cpl", 3, KCODE, 0, VEC_GP, KCODE, 0, 0},
    {"absent", 0, ABSENT_CODE, 0, VEC_NP, ABSENT_CODE, 0, 0},
    {"conforming", 3, CONFORMING, 0x1234, NONE, 0, CONFORMING | 3, 0x1234},
    {"conforming, dpl above cpl", 0, CONFORMING3, 0, VEC_GP, CONFORMING3, 0, 0},
    {"limit", 0, SMALL_CODE, 0x1000, VEC_GP, 0, 0, 0},
    {"last byte", 0, SMALL_CODE, 0xfff, NONE, 0, SMALL_CODE, 0xfff},
    {"ldt descriptor", 0, LDT_SEL, 0, VEC_GP, LDT_SEL, 0, 0},
    {"busy TSS", 0, TASK_A, 0, VEC_GP, TASK_A, 0, 0},
    {"gate, same ring", 0, CALL_GATE, 0x999, NONE, 0, KCODE, CALLEE},
    {"gate, dpl", 3, CALL_GATE0, 0, VEC_GP, CALL_GATE0, 0, 0},
    {"gate, rpl", 0, CALL_GATE0 | 3, 0, VEC_GP, CALL_GATE0, 0, 0},
    {"gate, absent", 0, GATE_ABSENT, 0, VEC_NP, GATE_ABSENT, 0, 0},
    {"gate to an inner ring", 3, CALL_GATE | 3, 0, VEC_GP, KCODE, 0, 0},
    {"gate to conforming code", 3, GATE_CONFORMING | 3, 0, NONE, 0, CONFORMING | 3, CALLEE},
};

START_TEST(test_jump)
{
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		const struct transfer *c = &jumps[i];
		struct vcpu *v = cpu_new(), before;
		bool done;

		if (c->cpl == 3)
			cpu_user(v);
		before = *v;
		done = far_jump(v, c->sel, c->offset, 4, 0);
		ck_assert_msg(done == (c->vector == NONE), "%s", c->what);
		if (done) {
			ck_assert_msg(v->seg[SEG_CS].sel == c->cs && v->eip == c->eip, "%s: %x:%x",
				      c->what, v->seg[SEG_CS].sel, v->eip);
			ck_assert_uint_eq(v->cpl, c->cpl);
			ck_assert_uint_eq(v->gpr[R_ESP], before.gpr[R_ESP]);
			ck_assert(gdt_get(v, c->cs) & DESC_A);
		} else {
			ck_assert_msg(v->fault.vector == c->vector && v->fault.error == c->error,
				      "%s: vector %u error %x", c->what, v->fault.vector,
				      v->fault.error);
			v->fault = before.fault;
			ck_assert_msg(!memcmp(v, &before, sizeof(before)), "%s", c->what);
		}
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_jump16)
{
	struct vcpu *v = cpu_new();

	ck_assert(far_jump(v, KCODE, 0x12345678, 2, 0));
	ck_assert_uint_eq(v->eip, 0x5678);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_call_and_return)
{
	struct vcpu *v = cpu_new();

	ck_assert(far_call(v, KCODE, 0x1234, 4, 0x777));
	ck_assert_uint_eq(v->eip, 0x1234);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP - 8);
	ck_assert_uint_eq(peek32(v, KERNEL_ESP - 8), 0x777);
	ck_assert_uint_eq(peek32(v, KERNEL_ESP - 4), KCODE);
	ck_assert(far_return(v, 4, 16));
	ck_assert_uint_eq(v->eip, 0x777);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP + 16);
	ck_assert(far_call(v, KCODE, 0x1234, 2, 0x10777));
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP + 16 - 4);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), (uint32_t)KCODE << 16 | 0x777);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_gate_same_ring)
{
	struct vcpu *v = cpu_new();

	ck_assert(far_call(v, CALL_GATE, 0, 4, 0x777));
	ck_assert_uint_eq(v->eip, CALLEE);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP - 8); /* no parameters are copied */
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_gate_inner_and_back)
{
	struct vcpu *v = cpu_new();
	static const uint32_t frame[] = {0x777, UCODE, 0x11, 0x22, USER_ESP, UDATA};

	cpu_user(v);
	poke32(v, USER_ESP, 0x11);
	poke32(v, USER_ESP + 4, 0x22);
	ck_assert(far_call(v, CALL_GATE | 3, 0, 4, 0x777));
	ck_assert_uint_eq(v->cpl, 0);
	ck_assert_uint_eq(v->eip, CALLEE);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, KDATA);
	ck_assert_uint_eq(v->gpr[R_ESP], STACK0 - 24);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(peek32(v, STACK0 - 24 + i * 4), frame[i]);
	ck_assert(segment_load(v, SEG_DS, KDATA));
	/* lret 8 gives back the parameters on both stacks. */
	ck_assert(far_return(v, 4, 8));
	ck_assert_uint_eq(v->cpl, 3);
	ck_assert_uint_eq(v->eip, 0x777);
	ck_assert_uint_eq(v->gpr[R_ESP], USER_ESP + 8);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, UDATA);
	ck_assert(!v->seg[SEG_DS].usable);
	ck_assert(v->seg[SEG_ES].usable);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_gate_bad_stack)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	poke32(v, TSS_A + 8, KDATA | 3);
	ck_assert(!far_call(v, CALL_GATE | 3, 0, 4, 0x777));
	ck_fault(v, VEC_TS, KDATA);
	poke32(v, TSS_A + 8, ABSENT_DATA);
	ck_assert(!far_call(v, CALL_GATE | 3, 0, 4, 0x777));
	ck_fault(v, VEC_SS, ABSENT_DATA);
	gdt_set(v, KDATA, 0x0040920000007fffull);
	poke32(v, TSS_A + 8, KDATA);
	poke32(v, TSS_A + 4, 4); /* no room */
	ck_assert(!far_call(v, CALL_GATE | 3, 0, 4, 0x777));
	ck_fault(v, VEC_SS, KDATA);
	ck_assert_uint_eq(v->cpl, 3);
	ck_assert_uint_eq(v->gpr[R_ESP], USER_ESP);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_return_inward)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	poke32(v, USER_ESP, 0x1234);
	poke32(v, USER_ESP + 4, KCODE);
	ck_assert(!far_return(v, 4, 0));
	ck_fault(v, VEC_GP, KCODE);
	stub_machine_free(v->machine);
}
END_TEST

static void ck_task_b(struct vcpu *v, uint32_t flags)
{
	ck_assert_uint_eq(v->eip, TASK_B_EIP);
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_CF | flags);
	for (unsigned i = 0; i < NR_GPRS; i++)
		ck_assert_uint_eq(v->gpr[i], 0xb000 + i * 0x100);
	ck_assert_uint_eq(v->tr.sel, TASK_B);
	ck_assert_uint_eq(v->tr.base, TSS_B);
	ck_assert(v->cr0 & CR0_TS);
	ck_assert(!v->ldtr.usable);
	ck_assert(!v->seg[SEG_FS].usable);
	ck_assert_uint_eq(desc_type(gdt_get(v, TASK_B)), DESC_TSS_BUSY);
}

START_TEST(test_task_jump)
{
	struct vcpu *v = cpu_new();

	v->gpr[R_EBX] = 0x1111;
	v->eflags = FLAG_1 | FLAG_ZF;
	v->dr[7] |= 0x55;
	ck_assert(far_jump(v, TASK_B, 0x999, 4, 0x777));
	ck_task_b(v, 0);
	ck_assert_uint_eq(v->dr[7] & 0x55, 0);
	ck_assert_uint_eq(peek32(v, TSS_A + 32), 0x777);
	ck_assert_uint_eq(peek32(v, TSS_A + 36), FLAG_1 | FLAG_ZF);
	ck_assert_uint_eq(peek32(v, TSS_A + 40 + R_EBX * 4), 0x1111);
	ck_assert_uint_eq(peek32(v, TSS_A + 76), KCODE);
	ck_assert_uint_eq(desc_type(gdt_get(v, TASK_A)), DESC_TSS);
	ck_assert_uint_eq(peek32(v, TSS_B), 0); /* no link */
	/* And back. */
	ck_assert(far_jump(v, TASK_A, 0, 4, 0x888));
	ck_assert_uint_eq(v->eip, 0x777);
	ck_assert_uint_eq(v->gpr[R_EBX], 0x1111);
	ck_assert_uint_eq(v->seg[SEG_DS].sel, KDATA);
	ck_assert_uint_eq(peek32(v, TSS_B + 32), 0x888);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_task_call_and_iret)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	ck_assert(far_call(v, TASK_GATE | 3, 0, 4, 0x777));
	ck_task_b(v, FLAG_NT);
	ck_assert_uint_eq(v->cpl, 0);
	ck_assert_uint_eq(peek32(v, TSS_B), TASK_A);
	ck_assert_uint_eq(desc_type(gdt_get(v, TASK_A)), DESC_TSS_BUSY);
	ck_assert(interrupt_iret(v, 4, 0x888));
	ck_assert_uint_eq(v->eip, 0x777);
	ck_assert_uint_eq(v->cpl, 3);
	ck_assert_uint_eq(v->gpr[R_ESP], USER_ESP);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, UDATA);
	ck_assert_uint_eq(peek32(v, TSS_B + 32), 0x888);
	ck_assert_uint_eq(peek32(v, TSS_B + 36), FLAG_1 | FLAG_CF); /* NT cleared in the image */
	ck_assert_uint_eq(desc_type(gdt_get(v, TASK_B)), DESC_TSS);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_task_gate_interrupt)
{
	struct vcpu *v = cpu_new();

	idt_set(v, VEC_DF, GATE(5, 0, TASK_B, 0));
	v->gpr[R_ESP] = 0x5000;
	vcpu_raise(v, VEC_DF, 0);
	interrupt_fault(v);
	ck_assert_uint_eq(v->eip, TASK_B_EIP);
	ck_assert_uint_eq(v->gpr[R_ESP], 0xb000 + R_ESP * 0x100 - 4);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 0);
	ck_assert_uint_eq(peek32(v, TSS_A + 32), KERNEL_EIP);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_task_trap)
{
	struct vcpu *v = cpu_new();

	poke32(v, TSS_B + 100, 1);
	ck_assert(far_jump(v, TASK_B, 0, 4, 0));
	ck_assert(v->debug_trap);
	ck_assert(v->dr[6] & 0x8000);
	stub_machine_free(v->machine);
}
END_TEST

struct bad_task {
	const char *what;
	uint32_t field, value;
	uint8_t vector;
	uint32_t error;
};

/* What is wrong in the new TSS faults in the new task, SDM vol. 3, table 7-1. */
static const struct bad_task bad_tasks[] = {
    {"ldt", 96, KDATA, VEC_TS, KDATA},
    {"null cs", 76, 0, VEC_TS, 0},
    {"cs is data", 76, KDATA, VEC_TS, KDATA},
    {"absent cs", 76, ABSENT_CODE, VEC_NP, ABSENT_CODE},
    {"null ss", 80, 0, VEC_TS, 0},
    {"ss of another ring", 80, UDATA, VEC_TS, UDATA & ~3},
    {"absent ss", 80, ABSENT_DATA, VEC_SS, ABSENT_DATA},
    {"ds is execute-only", 84, EXECUTE_ONLY, VEC_TS, EXECUTE_ONLY},
    {"absent gs", 92, ABSENT_DATA, VEC_NP, ABSENT_DATA},
};

START_TEST(test_bad_task)
{
	for (size_t i = 0; i < sizeof(bad_tasks) / sizeof(*bad_tasks); i++) {
		const struct bad_task *c = &bad_tasks[i];
		struct vcpu *v = cpu_new();

		poke32(v, TSS_B + c->field, c->value);
		ck_assert(!far_jump(v, TASK_B, 0, 4, 0x777));
		ck_assert_msg(v->fault.vector == c->vector && v->fault.error == c->error,
			      "%s: vector %u error %x", c->what, v->fault.vector, v->fault.error);
		ck_assert_uint_eq(v->tr.sel, TASK_B);
		ck_assert_uint_eq(v->eip, TASK_B_EIP);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_task_too_small)
{
	struct vcpu *v = cpu_new();

	gdt_set(v, TASK_B, SYSTEM(9, 0, TSS_B, 0x66));
	ck_assert(!far_jump(v, TASK_B, 0, 4, 0x777));
	ck_fault(v, VEC_TS, TASK_B);
	ck_assert_uint_eq(v->tr.sel, TASK_A);
	ck_assert_uint_eq(v->eip, KERNEL_EIP);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_iret_to_idle_task)
{
	struct vcpu *v = cpu_new();

	v->eflags |= FLAG_NT;
	poke32(v, TSS_A, TASK_B); /* linked, yet not busy */
	ck_assert(!interrupt_iret(v, 4, 0));
	ck_fault(v, VEC_TS, TASK_B);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_sysenter)
{
	struct vcpu *v = cpu_new();

	ck_assert(!far_sysenter(v));
	ck_fault(v, VEC_GP, 0);
	cpu_user(v);
	v->msr.sysenter_cs = KCODE;
	v->msr.sysenter_esp = 0x6000;
	v->msr.sysenter_eip = 0x1234;
	ck_assert(far_sysenter(v));
	ck_assert_uint_eq(v->cpl, 0);
	ck_assert_uint_eq(v->seg[SEG_CS].sel, KCODE);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, KDATA);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x6000);
	ck_assert(!(v->eflags & FLAG_IF));
	v->gpr[R_ECX] = USER_ESP;
	v->gpr[R_EDX] = USER_EIP;
	ck_assert(far_sysexit(v));
	ck_assert_uint_eq(v->cpl, 3);
	ck_assert_uint_eq(v->seg[SEG_CS].sel, UCODE);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, UDATA);
	ck_assert_uint_eq(v->eip, USER_EIP);
	ck_assert(!far_sysexit(v));
	ck_fault(v, VEC_GP, 0);
	stub_machine_free(v->machine);
}
END_TEST

UNIT_MAIN("far", test_jump, test_jump16, test_call_and_return, test_gate_same_ring,
	  test_gate_inner_and_back, test_gate_bad_stack, test_return_inward, test_task_jump,
	  test_task_call_and_iret, test_task_gate_interrupt, test_task_trap, test_bad_task,
	  test_task_too_small, test_iret_to_idle_task, test_sysenter)

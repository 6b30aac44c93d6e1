/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segment loads, access checks, LAR LSL VERR VERW: SDM vol. 2, MOV, LLDT, LTR, LAR, LSL, VERR. */
#include "tests/unit/cpu.h"

#define NONE 0xff

struct load_case {
	unsigned cpl;
	enum segreg seg;
	uint16_t sel;
	uint8_t vector; /* NONE: succeeds */
	uint16_t error;
};

static const struct load_case load_cases[] = {
    {0, SEG_DS, KDATA, NONE, 0},
    {0, SEG_DS, UDATA, NONE, 0},
    {0, SEG_DS, 0, NONE, 0},
    {0, SEG_DS, 3, NONE, 0},
    {0, SEG_DS, KCODE, NONE, 0},
    {0, SEG_DS, IN_LDT, NONE, 0},
    {0, SEG_DS, 0x14, VEC_GP, 0x14}, /* beyond the LDT */
    {0, SEG_DS, BEYOND, VEC_GP, BEYOND},
    {0, SEG_DS, KDATA | 3, VEC_GP, KDATA}, /* rpl > dpl */
    {0, SEG_DS, TASK_A, VEC_GP, TASK_A},
    {0, SEG_DS, EXECUTE_ONLY, VEC_GP, EXECUTE_ONLY},
    {0, SEG_DS, ABSENT_DATA, VEC_NP, ABSENT_DATA},
    {0, SEG_DS, CONFORMING | 3, NONE, 0}, /* conforming: no privilege check */
    {0, SEG_DS, READ_ONLY, NONE, 0},
    {3, SEG_DS, UDATA, NONE, 0},
    {3, SEG_DS, KDATA, VEC_GP, KDATA},
    {3, SEG_DS, KDATA | 3, VEC_GP, KDATA},
    {3, SEG_GS, CONFORMING, NONE, 0},
    {3, SEG_GS, 0, NONE, 0},
    {0, SEG_SS, KDATA, NONE, 0},
    {0, SEG_SS, 0, VEC_GP, 0},
    {0, SEG_SS, 1, VEC_GP, 0},
    {0, SEG_SS, KDATA | 3, VEC_GP, KDATA},
    {0, SEG_SS, UDATA, VEC_GP, UDATA & 0xfffc},
    {0, SEG_SS, KCODE, VEC_GP, KCODE},
    {0, SEG_SS, ABSENT_DATA, VEC_SS, ABSENT_DATA},
    {0, SEG_SS, EXPAND_DOWN, NONE, 0},
    {3, SEG_SS, UDATA, NONE, 0},
    {3, SEG_SS, READ_ONLY | 3, VEC_GP, READ_ONLY},
    {3, SEG_SS, ABSENT_STACK3, VEC_SS, ABSENT_STACK3 & 0xfffc},
    {3, SEG_SS, 3, VEC_GP, 0},
};

START_TEST(test_load)
{
	for (size_t i = 0; i < sizeof(load_cases) / sizeof(*load_cases); i++) {
		const struct load_case *c = &load_cases[i];
		struct vcpu *v = cpu_new();
		struct segment before;
		bool done;

		if (c->cpl == 3)
			cpu_user(v);
		before = v->seg[c->seg];
		stub.segment_calls[c->seg] = 0;
		done = segment_load(v, c->seg, c->sel);
		ck_assert_msg(done == (c->vector == NONE), "case %zu", i);
		if (done) {
			ck_assert_uint_eq(v->seg[c->seg].sel, c->sel);
			ck_assert_uint_eq(v->seg[c->seg].usable, (c->sel & ~3) != 0);
			ck_assert_uint_eq(stub.segment_calls[c->seg], 1);
		} else {
			ck_assert_msg(v->fault.vector == c->vector && v->fault.error == c->error,
				      "case %zu: vector %u error %x", i, v->fault.vector,
				      v->fault.error);
			ck_assert(!memcmp(&before, &v->seg[c->seg], sizeof(before)));
		}
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_accessed)
{
	struct vcpu *v = cpu_new();

	ck_assert(!(gdt_get(v, READ_ONLY) & DESC_A));
	ck_assert(segment_load(v, SEG_ES, READ_ONLY));
	ck_assert(gdt_get(v, READ_ONLY) & DESC_A);
	ck_assert(v->seg[SEG_ES].desc & DESC_A);
	/* A load that faults leaves the bit alone. */
	ck_assert(!segment_load(v, SEG_SS, CONFORMING));
	ck_assert(!(gdt_get(v, CONFORMING) & DESC_A));
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_base_and_limit)
{
	ck_assert_uint_eq(desc_base(0x12cf93345678ffffull), 0x12345678);
	ck_assert_uint_eq(desc_limit(0x00cf93000000ffffull), 0xffffffff);
	ck_assert_uint_eq(desc_limit(0x0041930000001234ull), 0x11234);
	ck_assert_uint_eq(desc_limit(0x00c0930000000000ull), 0xfff);
}
END_TEST

struct access_case {
	uint16_t sel;
	uint32_t offset, size;
	bool write, allowed;
};

static const struct access_case access_cases[] = {
    {KDATA, 0, 4, true, true},
    {KDATA, 0xfffffffc, 4, true, true},
    {READ_ONLY, 0x1000, 4, false, true},
    {READ_ONLY, 0x1000, 4, true, false},
    {KCODE, 0x1000, 4, false, true},
    {KCODE, 0x1000, 4, true, false},
    {SMALL_CODE, 0xffc, 4, false, true},
    {SMALL_CODE, 0xffd, 4, false, false},
    {SMALL_CODE, 0xfff, 1, false, true},
    {SMALL_CODE, 0x1000, 1, false, false},
    {SMALL_CODE, 0xfffffffe, 4, false, false},
    {EXPAND_DOWN, 0xfff, 1, false, false},
    {EXPAND_DOWN, 0x1000, 4, true, true},
    {EXPAND_DOWN, 0xfffffffc, 4, true, true},
    {EXPAND_DOWN, 0xfffffffd, 4, true, false},
    {0, 0, 1, false, false},
};

START_TEST(test_access)
{
	for (size_t i = 0; i < sizeof(access_cases) / sizeof(*access_cases); i++) {
		const struct access_case *c = &access_cases[i];
		struct vcpu *v = cpu_new();
		uint32_t linear = 0;

		ck_assert(segment_load(v, SEG_ES, c->sel));
		ck_assert_msg(segment_linear(v, SEG_ES, c->offset, c->size, c->write, &linear) ==
				  c->allowed,
			      "case %zu", i);
		if (c->allowed)
			ck_assert_uint_eq(linear, c->offset);
		else
			ck_fault(v, VEC_GP, 0);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_access_stack_and_base)
{
	struct vcpu *v = cpu_new();
	uint32_t linear;

	segment_set(v, SEG_SS, KDATA, 0x0040920001000fffull); /* base 0x100, limit 0xfff */
	ck_assert(segment_linear(v, SEG_SS, 0x20, 4, true, &linear));
	ck_assert_uint_eq(linear, 0x120);
	ck_assert(!segment_linear(v, SEG_SS, 0x1000, 4, true, &linear));
	ck_fault(v, VEC_SS, 0);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_ldt)
{
	struct vcpu *v = cpu_new();

	stub.table_calls = 0;
	ck_assert(segment_load_ldt(v, 0));
	ck_assert(!v->ldtr.usable);
	ck_assert(!segment_load(v, SEG_DS, IN_LDT));
	ck_fault(v, VEC_GP, IN_LDT);
	ck_assert(segment_load_ldt(v, LDT_SEL));
	ck_assert_uint_eq(v->ldtr.base, LDT);
	ck_assert_uint_eq(stub.table_calls, 2);
	ck_assert(segment_load(v, SEG_DS, IN_LDT));
	ck_assert(!segment_load_ldt(v, KDATA));
	ck_fault(v, VEC_GP, KDATA);
	ck_assert(!segment_load_ldt(v, IN_LDT));
	ck_fault(v, VEC_GP, IN_LDT);
	gdt_set(v, LDT_SEL, ABSENT(gdt_get(v, LDT_SEL)));
	ck_assert(!segment_load_ldt(v, LDT_SEL));
	ck_fault(v, VEC_NP, LDT_SEL);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_tr)
{
	struct vcpu *v = cpu_new();

	ck_assert(!segment_load_tr(v, 0));
	ck_fault(v, VEC_GP, 0);
	ck_assert(!segment_load_tr(v, TASK_A)); /* busy */
	ck_fault(v, VEC_GP, TASK_A);
	ck_assert(!segment_load_tr(v, KDATA));
	ck_fault(v, VEC_GP, KDATA);
	ck_assert(segment_load_tr(v, TASK_B));
	ck_assert_uint_eq(v->tr.base, TSS_B);
	ck_assert_uint_eq(desc_type(gdt_get(v, TASK_B)), DESC_TSS_BUSY);
	gdt_set(v, TASK_B, SYSTEM(1, 0, TSS_B, 0x2b));
	ck_assert_int_eq(stub_catch(segment_load_tr(v, TASK_B)), WEDGE_EXIT_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(stub.messages, "16-bit TSS"));
	stub_machine_free(v->machine);
}
END_TEST

struct query_case {
	unsigned cpl;
	uint16_t sel;
	uint32_t lar; /* 0: ZF clear */
	bool lsl_zf;
	uint32_t lsl;
	bool verr, verw;
};

static const struct query_case query_cases[] = {
    {0, 0, 0, false, 0, false, false},
    {0, BEYOND, 0, false, 0, false, false},
    {0, KCODE, 0xc09b00, true, 0xffffffff, true, false},
    {0, KDATA, 0xc09300, true, 0xffffffff, true, true},
    {0, KDATA | 3, 0, false, 0, false, false},
    {3, KDATA, 0, false, 0, false, false},
    {3, UDATA, 0xc0f300, true, 0xffffffff, true, true},
    {3, CONFORMING, 0xc09e00, true, 0xffffffff, true, false},
    {0, EXECUTE_ONLY, 0xc09800, true, 0xffffffff, false, false},
    {0, ABSENT_DATA, 0xc01300, true, 0xffffffff, true, true}, /* presence does not matter */
    {0, TASK_A, 0x008b00, true, 0x67, false, false},
    {0, CALL_GATE, 0x00ec00, false, 0, false, false},
    {0, TASK_GATE, 0x00e500, false, 0, false, false},
    {0, LDT_SEL, 0x008200, true, 0xf, false, false},
    {0, SMALL_CODE, 0x409a00, true, 0xfff, true, false},
};

START_TEST(test_queries)
{
	for (size_t i = 0; i < sizeof(query_cases) / sizeof(*query_cases); i++) {
		const struct query_case *c = &query_cases[i];
		struct vcpu *v = cpu_new();
		uint32_t value = 0;

		if (c->cpl == 3)
			cpu_user(v);
		ck_assert_msg(segment_lar(v, c->sel, &value) == (c->lar != 0), "lar %zu", i);
		ck_assert_msg(value == c->lar, "lar %zu: %x", i, value);
		value = 0;
		ck_assert_msg(segment_lsl(v, c->sel, &value) == c->lsl_zf, "lsl %zu", i);
		ck_assert_msg(value == c->lsl, "lsl %zu: %x", i, value);
		ck_assert_msg(segment_verify(v, c->sel, false) == c->verr, "verr %zu", i);
		ck_assert_msg(segment_verify(v, c->sel, true) == c->verw, "verw %zu", i);
		ck_assert(!v->fault.raised);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_interrupt_gate_has_no_access_rights)
{
	struct vcpu *v = cpu_new();
	uint32_t value = 0;

	gdt_set(v, CALL_GATE, GATE(0xe, 0, KCODE, 0));
	ck_assert(!segment_lar(v, CALL_GATE, &value));
	stub_machine_free(v->machine);
}
END_TEST

UNIT_MAIN("segment", test_load, test_accessed, test_base_and_limit, test_access,
	  test_access_stack_and_base, test_ldt, test_tr, test_queries,
	  test_interrupt_gate_has_no_access_rights)

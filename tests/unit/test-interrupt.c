/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery through the IDT, classes of double faults, iret: SDM vol. 3, chapter 6; vol. 2, INT,
 * IRET. */
#include "tests/unit/cpu.h"

/* The frame at the stack pointer, lowest address first. */
static void ck_frame(struct vcpu *v, const uint32_t *want, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_msg(peek32(v, v->gpr[R_ESP] + i * 4) == want[i],
			      "frame[%u] is %x, not %x", i, peek32(v, v->gpr[R_ESP] + i * 4),
			      want[i]);
}

START_TEST(test_same_ring)
{
	struct vcpu *v = cpu_new();

	v->eflags = FLAG_1 | FLAG_IF | FLAG_TF | FLAG_CF | FLAG_NT;
	interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 0x200);
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_CF);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP - 12);
	ck_frame(v, (uint32_t[]){KERNEL_EIP, KCODE, FLAG_1 | FLAG_IF | FLAG_TF | FLAG_CF | FLAG_NT},
		 3);
	ck_assert_uint_eq(v->cpl, 0);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_trap_gate_keeps_if)
{
	struct vcpu *v = cpu_new();

	idt_set(v, 0x20, GATE(0xf, 0, KCODE, HANDLER));
	v->eflags |= FLAG_IF | FLAG_AC;
	interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_IF | FLAG_AC);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_inner_ring)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	idt_set(v, 0x80, GATE(0xf, 3, KCODE, HANDLER));
	v->eip += 2;
	interrupt_deliver(v, 0x80, EVENT_SOFTWARE, USER_EIP);
	ck_assert_uint_eq(v->cpl, 0);
	ck_assert_uint_eq(v->seg[SEG_CS].sel, KCODE);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, KDATA);
	ck_assert_uint_eq(v->seg[SEG_DS].sel, UDATA); /* data segments stay */
	ck_assert_uint_eq(v->gpr[R_ESP], STACK0 - 20);
	ck_frame(v, (uint32_t[]){USER_EIP + 2, UCODE, FLAG_1 | FLAG_IF, USER_ESP, UDATA}, 5);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_rpl_of_gate_is_ignored)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	idt_set(v, 0x20, GATE(0xe, 0, KCODE | 3, HANDLER));
	interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
	ck_assert_uint_eq(v->seg[SEG_CS].sel, KCODE);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_conforming_handler)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	idt_set(v, 0x20, GATE(0xe, 0, CONFORMING, HANDLER));
	interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
	ck_assert_uint_eq(v->cpl, 3);
	ck_assert_uint_eq(v->seg[SEG_CS].sel, CONFORMING | 3);
	ck_assert_uint_eq(v->gpr[R_ESP], USER_ESP - 12);
	ck_assert(gdt_get(v, CONFORMING) & DESC_A);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_gate16)
{
	struct vcpu *v = cpu_new();

	idt_set(v, 0x20, GATE(6, 0, KCODE, 0x7fff1234u));
	interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
	ck_assert_uint_eq(v->eip, 0x1234);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP - 6);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), (uint32_t)KCODE << 16 | (KERNEL_EIP & 0xffff));
	stub_machine_free(v->machine);
}
END_TEST

/* Which vectors push an error code, and RF in the image of faults. */
START_TEST(test_error_code_and_rf)
{
	for (unsigned vector = 0; vector < 20; vector++) {
		struct vcpu *v = cpu_new();
		bool error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
		bool rf = vector != 1 && vector != 2 && vector != 3 && vector != 4 && vector != 8 &&
			  vector != 18;

		vcpu_raise(v, vector, 0x1234);
		interrupt_fault(v);
		ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP - (error ? 16 : 12));
		if (error)
			ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 0x1234);
		ck_assert_uint_eq(peek32(v, KERNEL_ESP - 4), FLAG_1 | (rf ? FLAG_RF : 0));
		ck_assert(!(v->eflags & FLAG_RF));
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_page_fault_sets_cr2)
{
	struct vcpu *v = cpu_new();

	vcpu_raise_pf(v, 0xdeadb000, PF_WRITE | PF_USER);
	ck_assert_uint_eq(v->cr2, 0);
	interrupt_fault(v);
	ck_assert_uint_eq(v->cr2, 0xdeadb000);
	ck_assert_uint_eq(v->eip, HANDLER + 14 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), PF_WRITE | PF_USER);
	ck_assert(!v->fault.raised);
	stub_machine_free(v->machine);
}
END_TEST

/* A delivery that faults ends in another vector with an error code; all from ring 3. */
struct refused {
	const char *what;
	uint64_t gate;
	enum event_source source;
	uint8_t vector;
	uint32_t error;
	uint32_t eip;
};

static const struct refused refused[] = {
    {"int n without privilege", GATE(0xe, 0, KCODE, 1), EVENT_SOFTWARE, VEC_GP, 0x30 * 8 + 2,
     USER_EIP},
    {"absent gate", ABSENT(GATE(0xe, 3, KCODE, 1)), EVENT_SOFTWARE, VEC_NP, 0x30 * 8 + 2, USER_EIP},
    {"absent gate, external", ABSENT(GATE(0xe, 3, KCODE, 1)), EVENT_EXTERNAL, VEC_NP, 0x30 * 8 + 3,
     USER_EIP + 2},
    {"privilege before presence", ABSENT(GATE(0xe, 0, KCODE, 1)), EVENT_SOFTWARE, VEC_GP,
     0x30 * 8 + 2, USER_EIP},
    {"type", GATE(0xc, 3, KCODE, 1), EVENT_SOFTWARE, VEC_GP, 0x30 * 8 + 2, USER_EIP},
    {"a code descriptor", FLAT(0xb, 3), EVENT_EXTERNAL, VEC_GP, 0x30 * 8 + 3, USER_EIP + 2},
    {"null selector", GATE(0xe, 3, 0, 1), EVENT_SOFTWARE, VEC_GP, 0, USER_EIP},
    {"null selector, external", GATE(0xe, 3, 3, 1), EVENT_EXTERNAL, VEC_GP, 1, USER_EIP + 2},
    {"beyond the table", GATE(0xe, 3, BEYOND, 1), EVENT_SOFTWARE, VEC_GP, BEYOND, USER_EIP},
    {"data segment", GATE(0xe, 3, KDATA, 1), EVENT_EXTERNAL, VEC_GP, KDATA + 1, USER_EIP + 2},
    {"absent code", GATE(0xe, 3, ABSENT_CODE, 1), EVENT_SOFTWARE, VEC_NP, ABSENT_CODE, USER_EIP},
    {"beyond the code", GATE(0xe, 3, SMALL_CODE, 0x1000), EVENT_SOFTWARE, VEC_GP, 0, USER_EIP},
    {"beyond the code, external", GATE(0xe, 3, SMALL_CODE, 0x1000), EVENT_EXTERNAL, VEC_GP, 1,
     USER_EIP + 2},
};

START_TEST(test_refused)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const struct refused *c = &refused[i];
		struct vcpu *v = cpu_new();

		cpu_user(v);
		v->eip += 2;
		idt_set(v, 0x30, c->gate);
		interrupt_deliver(v, 0x30, c->source, USER_EIP);
		ck_assert_msg(v->eip == HANDLER + c->vector * 16u, "%s: eip %x", c->what, v->eip);
		ck_assert_msg(peek32(v, v->gpr[R_ESP]) == c->error, "%s: error %x", c->what,
			      peek32(v, v->gpr[R_ESP]));
		ck_assert_msg(peek32(v, v->gpr[R_ESP] + 4) == c->eip, "%s: return to %x", c->what,
			      peek32(v, v->gpr[R_ESP] + 4));
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_beyond_idt)
{
	struct vcpu *v = cpu_new();

	v->idtr.limit = 0x30 * 8 - 1;
	interrupt_deliver(v, 0x30, EVENT_SOFTWARE, KERNEL_EIP);
	ck_assert_uint_eq(v->eip, HANDLER + 13 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 0x30 * 8 + 2);
	stub_machine_free(v->machine);
}
END_TEST

/* Stack switches that fail: SDM vol. 2, INT, INTER-PRIVILEGE-LEVEL-INTERRUPT. The #TS comes by a
 * task gate, as any handler behind the same TSS would fail alike. */
struct bad_stack {
	uint16_t ss;
	uint8_t vector;
	uint32_t error;
};

static const struct bad_stack bad_stacks[] = {
    {0, VEC_TS, 1},
    {BEYOND, VEC_TS, BEYOND + 1},
    {KDATA | 3, VEC_TS, KDATA + 1},
    {UDATA & ~3, VEC_TS, (UDATA & ~3) + 1},
    {KCODE, VEC_TS, KCODE + 1},
    {READ_ONLY, VEC_TS, READ_ONLY + 1},
    {ABSENT_DATA, VEC_SS, ABSENT_DATA + 1},
};

START_TEST(test_bad_inner_stack)
{
	for (size_t i = 0; i < sizeof(bad_stacks) / sizeof(*bad_stacks); i++) {
		const struct bad_stack *c = &bad_stacks[i];
		struct vcpu *v = cpu_new();

		cpu_user(v);
		poke32(v, TSS_A + 8, c->ss);
		idt_set(v, c->vector, GATE(5, 0, TASK_B, 0));
		interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
		ck_assert_msg(v->eip == TASK_B_EIP, "case %zu: eip %x", i, v->eip);
		ck_assert_msg(peek32(v, v->gpr[R_ESP]) == c->error, "case %zu: error %x", i,
			      peek32(v, v->gpr[R_ESP]));
		ck_assert_uint_eq(peek32(v, TSS_A + 32), USER_EIP);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_small_tss)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	v->tr.limit = 8;
	idt_set(v, VEC_TS, GATE(0xe, 0, UCODE, HANDLER)); /* needs no stack switch */
	interrupt_deliver(v, 0x20, EVENT_EXTERNAL, 0);
	ck_assert_uint_eq(v->eip, HANDLER);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), TASK_A + 1);
	stub_machine_free(v->machine);
}
END_TEST

/* SDM vol. 3, table 6-5: what a second exception makes of a first. */
struct pair {
	uint8_t first, second;
	bool is_double;
};

static const struct pair pairs[] = {
    {VEC_UD, VEC_GP, false}, {VEC_UD, VEC_NP, false}, {VEC_DB, VEC_GP, false},
    {VEC_AC, VEC_NP, false}, {VEC_DE, VEC_GP, true},  {VEC_GP, VEC_GP, true},
    {VEC_GP, VEC_NP, true},  {VEC_NP, VEC_GP, true},  {VEC_TS, VEC_NP, true},
    {VEC_SS, VEC_GP, true},  {VEC_PF, VEC_GP, true},  {VEC_PF, VEC_NP, true},
};

START_TEST(test_double_fault)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		const struct pair *p = &pairs[i];
		struct vcpu *v = cpu_new();
		uint8_t want = p->is_double ? VEC_DF : p->second;

		/* The first gate is of a wrong type (#GP) or absent (#NP). */
		idt_set(v, p->first,
			p->second == VEC_GP ? GATE(2, 0, KCODE, 1)
					    : ABSENT(GATE(0xe, 0, KCODE, 1)));
		vcpu_raise(v, p->first, 0);
		interrupt_fault(v);
		ck_assert_msg(v->eip == HANDLER + want * 16u, "pair %zu: eip %x", i, v->eip);
		ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), p->is_double ? 0u : p->first * 8 + 3u);
		ck_assert_uint_eq(peek32(v, v->gpr[R_ESP] + 4), KERNEL_EIP);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_triple_fault)
{
	struct vcpu *v = cpu_new();

	v->idtr.limit = 0;
	vcpu_raise(v, VEC_UD, 0);
	ck_assert_int_eq(stub_catch(interrupt_fault(v)), WEDGE_EXIT_TRIPLE_FAULT);
	ck_assert_ptr_nonnull(strstr(stub.messages, "triple fault"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "vector 06"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "vector 0d"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "vector 08"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "eip 00010000"));
	stub_machine_free(v->machine);
}
END_TEST

static void push_iret(struct vcpu *v, uint32_t eip, uint32_t cs, uint32_t flags, uint32_t esp,
		      uint32_t ss)
{
	uint32_t frame[] = {eip, cs, flags, esp, ss};

	for (unsigned i = 0; i < 5; i++)
		poke32(v, v->gpr[R_ESP] + i * 4, frame[i]);
}

START_TEST(test_iret_same)
{
	struct vcpu *v = cpu_new();

	v->nmi_blocked = true;
	push_iret(v, 0x1234, KCODE, 0xffffffff & ~(FLAG_VM | FLAG_NT), 0, 0);
	ck_assert(interrupt_iret(v, 4, 0));
	ck_assert_uint_eq(v->eip, 0x1234);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP + 12);
	ck_assert_uint_eq(v->eflags, 0x3f7fd7 & ~(FLAG_VM | FLAG_NT));
	ck_assert(!v->nmi_blocked);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_iret_outer)
{
	struct vcpu *v = cpu_new();

	push_iret(v, 0x1234, UCODE, FLAG_1 | FLAG_IF | FLAG_IOPL, 0x4321, UDATA);
	ck_assert(segment_load(v, SEG_ES, UDATA));
	ck_assert(segment_load(v, SEG_FS, CONFORMING));
	ck_assert(segment_load(v, SEG_GS, KCODE));
	ck_assert(interrupt_iret(v, 4, 0));
	ck_assert_uint_eq(v->cpl, 3);
	ck_assert_uint_eq(v->eip, 0x1234);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x4321);
	ck_assert_uint_eq(v->seg[SEG_CS].sel, UCODE);
	ck_assert_uint_eq(v->seg[SEG_SS].sel, UDATA);
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_IF | FLAG_IOPL);
	/* ds and gs held what ring 3 may not have. */
	ck_assert_uint_eq(v->seg[SEG_DS].sel, 0);
	ck_assert(!v->seg[SEG_DS].usable);
	ck_assert(!v->seg[SEG_GS].usable);
	ck_assert_uint_eq(v->seg[SEG_ES].sel, UDATA);
	ck_assert_uint_eq(v->seg[SEG_FS].sel, CONFORMING);
	stub_machine_free(v->machine);
}
END_TEST

/* In ring 3 iret changes neither IOPL nor, above it, IF. */
START_TEST(test_iret_flags_by_privilege)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	push_iret(v, 0x1234, UCODE, FLAG_1 | FLAG_IOPL | FLAG_CF, 0, 0);
	ck_assert(interrupt_iret(v, 4, 0));
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_IF | FLAG_CF);
	v->eflags |= FLAG_IOPL;
	v->gpr[R_ESP] = USER_ESP;
	push_iret(v, 0x1234, UCODE, FLAG_1, 0, 0);
	ck_assert(interrupt_iret(v, 4, 0));
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_IOPL);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_iret16)
{
	struct vcpu *v = cpu_new();

	v->eflags = FLAG_1 | FLAG_AC | FLAG_ID;
	poke32(v, KERNEL_ESP, (uint32_t)KCODE << 16 | 0x1234);
	poke32(v, KERNEL_ESP + 4, FLAG_CF | FLAG_IF);
	ck_assert(interrupt_iret(v, 2, 0));
	ck_assert_uint_eq(v->eip, 0x1234);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP + 6);
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_AC | FLAG_ID | FLAG_CF | FLAG_IF);
	stub_machine_free(v->machine);
}
END_TEST

struct bad_iret {
	unsigned cpl;
	uint32_t eip, cs, ss;
	uint8_t vector;
	uint32_t error;
};

static const struct bad_iret bad_irets[] = {
    {0, 0, 0, 0, VEC_GP, 0},
    {0, 0, 3, 0, VEC_GP, 0},
    {0, 0, BEYOND, 0, VEC_GP, BEYOND},
    {0, 0, KDATA, 0, VEC_GP, KDATA},
    {0, 0, UCODE & ~3, 0, VEC_GP, UCODE & ~3u}, /* rpl 0, dpl 3 */
    {0, 0, KCODE | 3, 0, VEC_GP, KCODE},
    {0, 0, ABSENT_CODE, 0, VEC_NP, ABSENT_CODE},
    {0, 0x1000, SMALL_CODE, 0, VEC_GP, 0},
    {0, 0, CONFORMING3, 0, VEC_GP, CONFORMING3}, /* conforming with dpl > rpl */
    {3, 0, KCODE, 0, VEC_GP, KCODE},
    {3, 0, UCODE & ~3, 0, VEC_GP, UCODE & ~3u},
    {0, 0, UCODE, 0, VEC_GP, 0},
    {0, 0, UCODE, BEYOND, VEC_GP, BEYOND},
    {0, 0, UCODE, KDATA, VEC_GP, KDATA},
    {0, 0, UCODE, KDATA | 3, VEC_GP, KDATA},
    {0, 0, UCODE, READ_ONLY | 3, VEC_GP, READ_ONLY},
    {0, 0, UCODE, ABSENT_STACK3, VEC_SS, ABSENT_STACK3 & ~3u},
};

START_TEST(test_bad_iret)
{
	for (size_t i = 0; i < sizeof(bad_irets) / sizeof(*bad_irets); i++) {
		const struct bad_iret *c = &bad_irets[i];
		struct vcpu *v = cpu_new(), before;

		if (c->cpl == 3)
			cpu_user(v);
		push_iret(v, c->eip, c->cs, FLAG_1, 0x4321, c->ss);
		before = *v;
		ck_assert_msg(!interrupt_iret(v, 4, 0), "case %zu", i);
		ck_assert_msg(v->fault.vector == c->vector && v->fault.error == c->error,
			      "case %zu: vector %u error %x", i, v->fault.vector, v->fault.error);
		v->fault = before.fault;
		ck_assert_msg(!memcmp(v, &before, sizeof(before)), "case %zu: state changed", i);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_iret_stack_limit)
{
	struct vcpu *v = cpu_new();

	segment_set(v, SEG_SS, KDATA, 0x0040920000007007ull); /* ends 8 bytes above esp */
	ck_assert(!interrupt_iret(v, 4, 0));
	ck_fault(v, VEC_SS, 0);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_vm86)
{
	struct vcpu *v = cpu_new();

	push_iret(v, 0x1234, 0x100, FLAG_1 | FLAG_VM, 0x4321, 0x100);
	ck_assert(!interrupt_iret(v, 4, 0));
	ck_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->gpr[R_ESP], KERNEL_ESP);
	ck_assert_ptr_nonnull(strstr(stub.messages, "virtual-8086"));
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_unsupported)
{
	struct vcpu *v = cpu_new();

	gdt_set(v, KCODE, FLAT(0xb, 0) & ~DESC_DB);
	push_iret(v, 0, KCODE, 0, 0, 0);
	ck_assert_int_eq(stub_catch(interrupt_iret(v, 4, 0)), WEDGE_EXIT_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(stub.messages, "16-bit code segment 0x8"));
	stub_machine_free(v->machine);
}
END_TEST

UNIT_MAIN("interrupt", test_same_ring, test_trap_gate_keeps_if, test_inner_ring,
	  test_rpl_of_gate_is_ignored, test_conforming_handler, test_gate16, test_error_code_and_rf,
	  test_page_fault_sets_cr2, test_refused, test_beyond_idt, test_bad_inner_stack,
	  test_small_tss, test_double_fault, test_triple_fault, test_iret_same, test_iret_outer,
	  test_iret_flags_by_privilege, test_iret16, test_bad_iret, test_iret_stack_limit,
	  test_vm86, test_unsupported)

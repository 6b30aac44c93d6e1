/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Software interrupts, exceptions and single-stepping within ring 0: SDM vol. 3, chapter 6. */
#include "test.h"

#define VECTOR 0x91 /* a vector that nothing else uses */

static bool t_int(void)
{
	uint32_t behind;

	TRY("int $0x91; 1:", ::: "memory");
	asm volatile("movl $1f, %0; int $0x91; 1:" : "=&r"(behind)::"memory");
	CHECK(caught.count == 2 && caught.vector == VECTOR);
	CHECK(caught.eip == behind && (uint16_t)caught.cs == KERNEL_CS);
	return true;
}

static bool t_int_flags(void)
{
	uint32_t keep = FLAGS_ARITHMETIC | FLAG_AC | FLAG_ID | FLAG_IF, after;

	try_begin();
	asm volatile("pushl %1; popfl; int $0x91; pushfl; popl %0"
		     : "=r"(after)
		     : "r"(keep)
		     : "memory", "cc");
	CHECK((caught.eflags & keep) == keep); /* as pushed by the CPU */
	CHECK((after & keep) == keep);         /* as given back by iret */
	write_flags(FLAG_IF);
	return true;
}

static bool t_gate_if(void)
{
	uint32_t in_interrupt_gate, in_trap_gate;
	extern char vector_entries[];

	asm volatile("int $0x91" ::: "memory");
	in_interrupt_gate = caught.inside;
	idt_gate(VECTOR, (void (*)(void))(vector_entries + VECTOR * 16), GATE_TRAP);
	asm volatile("int $0x91" ::: "memory");
	in_trap_gate = caught.inside;
	idt_reset_gate(VECTOR);
	CHECK(!(in_interrupt_gate & FLAG_IF));
	CHECK(in_trap_gate & FLAG_IF);
	return true;
}

static bool t_gate_absent(void)
{
	idt_gate(VECTOR, NULL, GATE_INTERRUPT & ~SEGMENT_PRESENT);
	TRY("int $0x91", ::: "memory");
	idt_reset_gate(VECTOR);
	CHECK(faulted(VEC_NP, VECTOR * 8 + 2)); /* error code: index, IDT */
	return true;
}

static bool t_gate_bad_type(void)
{
	idt_gate(VECTOR, NULL, 0x82); /* an LDT descriptor is no gate */
	TRY("int $0x91", ::: "memory");
	idt_reset_gate(VECTOR);
	CHECK(faulted(VEC_GP, VECTOR * 8 + 2));
	return true;
}

static bool t_int3(void)
{
	uint32_t behind;

	try_begin();
	asm volatile("movl $1f, %0; int3; 1:" : "=&r"(behind)::"memory");
	CHECK(faulted(VEC_BP, 0) && caught.eip == behind);
	return true;
}

static bool t_into(void)
{
	uint32_t behind;

	try_begin();
	asm volatile("xorl %%eax, %%eax; into" ::: "eax", "cc", "memory"); /* OF is clear */
	CHECK(no_fault());
	asm volatile("movl $0x7fffffff, %%eax; incl %%eax; movl $1f, %0; into; 1:"
		     : "=&r"(behind)::"eax", "cc", "memory");
	CHECK(faulted(VEC_OF, 0) && caught.eip == behind);
	return true;
}

static bool t_bound(void)
{
	static const int32_t bounds[2] = {-5, 10};
	uint32_t at;

	TRY("bound %0, %1", ::"r"(-5), "m"(bounds));
	CHECK(no_fault());
	TRY("bound %0, %1", ::"r"(10), "m"(bounds));
	CHECK(no_fault());
	TRY("movl $1f, %0; 1: bound %1, %2", : "=&r"(at) : "r"(11), "m"(bounds));
	CHECK(faulted(VEC_BR, 0) && caught.eip == at); /* a fault: eip at the instruction */
	TRY("bound %0, %1", ::"r"(-6), "m"(bounds));
	CHECK(faulted(VEC_BR, 0));
	return true;
}

static bool t_divide(void)
{
	uint32_t at;

	TRY("movl $1f, %0; xorl %%ecx, %%ecx; 1: divl %%ecx",
	    : "=&b"(at)::"eax", "ecx", "edx", "cc");
	CHECK(faulted(VEC_DE, 0) && caught.eip == at);
	TRY("movl $-1, %%ecx; movl $0x80000000, %%eax; cltd; idivl %%ecx", ::
		: "eax", "ecx", "edx", "cc");
	CHECK(faulted(VEC_DE, 0)); /* the quotient does not fit */
	return true;
}

static bool t_undefined(void)
{
	uint32_t at;

	TRY("movl $1f, %0; 1: ud2", : "=&r"(at));
	CHECK(faulted(VEC_UD, 0) && caught.eip == at);
	TRY(".byte 0xf0, 0x90", ::); /* lock nop */
	CHECK(faulted(VEC_UD, 0));
	return true;
}

/* Was #DB raised at each of these addresses, in this order, with nothing between? */
static bool stepped(const uint32_t *at, unsigned n)
{
	unsigned i, j;

	for (i = 0; i + n <= trap_nr_steps; i++) {
		for (j = 0; j < n && trap_steps[i + j] == at[j]; j++)
			;
		if (j == n)
			return true;
	}
	return false;
}

static bool t_single_step(void)
{
	uint32_t at[4];

	trap_nr_steps = 0;
	try_begin();
	asm volatile("pushfl\n\tpushl %4\n\tpopfl\n\t"
		     "movl $1f, %0\n1:\tmovl $2f, %1\n2:\tmovl $3f, %2\n3:\tmovl $4f, %3\n4:\tpopfl"
		     : "=&r"(at[0]), "=&r"(at[1]), "=&r"(at[2]), "=&r"(at[3])
		     : "ri"(FLAG_TF | FLAG_IF)
		     : "memory", "cc");
	CHECK(caught.vector == VEC_DB);
	CHECK(stepped(at, 4));
	CHECK(!(caught.inside & FLAG_TF)); /* the handler itself is not stepped */
	return true;
}

static bool t_step_ends(void)
{
	unsigned steps;

	asm volatile("pushl %0; popfl; nop; pushl %1; popfl; nop" ::"i"(FLAG_TF | FLAG_IF),
		     "i"(FLAG_IF)
		     : "memory", "cc");
	steps = caught.count;
	asm volatile("nop; nop; nop; nop");
	CHECK(steps && caught.count == steps);
	return true;
}

static bool t_step_dr6(void)
{
	uint32_t dr6;

	asm volatile("movl %0, %%db6" ::"r"(0));
	asm volatile("pushl %0; popfl; nop; pushl %1; popfl; nop" ::"i"(FLAG_TF | FLAG_IF),
		     "i"(FLAG_IF)
		     : "memory", "cc");
	asm volatile("movl %%db6, %0" : "=r"(dr6));
	CHECK(dr6 & 0x4000); /* BS: SDM vol. 3, 17.2.3 */
	return true;
}

static bool t_iret_tf(void)
{
	uint32_t at[2];

	trap_nr_steps = 0;
	asm volatile("pushl %2\n\tpushl %%cs\n\tpushl $1f\n\tiret\n"
		     "1:\tmovl $2f, %0\n2:\tmovl $3f, %1\n3:\tpushl %3\n\tpopfl"
		     : "=&r"(at[0]), "=&r"(at[1])
		     : "i"(FLAG_TF), "i"(FLAG_IF)
		     : "memory", "cc");
	CHECK(stepped(at, 2));
	return true;
}

const struct test interrupt_tests[] = {
    {"int n goes through its gate and returns behind itself", t_int},
    {"int n and iret keep the flags", t_int_flags},
    {"an interrupt gate clears IF, a trap gate does not", t_gate_if},
    {"int through an absent gate is #NP", t_gate_absent},
    {"int through what is no gate is #GP", t_gate_bad_type},
    {"int3 is #BP", t_int3},
    {"into is #OF when OF is set", t_into},
    {"bound is #BR outside its bounds", t_bound},
    {"div and idiv raise #DE", t_divide},
    {"undefined instructions are #UD", t_undefined},
    {"popf that sets TF steps every instruction", t_single_step},
    {"single-stepping ends when TF is cleared", t_step_ends},
    {"single-stepping sets DR6.BS", t_step_dr6},
    {"iret that sets TF steps every instruction", t_iret_tf},
    {0},
};

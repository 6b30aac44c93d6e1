/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Far jumps, calls and returns, and call gates: SDM vol. 3, 5.8. */
#include "test.h"

static struct far_pointer target;

/* A second code segment, flat like the kernel's. */
static uint16_t second_cs(void)
{
	*gdt_slot(TEST_SEL) = segment_make(0, 0xffffffff, SEGMENT_CODE);
	return TEST_SEL;
}

static bool t_jmp_direct(void)
{
	uint32_t there, back;

	second_cs();
	asm volatile("ljmp %2, $1f; 1: movl %%cs, %0; ljmp %3, $2f; 2: movl %%cs, %1"
		     : "=&r"(there), "=&r"(back)
		     : "i"(TEST_SEL), "i"(KERNEL_CS));
	CHECK(there == TEST_SEL && back == KERNEL_CS);
	return true;
}

static bool t_jmp_indirect(void)
{
	uint32_t there;

	target.selector = second_cs();
	asm volatile("movl $1f, %1; ljmp *%1; 1: movl %%cs, %0; ljmp %2, $2f; 2:"
		     : "=&r"(there), "+m"(target)
		     : "i"(KERNEL_CS));
	CHECK(there == TEST_SEL);
	return true;
}

static bool t_call_direct(void)
{
	uint32_t there, eip, cs, behind;

	second_cs();
	asm volatile("movl $2f, %3; lcall %4, $1f; 2: jmp 3f; 1: movl %%cs, %0; movl (%%esp), %1; "
		     "movl 4(%%esp), %2; "
		     "lret; 3:"
		     : "=&r"(there), "=&r"(eip), "=&r"(cs), "=&r"(behind)
		     : "i"(TEST_SEL)
		     : "memory");
	CHECK(there == TEST_SEL && (uint16_t)cs == KERNEL_CS);
	CHECK(eip == behind);
	CHECK(read_cs() == KERNEL_CS);
	return true;
}

static bool t_call_indirect(void)
{
	uint32_t there, before, after;

	target.selector = second_cs();
	asm volatile("movl $1f, %3; movl %%esp, %1; lcall *%3; movl %%esp, %2; jmp 3f; 1: movl "
		     "%%cs, %0; lret; 3:"
		     : "=&r"(there), "=&r"(before), "=&r"(after), "+m"(target)::"memory");
	CHECK(there == TEST_SEL && read_cs() == KERNEL_CS);
	CHECK(before == after);
	return true;
}

static bool t_ret_pop(void)
{
	uint32_t before, after;

	asm volatile("movl %%esp, %0; pushl $1; pushl $2; lcall %2, $1f; movl %%esp, %1; jmp 3f; "
		     "1: lret $8; 3:"
		     : "=&r"(before), "=&r"(after)
		     : "i"(KERNEL_CS)
		     : "memory");
	CHECK(before == after);
	return true;
}

static bool t_far_flags(void)
{
	uint32_t mask = FLAGS_ARITHMETIC, flags;

	asm volatile("pushl %1; popfl; lcall %2, $1f; pushfl; popl %0; jmp 3f; 1: lret; 3: sti"
		     : "=&r"(flags)
		     : "r"(mask), "i"(KERNEL_CS)
		     : "memory", "cc");
	CHECK((flags & mask) == mask);
	return true;
}

static bool t_gate_same_level(void)
{
	static uint32_t there, depth;
	extern void gate_target(void);

	asm volatile("jmp 2f; .globl gate_target; gate_target: movl %%cs, %%eax; movl %%eax, %0; "
		     "movl %%esp, %1; lret; "
		     "2:"
		     : "=m"(there), "=m"(depth)::"eax");
	second_cs();
	*gdt_slot(TEST_SEL + 8) = call_gate_make(TEST_SEL, gate_target, 0, 0);
	asm volatile("lcall %0, $0; subl %%esp, %1" ::"i"(TEST_SEL + 8), "m"(depth)
		     : "eax", "memory", "cc");
	CHECK(there == TEST_SEL && depth == (uint32_t)-8);
	CHECK(read_cs() == KERNEL_CS);
	return true;
}

static bool t_jmp_gate(void)
{
	static uint32_t there;
	extern void gate_jump_target(void);

	second_cs();
	*gdt_slot(TEST_SEL + 8) = call_gate_make(TEST_SEL, gate_jump_target, 0, 0);
	asm volatile("ljmp %1, $0; .globl gate_jump_target; gate_jump_target: movl %%cs, %%eax; "
		     "movl %%eax, %0; "
		     "ljmp %2, $1f; 1:"
		     : "=m"(there)
		     : "i"(TEST_SEL + 8), "i"(KERNEL_CS)
		     : "eax", "memory");
	CHECK(there == TEST_SEL);
	return true;
}

static bool t_conforming(void)
{
	uint32_t there;

	*gdt_slot(TEST_SEL) = segment_make(0, 0xffffffff, SEGMENT_CODE | 4);
	asm volatile("ljmp %1, $1f; 1: movl %%cs, %0; ljmp %2, $2f; 2:"
		     : "=&r"(there)
		     : "i"(TEST_SEL), "i"(KERNEL_CS));
	CHECK(there == TEST_SEL);
	return true;
}

static bool t_faults(void)
{
	TRY("ljmp %0, $0", ::"i"(KERNEL_DS));
	CHECK(faulted(VEC_GP, KERNEL_DS)); /* data */
	TRY("ljmp $0, $0", ::);
	CHECK(faulted(VEC_GP, 0)); /* null */
	TRY("lcall %0, $0", ::"i"(GDT_ENTRIES * 8) : "memory");
	CHECK(faulted(VEC_GP, GDT_ENTRIES * 8));
	*gdt_slot(TEST_SEL) = segment_make(0, 0xffffffff, SEGMENT_CODE & ~SEGMENT_PRESENT);
	TRY("ljmp %0, $0", ::"i"(TEST_SEL));
	CHECK(faulted(VEC_NP, TEST_SEL));
	TRY("lcall %0, $0", ::"i"(USER_CS & ~3) : "memory");
	CHECK(faulted(VEC_GP, USER_CS & ~3)); /* not down to a lower privilege */
	TRY("pushl %0; pushl $0; lret", ::"i"(KERNEL_DS) : "memory");
	CHECK(faulted(VEC_GP, KERNEL_DS));
	TRY("pushfl; pushl %0; pushl $0; iret", ::"i"(KERNEL_DS) : "memory");
	CHECK(faulted(VEC_GP, KERNEL_DS));
	CHECK(read_cs() == KERNEL_CS);
	return true;
}

const struct test far_tests[] = {
    {"ljmp to another code segment and back", t_jmp_direct},
    {"ljmp through memory", t_jmp_indirect},
    {"lcall and lret", t_call_direct},
    {"lcall through memory", t_call_indirect},
    {"lret that pops parameters", t_ret_pop},
    {"lcall and lret keep the flags", t_far_flags},
    {"lcall through a call gate", t_gate_same_level},
    {"ljmp through a call gate", t_jmp_gate},
    {"ljmp to conforming code", t_conforming},
    {"far transfers fault on bad selectors", t_faults},
    {0},
};

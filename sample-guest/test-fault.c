/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fault in ring 3 ends its process, for the right reason, and nothing else. SDM vol. 3, 6.15. */
#include "test.h"
#include "user/faults.h"

#define NOWHERE 0x10000000

static bool dies(const char *name, uint32_t argument, uint32_t vector, uint32_t error, uint32_t cr2)
{
	unsigned before = pages_free;
	struct death d = program_run(name, argument);

	if (d.vector == vector && d.error == error && d.cr2 == cr2 && pages_free == before)
		return true;
	print("# status %d exception %d error %x cr2 %x eip %x\n", d.status, (int)d.vector, d.error,
	      d.cr2, d.eip);
	return false;
}

#define PAGE_FAULT(test, what, error, cr2)                                                         \
	static bool test(void)                                                                     \
	{                                                                                          \
		return dies("fault", what, VEC_PF, error, cr2);                                    \
	}
PAGE_FAULT(t_read_null, FAULT_READ_NULL, PF_USER, 0x10)
PAGE_FAULT(t_read_kernel, FAULT_READ_KERNEL, PF_USER | PF_PRESENT, KERNEL_BASE + 0x100000)
PAGE_FAULT(t_write_kernel, FAULT_WRITE_KERNEL, PF_USER | PF_PRESENT | PF_WRITE,
	   KERNEL_BASE + 0x100004)
PAGE_FAULT(t_read_kernel_absent, FAULT_READ_KERNEL_ABSENT, PF_USER, VMAP_BASE + 0x3ff008)
PAGE_FAULT(t_call_kernel, FAULT_CALL_KERNEL, PF_USER | PF_PRESENT, KERNEL_BASE + 0x100000)
PAGE_FAULT(t_call_nowhere, FAULT_CALL_NOWHERE, PF_USER, NOWHERE)
PAGE_FAULT(t_write_nowhere, FAULT_WRITE_NOWHERE, PF_USER | PF_WRITE, NOWHERE + 4)
PAGE_FAULT(t_stack_overflow, FAULT_STACK_OVERFLOW, PF_USER | PF_WRITE,
	   USER_STACK_TOP - USER_STACK_SIZE - 4)

static bool t_write_text(void)
{
	struct death d = program_run("fault", FAULT_WRITE_TEXT);

	CHECK(d.vector == VEC_PF && d.error == (PF_USER | PF_PRESENT | PF_WRITE));
	CHECK(d.cr2 >= USER_BASE && d.cr2 < USER_BASE + 0x10000);
	return true;
}

#define FAULT(test, what, vector, error)                                                           \
	static bool test(void)                                                                     \
	{                                                                                          \
		return dies("fault", what, vector, error, 0);                                      \
	}
FAULT(t_cli, FAULT_CLI, VEC_GP, 0)
FAULT(t_sti, FAULT_STI, VEC_GP, 0)
FAULT(t_hlt, FAULT_HLT, VEC_GP, 0)
FAULT(t_in, FAULT_IN, VEC_GP, 0)
FAULT(t_out, FAULT_OUT, VEC_GP, 0)
FAULT(t_mov_cr0, FAULT_MOV_CR0, VEC_GP, 0)
FAULT(t_mov_cr3, FAULT_MOV_CR3, VEC_GP, 0)
FAULT(t_mov_dr7, FAULT_MOV_DR7, VEC_GP, 0)
FAULT(t_lgdt, FAULT_LGDT, VEC_GP, 0)
FAULT(t_lidt, FAULT_LIDT, VEC_GP, 0)
FAULT(t_ltr, FAULT_LTR, VEC_GP, 0)
FAULT(t_lmsw, FAULT_LMSW, VEC_GP, 0)
FAULT(t_clts, FAULT_CLTS, VEC_GP, 0)
FAULT(t_invlpg, FAULT_INVLPG, VEC_GP, 0)
FAULT(t_wbinvd, FAULT_WBINVD, VEC_GP, 0)
FAULT(t_rdmsr, FAULT_RDMSR, VEC_GP, 0)
FAULT(t_int_kernel, FAULT_INT_KERNEL, VEC_GP, 0x20 * 8 + 2)
FAULT(t_load_kernel_ds, FAULT_LOAD_KERNEL_DS, VEC_GP, KERNEL_DS)
FAULT(t_load_beyond, FAULT_LOAD_BEYOND, VEC_GP, 0x1000)
FAULT(t_ud2, FAULT_UD2, VEC_UD, 0)
FAULT(t_divide, FAULT_DIVIDE, VEC_DE, 0)
FAULT(t_int3, FAULT_INT3, VEC_BP, 0)
FAULT(t_into, FAULT_INTO, VEC_OF, 0)
FAULT(t_bound, FAULT_BOUND, VEC_BR, 0)
FAULT(t_step, FAULT_STEP, VEC_DB, 0)

static bool t_x87(void)
{
	return dies("fpu", 4, VEC_MF, 0, 0);
}

static bool t_port_neighbour(void)
{
	return dies("gate", 2, VEC_GP, 0, 0);
}

/* After all of that: */
static bool t_alive(void)
{
	struct death d = program_run("process", 0);

	CHECK(d.status == 0 && d.vector == NO_VECTOR);
	return true;
}

const struct test fault_tests[] = {
    {"reading page 0", t_read_null},
    {"reading the kernel", t_read_kernel},
    {"writing the kernel", t_write_kernel},
    {"reading an absent page of the kernel", t_read_kernel_absent},
    {"calling the kernel", t_call_kernel},
    {"calling where nothing is", t_call_nowhere},
    {"writing where nothing is", t_write_nowhere},
    {"writing to its own code", t_write_text},
    {"overflowing its stack", t_stack_overflow},
    {"cli", t_cli},
    {"sti", t_sti},
    {"hlt", t_hlt},
    {"in", t_in},
    {"out", t_out},
    {"mov from CR0", t_mov_cr0},
    {"mov to CR3", t_mov_cr3},
    {"mov from DR7", t_mov_dr7},
    {"lgdt", t_lgdt},
    {"lidt", t_lidt},
    {"ltr", t_ltr},
    {"lmsw", t_lmsw},
    {"clts", t_clts},
    {"invlpg", t_invlpg},
    {"wbinvd", t_wbinvd},
    {"rdmsr", t_rdmsr},
    {"int through a gate of the kernel", t_int_kernel},
    {"loading a segment of the kernel", t_load_kernel_ds},
    {"loading a segment beyond the GDT", t_load_beyond},
    {"ud2", t_ud2},
    {"dividing by zero", t_divide},
    {"int3", t_int3},
    {"into", t_into},
    {"bound", t_bound},
    {"stepping itself", t_step},
    {"an unmasked x87 exception", t_x87},
    {"a port beside the one it may use", t_port_neighbour},
    {"the kernel goes on after all of these", t_alive},
    {0},
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtual CPU in flat protected mode with a GDT, an LDT, an IDT and two tasks, for tests of the
 * core. */
#ifndef TESTS_UNIT_CPU_H
#define TESTS_UNIT_CPU_H

#include "tests/unit/unit.h"
#include "wedge/core/control.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/machine.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"

/* Where things are; paging is off. */
enum {
	GDT = 0x1000,
	IDT = 0x2000,
	TSS_A = 0x3000, /* the present task */
	TSS_B = 0x4000,
	LDT = 0x5000,
	STACK0 = 0x8000, /* esp0 of task A */
	KERNEL_ESP = 0x7000,
	USER_ESP = 0x9000,
	KERNEL_EIP = 0x10000,
	USER_EIP = 0x20000,
	HANDLER = 0x30000, /* + vector * 16 */
	CALLEE = 0x40000,  /* behind the call gates */
	TASK_B_EIP = 0x50000,
	CPU_RAM = 0x100000,
};

/* Selectors of the GDT. */
enum {
	KCODE = 0x08,
	KDATA = 0x10,
	UCODE = 0x1b,
	UDATA = 0x23,
	CONFORMING = 0x28,
	TASK_A = 0x30,
	TASK_B = 0x38,
	CALL_GATE = 0x40, /* dpl 3, to KCODE, two parameters */
	TASK_GATE = 0x48, /* dpl 3, to TASK_B */
	LDT_SEL = 0x50,
	ABSENT_DATA = 0x58,
	EXPAND_DOWN = 0x60, /* offsets 0x1000-0xffffffff */
	READ_ONLY = 0x68,
	EXECUTE_ONLY = 0x70,
	ABSENT_CODE = 0x78,
	SMALL_CODE = 0x80, /* limit 0xfff */
	ABSENT_STACK3 = 0x8b,
	SMALL_STACK3 = 0x93, /* limit 0xfff, dpl 3 */
	CALL_GATE0 = 0x98,   /* dpl 0 */
	GATE_ABSENT = 0xa0,
	CONFORMING3 = 0xa8,     /* dpl 3 */
	GATE_CONFORMING = 0xb0, /* call gate to CONFORMING */
	BEYOND = 0x200,         /* not in the table */
	IN_LDT = 0x0c,          /* dpl 0 data in the LDT */
};

#define FLAT(type, dpl)                                                                            \
	(0x00cf80000000ffffull | (uint64_t)(0x10 | (type)) << 40 | (uint64_t)(dpl) << 45)
#define SYSTEM(type, dpl, base, limit)                                                             \
	(0x800000000000ull | (uint64_t)(type) << 40 | (uint64_t)(dpl) << 45 |                      \
	 (uint64_t)(base) << 16 | (limit))
#define GATE(type, dpl, sel, offset)                                                               \
	(0x800000000000ull | (uint64_t)(type) << 40 | (uint64_t)(dpl) << 45 |                      \
	 (uint64_t)(sel) << 16 | ((offset)&0xffff) | (uint64_t)((offset)&0xffff0000) << 32)
#define ABSENT(desc) ((desc) & ~DESC_P)

/* A machine in ring 0; free with stub_machine_free. */
struct vcpu *cpu_new(void);
/* Go to ring 3 without ceremony. */
void cpu_user(struct vcpu *v);

void poke32(struct vcpu *v, uint32_t address, uint32_t value);
uint32_t peek32(struct vcpu *v, uint32_t address);
uint64_t gdt_get(struct vcpu *v, uint16_t sel);
void gdt_set(struct vcpu *v, uint16_t sel, uint64_t desc);
void idt_set(struct vcpu *v, unsigned vector, uint64_t gate);

#define ck_fault(v, vec, err)                                                                      \
	do {                                                                                       \
		ck_assert((v)->fault.raised);                                                      \
		ck_assert_uint_eq((v)->fault.vector, vec);                                         \
		ck_assert_uint_eq((v)->fault.error, err);                                          \
		(v)->fault.raised = false;                                                         \
	} while (0)

#endif

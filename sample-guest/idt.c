/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chapter 4: the interrupt descriptor table. SDM vol. 3, 6.10 and 6.11. */
#include "kernel.h"

#define ENTRY_SIZE 16 /* each vector's entry in entry.S is that far from the last */

extern char vector_entries[];
static uint64_t idt[256];

void idt_gate(unsigned vector, void (*entry)(void), uint8_t access)
{
	uint32_t offset = (uint32_t)entry;

	idt[vector] = (uint64_t)(offset >> 16) << 48 | (uint64_t)access << 40 |
		      (uint64_t)KERNEL_CS << 16 | (offset & 0xffff);
}

/* A task gate: SDM vol. 3, figure 7-6 */
void idt_task_gate(unsigned vector, uint16_t tss_selector)
{
	idt[vector] = (uint64_t)0x85 << 40 | (uint64_t)tss_selector << 16;
}

void idt_reset_gate(unsigned vector)
{
	uint8_t access = GATE_INTERRUPT;

	if (vector == VEC_BP || vector == VEC_OF)
		access |= GATE_DPL3; /* int3 and into are for everyone */
	if (vector == SYSCALL_VECTOR)
		access = GATE_TRAP | GATE_DPL3; /* system calls run with interrupts on */
	idt_gate(vector, (void (*)(void))(vector_entries + vector * ENTRY_SIZE), access);
}

struct table_register idt_register(void)
{
	return (struct table_register){sizeof(idt) - 1, (uint32_t)idt};
}

void idt_init(void)
{
	struct table_register r = idt_register();
	unsigned i;

	for (i = 0; i < 256; i++)
		idt_reset_gate(i);
	lidt(&r);
}

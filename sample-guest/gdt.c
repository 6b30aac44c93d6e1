/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 3: segments. SDM vol. 3, chapters 3 (descriptors), 5 (privilege) and 7 (the task-state
 * segment).
 *
 * Everything is flat, as in any kernel of today; what remains of segmentation is the privilege
 * level in %cs, the stack that the TSS names for ring 0, the ports that its bitmap opens to ring 3,
 * and small segments behind %gs for what belongs to a thread.
 */
#include "kernel.h"

uint64_t gdt[GDT_ENTRIES];
struct tss tss;

uint64_t segment_make(uint32_t base, uint32_t limit, uint8_t access)
{
	uint64_t d = 0;
	bool system = !(access & 0x10);

	if (limit > 0xfffff) {
		limit >>= 12;
		d |= 1ull << 55; /* G: the limit counts 4 KiB units */
	}
	if (!system)
		d |= 1ull << 54; /* D/B: 32-bit */
	d |= limit & 0xffff;
	d |= (uint64_t)(limit >> 16) << 48;
	d |= (uint64_t)(base & 0xffffff) << 16;
	d |= (uint64_t)(base >> 24) << 56;
	d |= (uint64_t)access << 40;
	return d;
}

/* SDM vol. 3, figure 5-8 */
uint64_t call_gate_make(uint16_t selector, void (*entry)(void), unsigned parameters, unsigned dpl)
{
	uint32_t offset = (uint32_t)entry;
	uint32_t low = (uint32_t)selector << 16 | (offset & 0xffff);
	uint32_t high = (offset & 0xffff0000) | 0x8c00 | dpl << 13 | parameters;

	return (uint64_t)high << 32 | low;
}

static void tss_init(void)
{
	tss.ss0 = KERNEL_DS;
	tss.esp0 = 0; /* set at each switch of threads */
	memset(tss.ports, 0xff, sizeof(tss.ports));
	tss.ports[OPEN_PORT / 8] &= ~(1 << OPEN_PORT % 8);
	tss.io_map = sizeof(tss); /* beyond the limit: no port for ring 3 */
	*gdt_slot(TSS_SEL) = segment_make((uint32_t)&tss, sizeof(tss) - 1, SEGMENT_TSS);
}

void gdt_init(void)
{
	struct table_register r = {sizeof(gdt) - 1, (uint32_t)gdt};

	*gdt_slot(KERNEL_CS) = segment_make(0, 0xffffffff, SEGMENT_CODE);
	*gdt_slot(KERNEL_DS) = segment_make(0, 0xffffffff, SEGMENT_DATA);
	*gdt_slot(USER_CS) = segment_make(0, 0xffffffff, SEGMENT_CODE | SEGMENT_DPL3);
	*gdt_slot(USER_DS) = segment_make(0, 0xffffffff, SEGMENT_DATA | SEGMENT_DPL3);
	*gdt_slot(GATE_SEL) = call_gate_make(KERNEL_CS, gate_entry, 2, 3);
	tss_init();
	lgdt(&r);
	asm volatile("ljmp %0, $1f\n1:" ::"i"(KERNEL_CS));
	write_ds(KERNEL_DS);
	write_es(KERNEL_DS);
	write_ss(KERNEL_DS);
	write_fs(0);
	write_gs(0);
	lldt(0);
	ltr(TSS_SEL);
}

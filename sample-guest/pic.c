/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 7: the interrupt controllers, two 8259As in cascade (Intel 8259A data sheet).
 *
 * Reset leaves IRQ 0 on vector 8, where the CPU has its double fault; both chips are moved to
 * vectors IRQ_BASE and up.
 */
#include "kernel.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define ICW1_INIT 0x11 /* edge triggered, cascade, ICW4 follows */
#define ICW4_8086 0x01
#define OCW2_EOI 0x20
#define OCW3_READ_IRR 0x0a
#define OCW3_READ_ISR 0x0b

static uint16_t mask = 0xffff;

static void write_mask(void)
{
	outb(MASTER + 1, mask & 0xff);
	outb(SLAVE + 1, mask >> 8);
}

void pic_init(void)
{
	outb(MASTER, ICW1_INIT);
	outb(MASTER + 1, IRQ_BASE);
	outb(MASTER + 1, 1 << 2); /* a slave on line 2 */
	outb(MASTER + 1, ICW4_8086);
	outb(SLAVE, ICW1_INIT);
	outb(SLAVE + 1, IRQ_BASE + 8);
	outb(SLAVE + 1, 2); /* which is its identity */
	outb(SLAVE + 1, ICW4_8086);
	mask = 0xffff & ~(1 << 2);
	write_mask();
}

void pic_mask(unsigned irq)
{
	mask |= 1 << irq;
	write_mask();
}

void pic_unmask(unsigned irq)
{
	mask &= ~(1 << irq);
	write_mask();
}

void pic_end(unsigned irq)
{
	if (irq >= 8)
		outb(SLAVE, OCW2_EOI);
	outb(MASTER, OCW2_EOI);
}

static uint16_t read_both(uint8_t ocw3)
{
	outb(MASTER, ocw3);
	outb(SLAVE, ocw3);
	return inb(MASTER) | inb(SLAVE) << 8;
}

uint16_t pic_requested(void)
{
	return read_both(OCW3_READ_IRR);
}

uint16_t pic_in_service(void)
{
	return read_both(OCW3_READ_ISR);
}

/* A request that went away before its acknowledge shows as line 7, with nothing in service. */
bool pic_spurious(unsigned irq)
{
	if (irq == 7)
		return !(pic_in_service() & 1 << 7);
	if (irq == 15 && !(pic_in_service() & 1 << 15)) {
		outb(MASTER, OCW2_EOI); /* for the cascade line, which was real */
		return true;
	}
	return false;
}

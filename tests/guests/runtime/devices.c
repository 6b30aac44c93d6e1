/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pair of 8259s and channel 0 of the 8254. */
#include "tests/guests/runtime/runtime.h"

#define PIC1 0x20
#define PIC2 0xa0
#define PIT 0x40

static uint8_t masks[2] = {0xff, 0xff};

static void pic_write_masks(void)
{
	out8(PIC1 + 1, masks[0]);
	out8(PIC2 + 1, masks[1]);
}

/* ICW1 also forgets requests that are latched but not served. */
static void pic_init(void)
{
	out8(PIC1, 0x11); /* ICW1: edge triggered, cascade, ICW4 follows */
	out8(PIC2, 0x11);
	out8(PIC1 + 1, VEC_IRQ);
	out8(PIC2 + 1, VEC_IRQ + 8);
	out8(PIC1 + 1, 4); /* the slave is on IRQ 2 */
	out8(PIC2 + 1, 2);
	out8(PIC1 + 1, 1); /* 8086 mode, EOI by command */
	out8(PIC2 + 1, 1);
	pic_write_masks();
}

void devices_init(void)
{
	pit_stop();
}

void pic_mask(unsigned irq, bool masked)
{
	uint8_t bit = (uint8_t)(1u << (irq & 7));

	if (masked)
		masks[irq >> 3] |= bit;
	else
		masks[irq >> 3] &= (uint8_t)~bit;
	pic_write_masks();
}

uint8_t pic_irr(void)
{
	out8(PIC1, 0x0a);
	return in8(PIC1);
}

uint8_t pic_isr(void)
{
	out8(PIC1, 0x0b);
	return in8(PIC1);
}

void pic_eoi(void)
{
	out8(PIC1, 0x20);
}

static void pit_program(uint8_t control, uint16_t ticks)
{
	out8(PIT + 3, control);
	out8(PIT, (uint8_t)ticks);
	out8(PIT, (uint8_t)(ticks >> 8));
}

void pit_oneshot(uint16_t ticks)
{
	pit_program(0x30, ticks);
}

void pit_periodic(uint16_t ticks)
{
	pit_program(0x34, ticks);
}

void pit_stop(void)
{
	pit_oneshot(0);
	pic_init();
}

uint16_t pit_read(void)
{
	uint8_t lo;

	out8(PIT + 3, 0x00); /* latch */
	lo = in8(PIT);
	return (uint16_t)(lo | in8(PIT) << 8);
}

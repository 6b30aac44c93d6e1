/* SPDX-License-Identifier: GPL-3.0-or-later */
/* i8259.c, through its ports and lines. Lines 3, 5-7, 9-11, 13-15 have no device and are ours. */
#include "tests/unit/devices.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define EOI 0x20

static void setup(uint8_t icw4)
{
	pc(1 << 20);
	/* Silence the timer: mode 0, so that its line is low. */
	out8(0x43, 0x30);
	init_pics(icw4);
}

static void edge(unsigned irq)
{
	irq_set(&m->bus, irq, true);
	irq_set(&m->bus, irq, false);
}

static uint8_t ack(void)
{
	ck_assert(irq_pending(&m->bus));
	return irq_acknowledge(&m->bus);
}

static uint8_t isr(uint16_t port)
{
	out8(port, 0x0b);
	return in8(port);
}

static uint8_t irr(uint16_t port)
{
	out8(port, 0x0a);
	return in8(port);
}

START_TEST(test_priority)
{
	setup(0x01);
	ck_assert(!irq_pending(&m->bus));
	edge(5);
	edge(3);
	ck_assert_uint_eq(irr(MASTER), 0x28);
	ck_assert_uint_eq(ack(), 0x23);
	ck_assert_uint_eq(isr(MASTER), 0x08);
	ck_assert_uint_eq(irr(MASTER), 0x20);
	ck_assert(!irq_pending(&m->bus)); /* 3 in service holds off 5 */
	edge(1);
	ck_assert_uint_eq(ack(), 0x21); /* but not 1 */
	out8(MASTER, EOI);
	ck_assert_uint_eq(isr(MASTER), 0x08);
	out8(MASTER, EOI);
	ck_assert_uint_eq(ack(), 0x25);
	out8(MASTER, 0x60 | 5);
	ck_assert_uint_eq(isr(MASTER), 0);
}
END_TEST

START_TEST(test_mask)
{
	setup(0x01);
	out8(0x21, 0x08);
	ck_assert_uint_eq(in8(0x21), 0x08);
	edge(3);
	ck_assert(!irq_pending(&m->bus));
	ck_assert_uint_eq(irr(MASTER), 0x08);
	out8(0x21, 0);
	ck_assert_uint_eq(ack(), 0x23);
}
END_TEST

/* One edge, one interrupt; edges merge while the request stands; a high line alone requests
 * nothing. */
START_TEST(test_edges)
{
	setup(0x01);
	edge(3);
	edge(3);
	ck_assert_uint_eq(ack(), 0x23);
	irq_set(&m->bus, 3, true);
	irq_set(&m->bus, 3, true);
	out8(MASTER, EOI);
	ck_assert_uint_eq(ack(), 0x23);
	out8(MASTER, EOI);
	ck_assert(!irq_pending(&m->bus));
	/* ICW1 resets the edge detector. */
	init_pics(0x01);
	ck_assert(!irq_pending(&m->bus));
	irq_set(&m->bus, 3, true);
	ck_assert(!irq_pending(&m->bus));
	irq_set(&m->bus, 3, false);
	irq_set(&m->bus, 3, true);
	ck_assert(irq_pending(&m->bus));
}
END_TEST

START_TEST(test_level)
{
	setup(0x01);
	out8(0x4d0, 0xff);
	out8(0x4d1, 0xff);
	ck_assert_uint_eq(in8(0x4d0), 0xf8); /* not the timer, keyboard, cascade */
	ck_assert_uint_eq(in8(0x4d1), 0xde); /* not the clock, FPU */
	irq_set(&m->bus, 5, true);
	ck_assert_uint_eq(ack(), 0x25);
	out8(MASTER, EOI);
	ck_assert_uint_eq(ack(), 0x25); /* the line is still high */
	out8(MASTER, EOI);
	irq_set(&m->bus, 5, false);
	ck_assert(!irq_pending(&m->bus));
}
END_TEST

START_TEST(test_slave)
{
	setup(0x01);
	edge(11);
	edge(10);
	ck_assert_uint_eq(ack(), 0x2a);
	ck_assert_uint_eq(isr(MASTER), 0x04);
	ck_assert_uint_eq(isr(SLAVE), 0x04);
	ck_assert(!irq_pending(&m->bus));
	out8(SLAVE, EOI);
	ck_assert(!irq_pending(&m->bus)); /* the cascade is still in service */
	out8(MASTER, EOI);
	ck_assert_uint_eq(ack(), 0x2b);
	edge(9); /* higher in the slave, but the master's line 2 is in service */
	ck_assert(!irq_pending(&m->bus));
	out8(MASTER, EOI);
	ck_assert_uint_eq(ack(), 0x29);
}
END_TEST

/* Special fully nested mode lets the slave's higher line through. */
START_TEST(test_nested)
{
	setup(0x11);
	edge(11);
	ck_assert_uint_eq(ack(), 0x2b);
	edge(9);
	ck_assert_uint_eq(ack(), 0x29);
	edge(10);
	ck_assert(!irq_pending(&m->bus));
}
END_TEST

START_TEST(test_spurious)
{
	setup(0x01);
	out8(0x4d0, 0x20);
	irq_set(&m->bus, 5, true);
	ck_assert(irq_pending(&m->bus));
	irq_set(&m->bus, 5, false);
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x27);
	ck_assert_uint_eq(isr(MASTER), 0);
	/* The slave's: the master's line 2 goes into service, the slave's line 7 does not. */
	edge(10);
	out8(0xa1, 0x04);
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x2f);
	ck_assert_uint_eq(isr(SLAVE), 0);
	ck_assert_uint_eq(isr(MASTER), 0x04);
}
END_TEST

START_TEST(test_auto_eoi)
{
	setup(0x03);
	edge(3);
	edge(10);
	edge(11);
	ck_assert_uint_eq(ack(), 0x2a); /* line 2 is before line 3 */
	ck_assert_uint_eq(ack(), 0x2b);
	ck_assert_uint_eq(ack(), 0x23);
	ck_assert_uint_eq(isr(MASTER), 0);
	/* Rotating: the line just served becomes the last. */
	out8(MASTER, 0x80);
	edge(3);
	ck_assert_uint_eq(ack(), 0x23);
	edge(3);
	edge(5);
	ck_assert_uint_eq(ack(), 0x25);
	ck_assert_uint_eq(ack(), 0x23);
}
END_TEST

START_TEST(test_rotation)
{
	setup(0x01);
	out8(MASTER, 0xc0 | 3); /* 3 is the lowest, 4 the highest */
	edge(3);
	edge(1);
	edge(5);
	ck_assert_uint_eq(ack(), 0x25);
	out8(MASTER, 0xa0); /* rotate on non-specific EOI: 5 is the lowest */
	ck_assert_uint_eq(ack(), 0x21);
	out8(MASTER, 0xe0 | 1); /* rotate on specific EOI: 1 is the lowest */
	edge(1);
	ck_assert_uint_eq(ack(), 0x23);
	ck_assert(!irq_pending(&m->bus));
	out8(MASTER, EOI);
	ck_assert_uint_eq(ack(), 0x21);
}
END_TEST

START_TEST(test_special_mask)
{
	setup(0x01);
	edge(3);
	ck_assert_uint_eq(ack(), 0x23);
	edge(5);
	ck_assert(!irq_pending(&m->bus));
	out8(0x21, 0x08);
	ck_assert(!irq_pending(&m->bus));
	out8(MASTER, 0x68);
	ck_assert_uint_eq(ack(), 0x25);
	out8(MASTER, EOI); /* ends 5, leaves the masked 3 in service */
	ck_assert_uint_eq(isr(MASTER), 0x08);
	out8(MASTER, EOI);
	ck_assert_uint_eq(isr(MASTER), 0x08);
	out8(MASTER, 0x48);
	out8(MASTER, EOI);
	ck_assert_uint_eq(isr(MASTER), 0);
}
END_TEST

START_TEST(test_poll)
{
	setup(0x01);
	out8(MASTER, 0x0c);
	ck_assert_uint_eq(in8(MASTER) & 0x80, 0);
	edge(5);
	edge(3);
	out8(MASTER, 0x0c);
	ck_assert_uint_eq(in8(MASTER), 0x83);
	ck_assert_uint_eq(isr(MASTER), 0x08);
	out8(MASTER, EOI);
	out8(MASTER, 0x0c);
	ck_assert_uint_eq(in8(MASTER), 0x85);
}
END_TEST

/* Without ICW4 and single: two bytes end the initialization. */
START_TEST(test_single)
{
	setup(0x01);
	out8(MASTER, 0x12);
	out8(0x21, 0x40);
	out8(0x21, 0xfe);
	ck_assert_uint_eq(in8(0x21), 0xfe);
	edge(3);
	ck_assert(!irq_pending(&m->bus));
	out8(0x21, 0);
	ck_assert_uint_eq(ack(), 0x43);
}
END_TEST

UNIT_MAIN("i8259", test_priority, test_mask, test_edges, test_level, test_slave, test_nested,
	  test_spurious, test_auto_eoi, test_rotation, test_special_mask, test_poll, test_single)

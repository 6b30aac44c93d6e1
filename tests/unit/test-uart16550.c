/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uart16550.c, through its ports and interrupt line 4. */
#include "tests/unit/devices.h"

enum { RBR = 0x3f8, THR = 0x3f8, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define FCR IIR

static void setup(void)
{
	pc(1 << 20);
	init_pics(0x01);
	out8(0x21, 0x01); /* not the timer */
}

static bool take(void)
{
	if (!irq_pending(&m->bus))
		return false;
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x24);
	out8(0x20, 0x20);
	return true;
}

START_TEST(test_registers)
{
	setup();
	out8(SCR, 0x5a);
	ck_assert_uint_eq(in8(SCR), 0x5a);
	out8(IER, 0xf0);
	ck_assert_uint_eq(in8(IER), 0);
	out8(LCR, 0x83);
	out8(THR, 0x01);
	out8(IER, 0x02);
	ck_assert_uint_eq(in8(RBR), 0x01);
	ck_assert_uint_eq(in8(IER), 0x02);
	out8(LCR, 0x03);
	ck_assert_uint_eq(in8(IER), 0);
	ck_assert_uint_eq(in8(LCR), 0x03);
	ck_assert_uint_eq(in8(LSR), 0x60);
	ck_assert_uint_eq(in8(MSR), 0xb0);
	ck_assert_uint_eq(in8(IIR), 0x01);
	out8(FCR, 0x01);
	ck_assert_uint_eq(in8(IIR), 0xc1);
}
END_TEST

START_TEST(test_transmit)
{
	setup();
	for (const char *p = "hello"; *p; p++) {
		ck_assert_uint_eq(in8(LSR) & 0x20, 0x20);
		out8(THR, (uint8_t)*p);
	}
	ck_assert_str_eq(stub.serial[0].out, "hello");
	ck_assert(!take());
}
END_TEST

/* Enabling raises it, reading IIR clears it, each byte raises it again: one edge each. */
START_TEST(test_transmit_interrupt)
{
	setup();
	out8(IER, 0x02);
	ck_assert(take());
	ck_assert_uint_eq(in8(IIR), 0x02);
	ck_assert_uint_eq(in8(IIR), 0x01);
	ck_assert(!take());
	out8(THR, 'a');
	ck_assert(take());
	out8(THR, 'b'); /* without reading IIR */
	ck_assert(take());
	ck_assert_uint_eq(in8(IIR), 0x02);
	out8(IER, 0x00);
	out8(IER, 0x02);
	ck_assert(take());
}
END_TEST

START_TEST(test_receive)
{
	setup();
	ck_assert_uint_eq(in8(LSR) & 1, 0);
	stub_serial_input(0, "xy");
	stub.now += 1000000;
	ck_assert_uint_eq(in8(LSR) & 1, 1);
	ck_assert_uint_eq(in8(RBR), 'x');
	ck_assert_uint_eq(in8(LSR) & 1, 1);
	ck_assert_uint_eq(in8(RBR), 'y');
	ck_assert_uint_eq(in8(LSR) & 1, 0);
}
END_TEST

START_TEST(test_receive_interrupt)
{
	setup();
	out8(IER, 0x01);
	at(0);
	stub_serial_input(0, "x");
	ck_assert(!take());
	at(1); /* the host is asked once a millisecond... */
	ck_assert(!take());
	at(bus_deadline(&m->bus)); /* ...and the wish is not forgotten */
	ck_assert(take());
	ck_assert_uint_eq(in8(IIR), 0x04);
	ck_assert_uint_eq(in8(RBR), 'x');
	ck_assert_uint_eq(in8(IIR), 0x01);
	ck_assert(!take());
}
END_TEST

/* FIFO: the trigger level, and the time-out below it. Nothing overruns, the host keeps the rest. */
START_TEST(test_fifo)
{
	setup();
	out8(FCR, 0x81); /* trigger at 8 */
	out8(IER, 0x01);
	stub_serial_input(0, "0123456789abcdefghijklmnopqrstuvwxyz");
	at(1);
	ck_assert(take());
	ck_assert_uint_eq(stub.serial[0].in_pos, 16);
	for (unsigned i = 0; i < 36; i++) {
		/* It is filled again when it is empty: 16, 16 and 4 bytes. */
		unsigned left = i < 32 ? 16 - i % 16 : 36 - i;

		ck_assert_uint_eq(in8(IIR), (left >= 8 ? 0xc4 : 0xcc));
		ck_assert_uint_eq(in8(RBR), "0123456789abcdefghijklmnopqrstuvwxyz"[i]);
		ck_assert_uint_eq(in8(LSR) & 0x02, 0);
	}
	ck_assert_uint_eq(in8(IIR), 0xc1);
	/* FCR clears. */
	stub_serial_input(0, "q");
	at(1000001);
	out8(FCR, 0x83);
	ck_assert_uint_eq(in8(LSR) & 1, 0);
}
END_TEST

START_TEST(test_loopback)
{
	setup();
	out8(MCR, 0x1f);
	ck_assert_uint_eq(in8(MSR) & 0xf0, 0xf0);
	out8(MCR, 0x1a);                          /* RTS, OUT2 */
	ck_assert_uint_eq(in8(MSR), 0x90 | 0x06); /* DSR changed, RI fell */
	ck_assert_uint_eq(in8(MSR), 0x90);
	out8(MCR, 0x10);
	ck_assert_uint_eq(in8(MSR), 0x09);
	out8(THR, 0xa5);
	ck_assert_uint_eq(in8(LSR) & 1, 1);
	ck_assert_uint_eq(in8(RBR), 0xa5);
	ck_assert_uint_eq(stub.serial[0].out_len, 0);
	/* Two bytes without FIFO: overrun, an interrupt of its own. */
	out8(IER, 0x04);
	out8(THR, 1);
	out8(THR, 2);
	ck_assert(take());
	ck_assert_uint_eq(in8(IIR), 0x06);
	ck_assert_uint_eq(in8(LSR), 0x63);
	ck_assert_uint_eq(in8(LSR), 0x61);
	ck_assert_uint_eq(in8(RBR), 2);
}
END_TEST

START_TEST(test_modem_interrupt)
{
	setup();
	out8(MCR, 0x10);
	in8(MSR);
	out8(IER, 0x08);
	ck_assert(!take());
	out8(MCR, 0x12);
	ck_assert(take());
	ck_assert_uint_eq(in8(IIR), 0x00);
	ck_assert_uint_eq(in8(MSR), 0x11);
	ck_assert_uint_eq(in8(IIR), 0x01);
}
END_TEST

/* Other ports of its kind are absent. */
START_TEST(test_com2)
{
	setup();
	ck_assert_uint_eq(in8(0x2fd), 0xff);
}
END_TEST

UNIT_MAIN("uart16550", test_registers, test_transmit, test_transmit_interrupt, test_receive,
	  test_receive_interrupt, test_fifo, test_loopback, test_modem_interrupt, test_com2)

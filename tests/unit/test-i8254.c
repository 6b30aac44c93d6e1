/* SPDX-License-Identifier: GPL-3.0-or-later */
/* i8254.c, through its ports and interrupt line 0. */
#include "tests/unit/devices.h"

#define CONTROL 0x43
#define CHANNEL0 0x40
#define CHANNEL2 0x42
#define PORT_B 0x61
#define OUT2 0x20
#define HZ100 11932

/* The first nanosecond of a tick of 105/88 MHz. */
static uint64_t tick(uint64_t n)
{
	return (n * 88000 + 104) / 105;
}

static void setup(void)
{
	pc(1 << 20);
	init_pics(0x01);
}

static void program(uint16_t port, uint8_t control, uint16_t count)
{
	out8(CONTROL, control);
	out8(port, (uint8_t)count);
	out8(port, (uint8_t)(count >> 8));
}

/* Low byte, then high byte. */
static uint16_t in_pair(uint16_t port)
{
	uint8_t low = in8(port);

	return (uint16_t)(low | in8(port) << 8);
}

static uint16_t counter(unsigned channel)
{
	out8(CONTROL, (uint8_t)(channel << 6));
	return in_pair((uint16_t)(CHANNEL0 + channel));
}

/* Take a timer interrupt if there is one. */
static bool take(void)
{
	if (!irq_pending(&m->bus))
		return false;
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x20);
	out8(0x20, 0x20);
	return true;
}

static bool out2(void)
{
	return in8(PORT_B) & OUT2;
}

/* The host runs us at each deadline for a thousand seconds: every edge on its tick, no drift. */
START_TEST(test_rate)
{
	uint64_t now = 0;

	setup();
	program(CHANNEL0, 0x34, HZ100);
	take();
	for (uint64_t n = 1; n <= 100000; n++) {
		now = bus_deadline(&m->bus);
		ck_assert_uint_eq(now, tick(1 + n * HZ100));
		at(now - 1);
		ck_assert(!irq_pending(&m->bus));
		at(now);
		ck_assert(take());
	}
}
END_TEST

/* While the guest does not take the interrupt, edges merge. */
START_TEST(test_merge)
{
	setup();
	program(CHANNEL0, 0x34, HZ100);
	take();
	for (uint64_t n = 1; n <= 5; n++)
		at(tick(1 + n * HZ100));
	ck_assert(take());
	ck_assert(!take());
}
END_TEST

/* While the host does not run us, they are owed, one at each acknowledge, and at most ten seconds
 * of them. */
START_TEST(test_owed)
{
	unsigned n = 0;

	setup();
	program(CHANNEL0, 0x34, HZ100);
	take();
	at(tick(1 + 5 * HZ100));
	while (take())
		n++;
	ck_assert_uint_eq(n, 5);
	at(tick(1 + 5 * HZ100) + 3600 * UINT64_C(1000000000));
	for (n = 0; take();)
		n++;
	ck_assert_uint_ge(n, 1000);
	ck_assert_uint_le(n, 1001);
	/* Reprogramming forgets the debt. */
	at(stub.now + 1000000000);
	out8(CONTROL, 0x30);
	ck_assert(take());
	ck_assert(!take());
}
END_TEST

/* Faster than a clock ticks, edges merge: the guest shall get on with something else, too. */
START_TEST(test_fast_owes_nothing)
{
	setup();
	program(CHANNEL0, 0x34, 119);
	take();
	at(tick(1 + 500 * 119));
	ck_assert(take());
	ck_assert(!take());
}
END_TEST

/* The host stopped us between an edge and the guest's acknowledge: what follows late does not
 * merge. */
START_TEST(test_owed_behind_request)
{
	unsigned n = 0;

	setup();
	program(CHANNEL0, 0x34, HZ100);
	take();
	at(tick(1 + HZ100));
	at(tick(1 + 4 * HZ100));
	while (take())
		n++;
	ck_assert_uint_eq(n, 4);
	at(tick(1 + 5 * HZ100));
	at(tick(1 + 6 * HZ100) + 5000000);
	ck_assert(take());
	ck_assert(take());
	ck_assert(!take());
	at(tick(1 + 9 * HZ100)); /* nor while the guest catches up */
	ck_assert(take());
	at(tick(1 + 10 * HZ100));
	for (n = 1; take();)
		n++;
	ck_assert_uint_eq(n, 4);
	/* A guest that does not want the interrupt has no debts. */
	out8(0x21, 0x01);
	at(tick(1 + 11 * HZ100));
	at(tick(1 + 12 * HZ100) + 5000000);
	out8(0x21, 0x00);
	ck_assert(take());
	ck_assert(!take());
}
END_TEST

START_TEST(test_mode2_counter)
{
	setup();
	program(CHANNEL0, 0x34, 1000);
	stub.now = tick(1);
	ck_assert_uint_eq(counter(0), 1000);
	stub.now = tick(2);
	ck_assert_uint_eq(counter(0), 999);
	stub.now = tick(1000);
	ck_assert_uint_eq(counter(0), 1);
	stub.now = tick(1001);
	ck_assert_uint_eq(counter(0), 1000);
}
END_TEST

/* Mode 3 counts by two; odd counts have the longer half high. */
START_TEST(test_mode3)
{
	setup();
	out8(PORT_B, 1);
	program(CHANNEL2, 0xb6, 10);
	for (unsigned d = 0; d < 30; d++) {
		stub.now = tick(1 + d);
		ck_assert_uint_eq(counter(2), 10 - 2 * (d % 5));
		ck_assert_uint_eq(out2(), d % 10 < 5);
	}
	program(CHANNEL2, 0xb6, 7);
	for (unsigned d = 0; d < 21; d++) {
		static const uint8_t want[] = {6, 4, 2, 0, 6, 4, 2};

		stub.now = tick(30 + 1 + d);
		ck_assert_uint_eq(counter(2), want[d % 7]);
		ck_assert_uint_eq(out2(), d % 7 < 4);
	}
}
END_TEST

START_TEST(test_one_shot)
{
	setup();
	program(CHANNEL0, 0x30, 500);
	take();
	ck_assert_uint_eq(bus_deadline(&m->bus), tick(501));
	at(tick(500));
	ck_assert(!take());
	at(tick(501));
	ck_assert(take());
	ck_assert_uint_eq(counter(0), 0);
	at(tick(511));
	ck_assert_uint_eq(counter(0), 0xfff6); /* it goes on counting */
	at(tick(500000));
	ck_assert(!take());
	ck_assert_uint_eq(bus_deadline(&m->bus), UINT64_MAX);
	/* A new count alone starts it again. */
	out8(CHANNEL0, 100);
	out8(CHANNEL0, 0);
	at(tick(500101));
	ck_assert(take());
}
END_TEST

/* Mode 4: low for one tick after the count. */
START_TEST(test_strobe)
{
	setup();
	out8(PORT_B, 1);
	program(CHANNEL2, 0xb8, 20);
	for (unsigned d = 0; d < 60; d++) {
		stub.now = tick(1 + d);
		ck_assert_uint_eq(out2(), d != 20);
	}
	program(CHANNEL0, 0x38, 20);
	take();
	ck_assert_uint_eq(bus_deadline(&m->bus), tick(60 + 1 + 20 + 1));
	at(tick(60 + 1 + 20 + 1));
	ck_assert(take());
	ck_assert_uint_eq(bus_deadline(&m->bus), UINT64_MAX);
}
END_TEST

/* Modes 1 and 5 wait for the gate's rise. */
START_TEST(test_triggered)
{
	setup();
	program(CHANNEL2, 0xb2, 20);
	stub.now = tick(50);
	ck_assert(out2());
	out8(PORT_B, 1);
	stub.now = tick(51);
	ck_assert(!out2());
	stub.now = tick(70);
	ck_assert(!out2());
	out8(PORT_B, 0); /* the fall does nothing, the rise starts it again */
	out8(PORT_B, 1);
	stub.now = tick(90);
	ck_assert(!out2());
	stub.now = tick(91);
	ck_assert(out2());

	out8(PORT_B, 0);
	program(CHANNEL2, 0xba, 20);
	out8(PORT_B, 1);
	for (unsigned d = 0; d < 60; d++) {
		stub.now = tick(92 + d);
		ck_assert_uint_eq(out2(), d != 20);
	}
}
END_TEST

/* The gate stops mode 0 and holds its count; in mode 2 its rise begins anew. */
START_TEST(test_gate)
{
	setup();
	out8(PORT_B, 1);
	program(CHANNEL2, 0xb0, 100);
	stub.now = tick(41);
	ck_assert_uint_eq(counter(2), 60);
	out8(PORT_B, 0);
	stub.now = tick(1000);
	ck_assert_uint_eq(counter(2), 60);
	ck_assert(!out2());
	out8(PORT_B, 1);
	stub.now = tick(1059);
	ck_assert(!out2());
	stub.now = tick(1060);
	ck_assert(out2());

	program(CHANNEL2, 0xb4, 100);
	stub.now = tick(1060 + 1 + 99);
	ck_assert(!out2());
	out8(PORT_B, 0);
	ck_assert(out2());
	stub.now = tick(2000);
	out8(PORT_B, 1);
	stub.now = tick(2001);
	ck_assert_uint_eq(counter(2), 100);
}
END_TEST

/* A count written while counting waits for the end of the cycle (mode 2) or half cycle (mode 3). */
START_TEST(test_reload)
{
	setup();
	program(CHANNEL0, 0x34, 1000);
	take();
	at(tick(501));
	out8(CHANNEL0, 200);
	out8(CHANNEL0, 0);
	ck_assert_uint_eq(counter(0), 500);
	at(tick(1001));
	ck_assert(take());
	ck_assert_uint_eq(counter(0), 200);
	at(tick(1201));
	ck_assert(take());

	out8(PORT_B, 1);
	program(CHANNEL2, 0xb6, 100);
	stub.now = tick(1201 + 11);
	out8(CHANNEL2, 20);
	out8(CHANNEL2, 0);
	stub.now = tick(1201 + 1 + 49);
	ck_assert(out2());
	stub.now = tick(1201 + 1 + 50);
	ck_assert(!out2());
	ck_assert_uint_eq(counter(2), 20);
	stub.now = tick(1201 + 1 + 60);
	ck_assert(out2());
	stub.now = tick(1201 + 1 + 70);
	ck_assert(!out2());
}
END_TEST

START_TEST(test_bcd)
{
	setup();
	program(CHANNEL0, 0x35, 0x1000);
	stub.now = tick(2);
	ck_assert_uint_eq(counter(0), 0x0999);
	stub.now = tick(1000);
	ck_assert_uint_eq(counter(0), 0x0001);
	program(CHANNEL0, 0x35, 0);
	stub.now = tick(1000 + 2);
	ck_assert_uint_eq(counter(0), 0x9999);
}
END_TEST

START_TEST(test_access)
{
	setup();
	out8(CONTROL, 0x14); /* low byte only */
	out8(CHANNEL0, 100);
	stub.now = tick(11);
	ck_assert_uint_eq(in8(CHANNEL0), 90);
	ck_assert_uint_eq(in8(CHANNEL0), 90);
	out8(CONTROL, 0x24); /* high byte only */
	out8(CHANNEL0, 2);
	stub.now = tick(11 + 1 + 0x100);
	ck_assert_uint_eq(in8(CHANNEL0), 1);
	out8(CONTROL, 0x00); /* a latch gives the byte selected */
	ck_assert_uint_eq(in8(CHANNEL0), 1);
	ck_assert_uint_eq(in8(CONTROL), 0xff);
}
END_TEST

/* A latched count stands until it was read, whatever is latched meanwhile. */
START_TEST(test_latch)
{
	setup();
	program(CHANNEL0, 0x34, 1000);
	stub.now = tick(101);
	out8(CONTROL, 0x00);
	stub.now = tick(201);
	out8(CONTROL, 0x00);
	ck_assert_uint_eq(in_pair(CHANNEL0), 900);
	ck_assert_uint_eq(counter(0), 800);
}
END_TEST

START_TEST(test_read_back)
{
	setup();
	program(CHANNEL0, 0x34, 1000);
	out8(CONTROL, 0xe2); /* status: the count is not in the counter yet */
	ck_assert_uint_eq(in8(CHANNEL0), 0x80 | 0x40 | 0x34);
	stub.now = tick(101);
	out8(CONTROL, 0xc2); /* status and count */
	stub.now = tick(201);
	ck_assert_uint_eq(in8(CHANNEL0), 0x80 | 0x34);
	ck_assert_uint_eq(in_pair(CHANNEL0), 900);
	out8(CONTROL, 0x30);
	out8(CONTROL, 0xee); /* status of channels 0, 1, 2 */
	ck_assert_uint_eq(in8(CHANNEL0), 0x40 | 0x30);
	ck_assert_uint_eq(in8(0x41) & 0x3f, 0x14);
	ck_assert_uint_eq(in8(CHANNEL2) & 0x3f, 0x36);
}
END_TEST

START_TEST(test_port_b)
{
	unsigned toggles = 0;
	uint8_t last;

	setup();
	out8(PORT_B, 0x0f);
	last = in8(PORT_B);
	ck_assert_uint_eq(last & 0x0f, 0x0f);
	/* The refresh bit changes every 18 ticks, 15 us. */
	for (unsigned t = 1; t <= 1800; t++) {
		stub.now = tick(t);
		toggles += !!((in8(PORT_B) ^ last) & 0x10);
		last = in8(PORT_B);
	}
	ck_assert_uint_eq(toggles, 100);
}
END_TEST

UNIT_MAIN("i8254", test_rate, test_merge, test_owed, test_fast_owes_nothing,
	  test_owed_behind_request, test_mode2_counter, test_mode3, test_one_shot, test_strobe,
	  test_triggered, test_gate, test_reload, test_bcd, test_access, test_latch, test_read_back,
	  test_port_b)

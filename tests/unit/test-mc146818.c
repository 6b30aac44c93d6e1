/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mc146818.c, through ports 0x70 and 0x71 and interrupt line 8. */
#include "tests/unit/devices.h"

#define SECOND UINT64_C(1000000000)
#define REG_A 0x0a
#define REG_B 0x0b
#define REG_C 0x0c
#define REG_D 0x0d
#define B_SET 0x80

static uint8_t get(uint8_t reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static void put(uint8_t reg, uint8_t value)
{
	out8(0x70, reg);
	out8(0x71, value);
}

/* Silence the 8254, whose line is before ours. */
static void setup(uint64_t wallclock)
{
	stub.wallclock = wallclock;
	pc(64 << 20);
	init_pics(0x01);
	out8(0x43, 0x30);
	out8(0x21, 0x01);
}

/* Century, year, month, day, weekday, hour, minute, second as the registers have them. */
static void check_time(const uint8_t want[8])
{
	static const uint8_t reg[8] = {0x32, 9, 8, 7, 6, 4, 2, 0};

	for (unsigned i = 0; i < 8; i++)
		ck_assert_msg(get(reg[i]) == want[i], "register 0x%x is 0x%x, not 0x%x", reg[i],
			      get(reg[i]), want[i]);
}

static bool take(void)
{
	if (!irq_pending(&m->bus))
		return false;
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x28);
	out8(0xa0, 0x20);
	out8(0x20, 0x20);
	return true;
}

/* Known dates, as `date -u -d @N` prints them. */
START_TEST(test_time)
{
	setup(951827696); /* Tue 2000-02-29 12:34:56 */
	check_time((uint8_t[]){0x20, 0x00, 0x02, 0x29, 3, 0x12, 0x34, 0x56});
	stub.now = 11 * 3600 * SECOND + 25 * 60 * SECOND + 4 * SECOND;
	check_time((uint8_t[]){0x20, 0x00, 0x03, 0x01, 4, 0x00, 0x00, 0x00});
}
END_TEST

START_TEST(test_dates)
{
	setup(4107542399); /* Sun 2100-02-28 23:59:59: no leap year */
	check_time((uint8_t[]){0x21, 0x00, 0x02, 0x28, 1, 0x23, 0x59, 0x59});
	stub.now = SECOND;
	check_time((uint8_t[]){0x21, 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00});
	ck_assert_uint_eq(get(0x37), 0x21);
}
END_TEST

START_TEST(test_formats)
{
	setup(951827696);
	put(REG_B, 0x06); /* binary */
	check_time((uint8_t[]){20, 0, 2, 29, 3, 12, 34, 56});
	put(REG_B, 0x00); /* BCD, 12 h */
	check_time((uint8_t[]){0x20, 0, 2, 0x29, 3, 0x92, 0x34, 0x56});
	stub.now = 12 * 3600 * SECOND;
	ck_assert_uint_eq(get(4), 0x12); /* midnight is 12 AM */
	stub.now = 13 * 3600 * SECOND;
	ck_assert_uint_eq(get(4), 0x01);
}
END_TEST

/* SET stops the clock; the guest's time goes on from there. */
START_TEST(test_set)
{
	setup(951827696);
	put(REG_B, 0x82);
	stub.now = 5 * SECOND;
	check_time((uint8_t[]){0x20, 0x00, 0x02, 0x29, 3, 0x12, 0x34, 0x56});
	put(0x32, 0x19), put(9, 0x99), put(8, 0x12), put(7, 0x31);
	put(4, 0x23), put(2, 0x59), put(0, 0x59);
	put(REG_B, 0x02);
	check_time((uint8_t[]){0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59});
	stub.now = 6 * SECOND;
	check_time((uint8_t[]){0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00});
	/* One register alone, the clock running. */
	put(2, 0x30);
	stub.now = 7 * SECOND;
	check_time((uint8_t[]){0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x30, 0x01});
}
END_TEST

/* The divider's reset: the first update follows half a second after its end. */
START_TEST(test_divider)
{
	setup(951827696);
	put(REG_A, 0x76);
	stub.now = 10 * SECOND;
	ck_assert_uint_eq(get(0), 0x56);
	put(REG_A, 0x26);
	stub.now += SECOND / 2 - 1;
	ck_assert_uint_eq(get(0), 0x56);
	stub.now += 1;
	ck_assert_uint_eq(get(0), 0x57);
}
END_TEST

START_TEST(test_update_in_progress)
{
	setup(951827696);
	stub.now = SECOND - 244001;
	ck_assert_uint_eq(get(REG_A), 0x26);
	stub.now = SECOND - 244000;
	ck_assert_uint_eq(get(REG_A), 0xa6);
	put(REG_B, 0x82);
	ck_assert_uint_eq(get(REG_A), 0x26); /* no update comes */
}
END_TEST

START_TEST(test_periodic)
{
	setup(951827696);
	ck_assert_uint_eq(bus_deadline(&m->bus), UINT64_MAX);
	put(REG_B, 0x42);
	get(REG_C);
	for (unsigned i = 1; i <= 2048; i++) {
		uint64_t due = bus_deadline(&m->bus);

		ck_assert_uint_eq(due, (i * SECOND + 1023) / 1024);
		at(due - 1);
		ck_assert(!take());
		at(due);
		ck_assert(take());
		ck_assert_uint_eq(bus_deadline(&m->bus), UINT64_MAX); /* until C is read */
		ck_assert_uint_eq(get(REG_C) & 0xc0, 0xc0);
		ck_assert_uint_eq(get(REG_C), 0);
	}
	put(REG_A, 0x2f); /* 2 Hz */
	ck_assert_uint_eq(bus_deadline(&m->bus), 2 * SECOND + SECOND / 2);
	put(REG_A, 0x21); /* 256 Hz */
	ck_assert_uint_eq(bus_deadline(&m->bus), 2 * SECOND + (SECOND + 255) / 256);
}
END_TEST

/* Flags are set whether or not they interrupt. */
START_TEST(test_flags)
{
	setup(951827696);
	stub.now = SECOND;
	ck_assert_uint_eq(get(REG_C), 0x50);
	ck_assert_uint_eq(get(REG_C), 0x00);
}
END_TEST

START_TEST(test_update_interrupt)
{
	setup(951827696);
	put(REG_B, 0x12);
	ck_assert_uint_eq(bus_deadline(&m->bus), SECOND);
	at(SECOND);
	ck_assert(take());
	ck_assert_uint_eq(get(REG_C) & 0x90, 0x90);
	put(REG_B, 0x92); /* SET clears UIE */
	ck_assert_uint_eq(get(REG_B), 0x82);
}
END_TEST

START_TEST(test_alarm)
{
	setup(951827696);
	put(1, 0x05), put(3, 0x35), put(5, 0x12);
	put(REG_B, 0x22);
	for (unsigned s = 1; s < 9; s++) {
		at(s * SECOND);
		ck_assert(!take());
	}
	at(9 * SECOND);
	ck_assert(take());
	ck_assert_uint_eq(get(REG_C) & 0xa0, 0xa0);
	at(9 * SECOND + 86399 * SECOND);
	ck_assert(!take());
	at(9 * SECOND + 86400 * SECOND);
	ck_assert(take());
	get(REG_C);
	put(1, 0xff), put(3, 0xc0), put(5, 0xc0); /* every second */
	at(stub.now + SECOND);
	ck_assert(take());
}
END_TEST

START_TEST(test_cmos)
{
	setup(0);
	ck_assert_uint_eq(get(REG_D), 0x80);
	put(REG_C, 0xff), put(REG_D, 0);
	ck_assert_uint_eq(get(REG_C), 0);
	ck_assert_uint_eq(get(REG_D), 0x80);
	ck_assert_uint_eq(get(0x15) | get(0x16) << 8, 640);
	ck_assert_uint_eq(get(0x17) | get(0x18) << 8, 63 * 1024);
	ck_assert_uint_eq(get(0x30) | get(0x31) << 8, 63 * 1024);
	ck_assert_uint_eq(get(0x34) | get(0x35) << 8, 48 * 16);
	put(0x0f, 0x0a);
	ck_assert_uint_eq(get(0x8f), 0x0a); /* bit 7 is not of the index */
	ck_assert_uint_eq(in8(0x70), 0xff);
}
END_TEST

UNIT_MAIN("mc146818", test_time, test_dates, test_formats, test_set, test_divider,
	  test_update_in_progress, test_periodic, test_flags, test_update_interrupt, test_alarm,
	  test_cmos)

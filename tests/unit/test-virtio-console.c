/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio-console.c as a driver meets it: output, input, the terminal's size. */
#include "tests/unit/driver.h"

#define SECOND 1000000000ull

enum { INT_USED = 1, INT_CONFIG = 2 };

static void setup(void)
{
	m = stub_machine(RAM);
	m->virtio[0] = (struct virtio_slot){.id = VIRTIO_CONSOLE};
	devices_init(m);
	init_pics(0x01);
}

static void setup_terminal(void)
{
	stub.columns = 80;
	stub.rows = 25;
	setup();
	start(0, 1);
	start_second();
}

static uint32_t interrupts(void)
{
	uint32_t v = reg(0x60);

	set(0x64, v);
	return v;
}

START_TEST(test_output)
{
	setup();
	ck_assert_uint_eq(reg(0x08), VIRTIO_CONSOLE);
	ck_assert_uint_le(reg(0x34), 16);
	ck_assert_uint_eq(reg(0x10) & 1, 0); /* no terminal, no size */
	start(0, 0);
	start_second();
	memcpy(m->ram + DATA, "hello world", 11);
	desc(1, DATA, 6, DESC_NEXT, 2);
	desc(2, DATA + 6, 5, 0, 0);
	offer_second(1, 1);
	ck_assert_str_eq(stub.serial[PLATFORM_CONSOLE].out, "hello world");
	ck_assert_str_eq(stub.serial[PLATFORM_COM1].out, "");
	ck_assert_uint_eq(get16(USED + 0x102), 1);
	ck_assert_uint_eq(interrupts(), INT_USED);
}
END_TEST

/* A buffer is given back with what there is; without a buffer input waits. */
START_TEST(test_input)
{
	setup();
	start(0, 0);
	stub_serial_input(PLATFORM_COM1, "not for the console");
	stub_serial_input(PLATFORM_CONSOLE, "abcdef");
	at(SECOND);
	ck_assert_uint_eq(stub.serial[PLATFORM_CONSOLE].in_pos, 0);
	desc(0, DATA, 4, DESC_WRITE, 0);
	desc(1, DATA + 0x100, 64, DESC_WRITE, 0);
	offer(0);
	ck_assert_uint_eq(get16(USED + 2), 1);
	ck_assert_uint_eq(get16(USED + 8), 4);
	offer(1);
	ck_assert_uint_eq(get16(USED + 2), 2);
	ck_assert_uint_eq(get16(USED + 16), 2);
	ck_assert(!memcmp(m->ram + DATA, "abcd", 5));
	ck_assert(!memcmp(m->ram + DATA + 0x100, "ef", 3));
	ck_assert_uint_eq(interrupts(), INT_USED);
	offer(0);
	ck_assert_uint_eq(get16(USED + 2), 2); /* nothing there */
	ck_assert_uint_eq(interrupts(), 0);
	stub_serial_input(PLATFORM_CONSOLE, "g");
	at(2 * SECOND);
	ck_assert_uint_eq(get16(USED + 2), 3);
	ck_assert_uint_eq(m->ram[DATA], 'g');
	ck_assert_uint_eq(interrupts(), INT_USED);
}
END_TEST

/* The platform is asked once a millisecond at most; somebody who came too early asks again. */
START_TEST(test_polling)
{
	setup();
	start(0, 0);
	desc(0, DATA, 4, DESC_WRITE, 0);
	offer(0);
	at(SECOND);
	stub_serial_input(PLATFORM_CONSOLE, "x");
	at(SECOND + 1000);
	ck_assert_uint_eq(get16(USED + 2), 0);
	ck_assert_uint_le(bus_deadline(&m->bus), SECOND + 10000000);
	at(SECOND + 10000000);
	ck_assert_uint_eq(get16(USED + 2), 1);
}
END_TEST

static void size_is(uint32_t columns, uint32_t rows)
{
	ck_assert_uint_eq(reg(0x100), rows << 16 | columns);
}

START_TEST(test_size)
{
	uint32_t generation;

	setup_terminal();
	ck_assert_uint_eq(reg(0x10) & 1, 1);
	size_is(80, 25);
	at(1000);
	ck_assert_uint_eq(interrupts(), 0);
	ck_assert_uint_le(bus_deadline(&m->bus), SECOND);
	at(SECOND); /* told once, when the driver has settled */
	ck_assert_uint_eq(interrupts(), INT_CONFIG);
	size_is(80, 25);
	at(5 * SECOND);
	ck_assert_uint_eq(interrupts(), 0);
	generation = reg(0xfc);
	stub.columns = 132;
	stub.rows = 50;
	size_is(80, 25);
	at(6 * SECOND);
	size_is(132, 50);
	ck_assert_uint_eq(interrupts(), INT_CONFIG);
	ck_assert_uint_ne(reg(0xfc), generation);
	at(7 * SECOND);
	ck_assert_uint_eq(interrupts(), 0);
	set(0x70, 0);
	at(7 * SECOND);
	start(0, 1); /* a driver that starts again is told again */
	at(8 * SECOND);
	at(9 * SECOND);
	ck_assert_uint_eq(interrupts(), INT_CONFIG);
}
END_TEST

START_TEST(test_broken)
{
	setup_terminal();
	stub_serial_input(PLATFORM_CONSOLE, "x");
	desc(0, RAM - 2, 4, DESC_WRITE, 0);
	offer(0);
	ck_assert(needs_reset());
	at(SECOND);
	start(0, 1);
	start_second();
	put16(AVAIL + 0x102, 0);
	offer_second(SIZE, 1);
	ck_assert(needs_reset());
}
END_TEST

UNIT_MAIN("virtio-console", test_output, test_input, test_polling, test_size, test_broken)

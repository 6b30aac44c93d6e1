/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stub platform itself: the other unit tests believe what it says. */
#include "tests/unit/unit.h"

START_TEST(test_catch)
{
	struct machine *m = stub_machine(4096);

	ck_assert_int_eq(stub_catch(platform_exit(m, 33)), 33);
	ck_assert_int_eq(stub_catch(platform_message("x%d", 1)), STUB_RETURNED);
	ck_assert_str_eq(stub.messages, "x1");
	ck_assert_int_eq(stub_catch(platform_reset(m)), STUB_RESET);
	stub_machine_free(m);
}
END_TEST

START_TEST(test_map)
{
	struct machine *m = stub_machine(16 * 4096);
	uint32_t phys;
	unsigned rights;

	ck_assert(!platform_map(m, 0, 0, 1, MAP_READ));
	ck_assert(platform_map(m, 0xc0000000, 0x2000, 2, MAP_READ | MAP_WRITE));
	ck_assert(stub_mapped(0xc0001234, &phys, &rights));
	ck_assert_uint_eq(phys, 0x3234);
	ck_assert_uint_eq(rights, MAP_READ | MAP_WRITE);
	platform_unmap(m, 0xc0001000, 1);
	ck_assert(!stub_mapped(0xc0001000, NULL, NULL));
	ck_assert_uint_eq(stub_nr_mapped(), 1);
	stub_machine_free(m);
}
END_TEST

START_TEST(test_serial)
{
	stub_serial_input(0, "ab");
	ck_assert_int_eq(platform_serial_read(0), 'a');
	ck_assert_int_eq(platform_serial_read(0), 'b');
	ck_assert_int_eq(platform_serial_read(0), -1);
	platform_serial_write(0, 'z');
	ck_assert_str_eq(stub.serial[0].out, "z");
}
END_TEST

UNIT_MAIN("stub", test_catch, test_map, test_serial)

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bus.c, and the small devices behind it: reset.c, i8042.c. */
#include "tests/unit/devices.h"

static uint8_t regs[8];
static unsigned calls;

static uint32_t reg_in(void *dev, uint16_t port, unsigned size)
{
	uint32_t v = 0xdead0000; /* what a careless device leaves in the high half */

	(void)dev;
	calls++;
	memcpy(&v, regs + (port & 7), size);
	return v;
}

static void reg_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev;
	calls++;
	memcpy(regs + (port & 7), &value, size);
}

static uint64_t mem_read(void *dev, uint64_t offset, unsigned size)
{
	uint64_t v = 0;

	(void)dev;
	calls++;
	memcpy(&v, regs + offset, size);
	return v;
}

static void mem_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	(void)dev;
	calls++;
	memcpy(regs + offset, &value, size);
}

static void bus_with(bool bytes_only)
{
	m = stub_machine(4096);
	for (unsigned i = 0; i < 8; i++)
		regs[i] = (uint8_t)(0x10 + i);
	bus_add_io(&m->bus, &(struct io_range){.first = 0x100,
					       .last = 0x107,
					       .in = reg_in,
					       .out = reg_out,
					       .bytes_only = bytes_only});
	bus_add_mmio(&m->bus, &(struct mmio_range){.first = 0xfee00000,
						   .last = 0xfee00007,
						   .read = mem_read,
						   .write = mem_write});
}

START_TEST(test_absent)
{
	uint64_t v;

	bus_with(false);
	ck_assert_uint_eq(bus_in(&m->bus, 0x200, 1), 0xff);
	ck_assert_uint_eq(bus_in(&m->bus, 0x200, 2), 0xffff);
	ck_assert_uint_eq(bus_in(&m->bus, 0x200, 4), 0xffffffff);
	bus_out(&m->bus, 0x200, 4, 0);
	ck_assert(!bus_mmio_read(&m->bus, 0xfec00000, 4, &v));
	ck_assert(!bus_mmio_write(&m->bus, 0xfec00000, 4, 0));
	ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(test_whole)
{
	bus_with(false);
	ck_assert_uint_eq(bus_in(&m->bus, 0x102, 4), 0x15141312);
	ck_assert_uint_eq(bus_in(&m->bus, 0x103, 1), 0x13);
	ck_assert_uint_eq(calls, 2);
	bus_out(&m->bus, 0x104, 2, 0xaabbccdd);
	ck_assert_uint_eq(calls, 3);
	ck_assert_uint_eq(bus_in(&m->bus, 0x104, 4), 0x1716ccdd);
}
END_TEST

START_TEST(test_split)
{
	bus_with(true);
	ck_assert_uint_eq(bus_in(&m->bus, 0x102, 4), 0x15141312);
	ck_assert_uint_eq(calls, 4);
	bus_out(&m->bus, 0x100, 2, 0x2221);
	ck_assert_uint_eq(calls, 6);
	ck_assert_uint_eq(regs[0], 0x21);
	ck_assert_uint_eq(regs[1], 0x22);
}
END_TEST

/* An access over the edge of a range: each byte for itself. */
START_TEST(test_partial)
{
	uint64_t v;

	bus_with(false);
	ck_assert_uint_eq(bus_in(&m->bus, 0x0fe, 4), 0x1110ffff);
	ck_assert_uint_eq(bus_in(&m->bus, 0x106, 4), 0xffff1716);
	bus_out(&m->bus, 0x0ff, 2, 0x99aa);
	ck_assert_uint_eq(regs[0], 0x99);
	ck_assert(bus_mmio_read(&m->bus, 0xfedffffe, 4, &v));
	ck_assert_uint_eq(v, 0x1199ffff);
	ck_assert(bus_mmio_write(&m->bus, 0xfee00006, 4, 0x44332211));
	ck_assert_uint_eq(regs[6], 0x11);
	ck_assert_uint_eq(regs[7], 0x22);
	ck_assert(bus_mmio_read(&m->bus, 0xfee00000, 8, &v));
	ck_assert_uint_eq(v, 0x2211151413121199);
}
END_TEST

/* The ports end at 0xffff and begin anew. */
START_TEST(test_wrap)
{
	bus_with(false);
	ck_assert_uint_eq(bus_in(&m->bus, 0xffff, 4), 0xffffffff);
}
END_TEST

START_TEST(test_deadline)
{
	m = stub_machine(4096);
	ck_assert_uint_eq(bus_deadline(&m->bus), UINT64_MAX);
	stub_machine_free(m);
	pc(1 << 20);
	ck_assert_uint_le(bus_deadline(&m->bus), 55 * 1000000);
}
END_TEST

START_TEST(test_no_pic)
{
	m = stub_machine(4096);
	irq_set(&m->bus, 3, true);
	ck_assert(!irq_pending(&m->bus));
}
END_TEST

START_TEST(test_debug_exit)
{
	pc(1 << 20);
	ck_assert_int_eq(stub_catch(out8(0xf4, 0)), 1);
	ck_assert_int_eq(stub_catch(bus_out(&m->bus, 0xf4, 4, 0x10)), 0x21);
	ck_assert_int_eq(stub_catch(out8(0xf4, 0xff)), 0xff);
}
END_TEST

static void spell(const char *letters)
{
	while (*letters)
		out8(0x8900, (uint8_t)*letters++);
}

START_TEST(test_power_off)
{
	pc(1 << 20);
	ck_assert_int_eq(stub_catch(bus_out(&m->bus, 0x604, 2, 0x2000)), WEDGE_EXIT_OK);
	ck_assert_int_eq(stub_catch(bus_out(&m->bus, 0x604, 2, 0x2400)), STUB_RETURNED);
	ck_assert_int_eq(stub_catch(spell("Shut Shutdow")), STUB_RETURNED);
	ck_assert_int_eq(stub_catch(out8(0x8900, 'n')), WEDGE_EXIT_OK);
}
END_TEST

START_TEST(test_reset)
{
	pc(1 << 20);
	ck_assert_int_eq(stub_catch(out8(0xcf9, 0x02)), STUB_RETURNED);
	ck_assert_uint_eq(in8(0xcf9), 0x02);
	ck_assert_int_eq(stub_catch(out8(0xcf9, 0x06)), STUB_RESET);
	/* Configuration cycles to PCI pass by, and there is no PCI. */
	ck_assert_int_eq(stub_catch(bus_out(&m->bus, 0xcf8, 4, 0x80000400)), STUB_RETURNED);
	ck_assert_uint_eq(bus_in(&m->bus, 0xcfc, 4), 0xffffffff);
	ck_assert_int_eq(stub_catch(out8(0x64, 0xfe)), STUB_RESET);
	ck_assert_int_eq(stub_catch(out8(0x92, 0x03)), STUB_RESET);
	m->no_reboot = true;
	ck_assert_int_eq(stub_catch(out8(0x64, 0xfe)), WEDGE_EXIT_OK);
}
END_TEST

START_TEST(test_keyboard_controller)
{
	pc(1 << 20);
	init_pics(0x01);
	out8(0x64, 0xaa);
	ck_assert_uint_eq(in8(0x64) & 1, 1);
	ck_assert_uint_eq(in8(0x60), 0x55);
	ck_assert_uint_eq(in8(0x64) & 1, 0);
	ck_assert(!irq_pending(&m->bus));
	out8(0x64, 0x60); /* enable the interrupt */
	out8(0x60, 0x45);
	out8(0x60,
	     0xff); /* reset a keyboard that is not there: no answer, said by the controller */
	ck_assert_uint_eq(in8(0x64) & 0x41, 0x41);
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x21);
	ck_assert_uint_eq(in8(0x60), 0xfe);
}
END_TEST

START_TEST(test_a20)
{
	pc(1 << 20);
	ck_assert_uint_eq(in8(0x92), 0x02);
	ck_assert_int_eq(stub_catch(out8(0x92, 0x02)), STUB_RETURNED);
	ck_assert_int_eq(stub_catch(out8(0x92, 0x00)), WEDGE_EXIT_UNSUPPORTED);
	ck_assert(strstr(stub.messages, "A20"));
}
END_TEST

UNIT_MAIN("bus", test_absent, test_whole, test_split, test_partial, test_wrap, test_deadline,
	  test_no_pic, test_debug_exit, test_power_off, test_reset, test_keyboard_controller,
	  test_a20)

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page-table walks: rights, error codes, accessed and dirty bits, crossing pages, devices. */
#include "tests/unit/guest.h"
#include "tests/unit/unit.h"

#define RAM 0x800000u
#define P 1u
#define W 2u
#define U 4u
#define A 0x20u
#define D 0x40u
#define PS 0x80u
#define G 0x100u

static struct machine *m;
static struct vcpu *v;

static void start(void)
{
	m = stub_machine(RAM);
	v = &m->cpu;
	guest_flat(v, 0);
	guest_paging(v);
}

/* The error code of an access, or -1 if it is allowed. */
static int error_of(uint32_t linear, enum access access, unsigned cpl)
{
	struct translation t;

	v->fault.raised = false;
	if (mmu_translate(v, linear, access, cpl, &t)) {
		ck_assert(!v->fault.raised);
		return -1;
	}
	ck_assert(v->fault.raised);
	ck_assert_uint_eq(v->fault.vector, VEC_PF);
	ck_assert_uint_eq(v->fault.cr2, linear);
	return (int)v->fault.error;
}

START_TEST(test_rights)
{
	start();
	guest_map(v, 0x3000, 0x5000 | P);
	guest_map(v, 0x4000, 0x5000 | P | W);
	guest_map(v, 0x5000, 0x5000 | P | U);
	guest_map(v, 0x6000, 0x5000 | P | U | W);
	/* columns: supervisor read, write; user read, write, fetch */
	static const struct {
		uint32_t linear;
		int error[5];
	} rows[] = {
	    {0x2000, {0, 2, 4, 6, 4}},      {0x3000, {-1, 3, 5, 7, 5}},
	    {0x4000, {-1, -1, 5, 7, 5}},    {0x5000, {-1, 3, -1, 7, -1}},
	    {0x6000, {-1, -1, -1, -1, -1}}, {0x400000, {0, 2, 4, 6, 4}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ck_assert_int_eq(error_of(rows[i].linear, ACCESS_READ, 0), rows[i].error[0]);
		ck_assert_int_eq(error_of(rows[i].linear, ACCESS_WRITE, 0), rows[i].error[1]);
		ck_assert_int_eq(error_of(rows[i].linear, ACCESS_READ, 3), rows[i].error[2]);
		ck_assert_int_eq(error_of(rows[i].linear, ACCESS_WRITE, 3), rows[i].error[3]);
		ck_assert_int_eq(error_of(rows[i].linear, ACCESS_FETCH, 3), rows[i].error[4]);
	}
	/* Rings 1 and 2 are supervisor. */
	ck_assert_int_eq(error_of(0x4000, ACCESS_WRITE, 1), -1);
	/* Without WP ring 0 writes what it likes, ring 3 does not. */
	v->cr0 &= ~CR0_WP;
	ck_assert_int_eq(error_of(0x3000, ACCESS_WRITE, 0), -1);
	ck_assert_int_eq(error_of(0x5000, ACCESS_WRITE, 3), 7);
	/* Rights of both levels count. */
	v->cr0 |= CR0_WP;
	guest_poke(m, GUEST_PD, GUEST_PT | P | U);
	ck_assert_int_eq(error_of(0x6000, ACCESS_WRITE, 0), 3);
	guest_poke(m, GUEST_PD, GUEST_PT | P | W);
	ck_assert_int_eq(error_of(0x6000, ACCESS_READ, 3), 5);
}
END_TEST

START_TEST(test_accessed_dirty)
{
	start();
	guest_poke(m, GUEST_PD, GUEST_PT | P | W | U);
	guest_map(v, 0x3000, 0x5000 | P | U);
	guest_map(v, 0x4000, 0x5000 | P | U | W);
	ck_assert_int_eq(error_of(0x3000, ACCESS_WRITE, 3), 7);
	ck_assert_uint_eq(guest_peek(m, GUEST_PT + 3 * 4),
			  0x5000 | P | U); /* a fault sets nothing */
	ck_assert_uint_eq(guest_peek(m, GUEST_PD), GUEST_PT | P | W | U);
	ck_assert_int_eq(error_of(0x4000, ACCESS_READ, 3), -1);
	ck_assert_uint_eq(guest_peek(m, GUEST_PT + 4 * 4), 0x5000 | P | U | W | A);
	ck_assert_uint_eq(guest_peek(m, GUEST_PD), GUEST_PT | P | W | U | A);
	ck_assert_int_eq(error_of(0x4000, ACCESS_WRITE, 3), -1);
	ck_assert_uint_eq(guest_peek(m, GUEST_PT + 4 * 4), 0x5000 | P | U | W | A | D);
	ck_assert_uint_eq(guest_peek(m, GUEST_PD),
			  GUEST_PT | P | W | U | A); /* no D in a directory */
	/* mmu_peek sets nothing. */
	struct translation t;
	guest_map(v, 0x6000, 0x5000 | P);
	ck_assert(mmu_peek(v, 0x6abc, &t));
	ck_assert_uint_eq(t.phys, 0x5abc);
	ck_assert_uint_eq(guest_peek(m, GUEST_PT + 6 * 4), 0x5000 | P);
	ck_assert(!mmu_peek(v, 0x7000, &t));
}
END_TEST

START_TEST(test_large_pages)
{
	struct translation t;

	start();
	guest_poke(m, GUEST_PD + 4, 0x400000 | P | W | PS | G);
	/* Without CR4.PSE the entry names a page table, here one of zeroes. */
	ck_assert_int_eq(error_of(0x412345, ACCESS_READ, 0), 0);
	v->cr4 |= CR4_PSE;
	ck_assert(mmu_translate(v, 0x412345, ACCESS_WRITE, 0, &t));
	ck_assert_uint_eq(t.phys, 0x412345);
	ck_assert(t.large && t.dirty && t.writable && !t.user && !t.global);
	ck_assert_uint_eq(guest_peek(m, GUEST_PD + 4), 0x400000 | P | W | PS | G | A | D);
	v->cr4 |= CR4_PGE;
	ck_assert(mmu_translate(v, 0x412345, ACCESS_READ, 0, &t));
	ck_assert(t.global);
	/* PSE-36 is not there: its bits are reserved. */
	guest_poke(m, GUEST_PD + 4, 0x400000 | P | W | PS | 0x2000);
	ck_assert_int_eq(error_of(0x412345, ACCESS_READ, 0), 9);
	ck_assert_int_eq(error_of(0x412345, ACCESS_WRITE, 3), 15);
}
END_TEST

static void poke64(uint32_t phys, uint64_t value)
{
	memcpy(m->ram + phys, &value, 8);
}

START_TEST(test_pae)
{
	struct translation t;
	const uint32_t pd = 0x20000, pt = 0x21000;

	start();
	v->cr4 |= CR4_PAE;
	v->pdpte[3] = pd | P;
	ck_assert_int_eq(error_of(0x40000000, ACCESS_READ, 0), 0); /* PDPTE not present */
	poke64(pd, pt | P | W | U);
	poke64(pt + 8, 0x5000ull | P | W | U);
	poke64(pt + 16, 0x5000ull | P | W | U | 1ull << 63);
	ck_assert_int_eq(error_of(0xc0001000, ACCESS_WRITE, 3), -1);
	ck_assert_uint_eq(guest_peek(m, pt + 8), 0x5000 | P | W | U | A | D);
	/* NX is reserved without EFER.NXE, and then fetches report no I/D. */
	ck_assert_int_eq(error_of(0xc0002000, ACCESS_READ, 0), 9);
	ck_assert_int_eq(error_of(0xc0002000, ACCESS_FETCH, 0), 9);
	v->msr.efer = 1 << 11;
	ck_assert_int_eq(error_of(0xc0002000, ACCESS_READ, 0), -1);
	ck_assert_int_eq(error_of(0xc0002000, ACCESS_FETCH, 0), 0x11);
	ck_assert_int_eq(error_of(0xc0002000, ACCESS_FETCH, 3), 0x15);
	ck_assert_int_eq(error_of(0xc0001000, ACCESS_FETCH, 3), -1);
	ck_assert_int_eq(error_of(0xc0003000, ACCESS_FETCH, 3), 0x14);
	/* 2 MiB pages need no CR4.PSE; bits 20:13 and those beyond MAXPHYADDR are reserved. */
	poke64(pd + 8, 0x200000ull | P | W | PS);
	ck_assert(mmu_translate(v, 0xc0212345, ACCESS_READ, 0, &t));
	ck_assert_uint_eq(t.phys, 0x212345);
	poke64(pd + 8, 0x202000ull | P | W | PS);
	ck_assert_int_eq(error_of(0xc0212345, ACCESS_READ, 0), 9);
	poke64(pt + 24, 0x5000ull | P | 1ull << 62);
	ck_assert_int_eq(error_of(0xc0003000, ACCESS_READ, 0), 9);
}
END_TEST

START_TEST(test_crossing)
{
	uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8];

	start();
	guest_map(v, 0x3000, 0x5000 | P | W | U);
	guest_map(v, 0x4000, 0x7000 | P | W | U);
	ck_assert(mmu_write(v, 0x3ffd, data, 8, 3));
	ck_assert_mem_eq(m->ram + 0x5ffd, data, 3);
	ck_assert_mem_eq(m->ram + 0x7000, data + 3, 5);
	ck_assert(mmu_read(v, 0x3ffd, back, 8, 3));
	ck_assert_mem_eq(back, data, 8);
	/* All or nothing: the second page forbids it. */
	guest_map(v, 0x4000, 0x7000 | P | U);
	memset(data, 0xee, 8);
	ck_assert(!mmu_write(v, 0x3ffd, data, 8, 3));
	ck_assert_uint_eq(v->fault.cr2, 0x4000);
	ck_assert_uint_eq(v->fault.error, 7);
	ck_assert_uint_eq(m->ram[0x5ffd], 1);
	ck_assert(!mmu_check_write(v, 0x3ffd, 8, 3));
	ck_assert(mmu_check_write(v, 0x3ff8, 8, 3));
	/* A fetch gives what there is. */
	guest_map(v, 0x4000, 0);
	v->fault.raised = false;
	ck_assert_uint_eq(mmu_fetch(v, 0x3ffd, back, 8, 3), 3);
	ck_assert(!v->fault.raised);
	ck_assert_uint_eq(mmu_fetch(v, 0x4000, back, 8, 3), 0);
	ck_assert(v->fault.raised);
}
END_TEST

static uint64_t device_read(void *dev, uint64_t offset, unsigned size)
{
	(void)dev;
	return offset << 8 | size;
}

static uint64_t device_value, device_offset;

static void device_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	(void)dev;
	device_offset = offset << 8 | size;
	device_value = value;
}

START_TEST(test_devices)
{
	struct mmio_range r = {
	    .first = 0xfe000000, .last = 0xfe000fff, .read = device_read, .write = device_write};
	uint32_t value = 0;

	start();
	bus_add_mmio(&m->bus, &r);
	guest_map(v, 0x3000, 0xfe000000 | P | W);
	ck_assert(mmu_read(v, 0x3010, &value, 4, 0));
	ck_assert_uint_eq(value, 0x1004);
	value = 0x12345678;
	ck_assert(mmu_write(v, 0x3022, &value, 2, 0));
	ck_assert_uint_eq(device_offset, 0x2202);
	ck_assert_uint_eq(device_value, 0x5678);
	/* Nothing there: all ones. */
	phys_read(m, 0xfd000000, &value, 4);
	ck_assert_uint_eq(value, 0xffffffff);
	/* Half in RAM, half in nothing. */
	guest_poke(m, RAM - 4, 0xaabbccdd);
	phys_read(m, RAM - 2, &value, 4);
	ck_assert_uint_eq(value, 0xffffaabb);
}
END_TEST

UNIT_MAIN("mmu", test_rights, test_accessed_dirty, test_large_pages, test_pae, test_crossing,
	  test_devices)

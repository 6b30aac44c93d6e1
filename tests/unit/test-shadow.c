/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shadow mappings as a TLB, and the user limit. */
#include "tests/unit/guest.h"
#include "tests/unit/unit.h"
#include "wedge/core/space.h"
#include "wedge/core/control.h"

#define RAM 0x1000000u
#define P 1u
#define W 2u
#define U 4u
#define A 0x20u
#define D 0x40u
#define PS 0x80u
#define G 0x100u
#define WINDOW 0xf0000000u

static struct machine *m;
static struct vcpu *v;

static void start(void)
{
	m = stub_machine(RAM);
	m->window = WINDOW;
	m->window_size = 0x400000;
	v = &m->cpu;
	guest_flat(v, 0);
	guest_paging(v);
	v->cr4 = CR4_PSE | CR4_PGE;
	shadow_reset(m);
}

static unsigned rights_at(uint32_t linear)
{
	unsigned rights;

	return stub_mapped(linear, NULL, &rights) ? rights : 0;
}

static void fill(uint32_t linear, enum access access)
{
	ck_assert_int_eq(shadow_fault(v, linear, access), SHADOW_FILLED);
	ck_assert(!v->fault.raised);
}

START_TEST(test_fill)
{
	uint32_t phys;

	start();
	guest_map(v, 0x3000, 0x5000 | P | W | U);
	ck_assert_int_eq(shadow_fault(v, 0x2000, ACCESS_READ), SHADOW_FAULT);
	v->fault.raised = false;
	/* Clean: readable only, until the write that sets D. */
	fill(0x3123, ACCESS_READ);
	ck_assert(stub_mapped(0x3000, &phys, NULL));
	ck_assert_uint_eq(phys, 0x5000);
	ck_assert_uint_eq(rights_at(0x3000), MAP_READ | MAP_EXEC | MAP_USER);
	fill(0x3123, ACCESS_WRITE);
	ck_assert_uint_eq(rights_at(0x3000), MAP_READ | MAP_WRITE | MAP_EXEC | MAP_USER);
	ck_assert(guest_peek(m, GUEST_PT + 3 * 4) & D);
	/* Dirty already: writable at once. */
	guest_map(v, 0x4000, 0x6000 | P | W | D);
	fill(0x4000, ACCESS_READ);
	ck_assert_uint_eq(rights_at(0x4000), MAP_READ | MAP_WRITE | MAP_EXEC);
	/* No RAM there, or the host refuses. */
	guest_map(v, 0x7000, 0xfe000000 | P | W);
	ck_assert_int_eq(shadow_fault(v, 0x7000, ACCESS_WRITE), SHADOW_EMULATE);
	guest_map(v, 0, 0x5000 | P | W);
	ck_assert_int_eq(shadow_fault(v, 0x10, ACCESS_WRITE), SHADOW_EMULATE);
	ck_assert_uint_eq(stub_nr_mapped(), 2);
}
END_TEST

START_TEST(test_no_execute)
{
	const uint32_t pd = 0x20000, pt = 0x21000;
	uint64_t entry = 0x5000ull | P | W | 1ull << 63, pde = pt | P | W;

	start();
	v->cr4 |= CR4_PAE;
	v->msr.efer = 1 << 11;
	v->pdpte[0] = pd | P;
	memcpy(m->ram + pd, &pde, 8);
	memcpy(m->ram + pt + 24, &entry, 8);
	fill(0x3000, ACCESS_READ);
	ck_assert_uint_eq(rights_at(0x3000), MAP_READ);
	ck_assert_int_eq(shadow_fault(v, 0x3000, ACCESS_FETCH), SHADOW_FAULT);
}
END_TEST

START_TEST(test_flushes)
{
	start();
	guest_map(v, 0x3000, 0x5000 | P | W | U);
	guest_map(v, 0x4000, 0x6000 | P | W | G);
	guest_map(v, 0x5000, 0x7000 | P | W | U);
	fill(0x3000, ACCESS_READ);
	fill(0x4000, ACCESS_READ);
	fill(0x5000, ACCESS_READ);
	shadow_flush_page(v, 0x3fff);
	ck_assert(!rights_at(0x3000) && rights_at(0x4000) && rights_at(0x5000));
	/* invlpg drops a global page. */
	shadow_flush_page(v, 0x4000);
	ck_assert(!rights_at(0x4000));
	shadow_flush(v);
	ck_assert_uint_eq(stub_nr_mapped(), 0);
}
END_TEST

/* mov cr3 keeps what the tables would give again, and nothing else but global pages. */
START_TEST(test_switch)
{
	static const uint32_t changes[] = {
	    0x8000 | P | W | U | A, /* another frame */
	    0x7000 | P | U | A,     /* read-only */
	    0x7000 | P | W | A,     /* for ring 0 only */
	    0x7000 | P | W | U,     /* not accessed: A is to be seen again */
	    0x7000 | W | U | A,     /* not present */
	};

	start();
	for (unsigned i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		guest_map(v, 0x3000, 0x5000 | P | W | U);
		guest_map(v, 0x4000, 0x6000 | P | W | G);
		guest_map(v, 0x5000, 0x7000 | P | W | U);
		fill(0x3000, ACCESS_READ);
		fill(0x4000, ACCESS_READ);
		fill(0x5000, ACCESS_READ);
		shadow_switch(v);
		ck_assert(rights_at(0x3000) && rights_at(0x4000) && rights_at(0x5000));
		guest_map(v, 0x4000, 0x6000 | P);
		guest_map(v, 0x5000, changes[i]);
		shadow_switch(v);
		ck_assert(rights_at(0x3000) && rights_at(0x4000) && !rights_at(0x5000));
		shadow_flush(v);
	}
	/* Without PGE the G bit means nothing. */
	v->cr4 &= ~CR4_PGE;
	guest_map(v, 0x4000, 0x6000 | P | W | G);
	fill(0x4000, ACCESS_READ);
	guest_map(v, 0x4000, 0x8000 | P | W | G);
	shadow_switch(v);
	ck_assert_uint_eq(stub_nr_mapped(), 0);
	/* A dirty page that the guest cleans must become dirty again at the next write. */
	guest_map(v, 0x3000, 0x5000 | P | W | U);
	fill(0x3000, ACCESS_WRITE);
	guest_map(v, 0x3000, 0x5000 | P | W | U | A);
	shadow_switch(v);
	ck_assert(!rights_at(0x3000));
	/* The entry above. */
	fill(0x3000, ACCESS_READ);
	guest_poke(m, GUEST_PD, GUEST_PT | P | W);
	shadow_switch(v);
	ck_assert(!rights_at(0x3000));
}
END_TEST

/* A change of CR4.PGE keeps what the tables would give again, and compares global pages as well. */
START_TEST(test_flush_global)
{
	start();
	guest_map(v, 0x3000, 0x5000 | P | W | U);
	guest_map(v, 0x4000, 0x6000 | P | W | G);
	guest_map(v, 0x5000, 0x7000 | P | W | G);
	guest_poke(m, GUEST_PD + 4, 0x400000 | P | W | PS | G);
	fill(0x3000, ACCESS_READ);
	fill(0x4000, ACCESS_READ);
	fill(0x5000, ACCESS_READ);
	fill(0x400000, ACCESS_READ);
	ck_assert(control_write_cr(v, 4, v->cr4 ^ CR4_PGE));
	ck_assert(control_write_cr(v, 4, v->cr4 ^ CR4_PGE));
	ck_assert(rights_at(0x3000) && rights_at(0x4000) && rights_at(0x5000));
	ck_assert(rights_at(0x400000));
	guest_map(v, 0x4000, 0x6000 | P | G);
	guest_poke(m, GUEST_PD + 4, 0x800000 | P | W | PS | G);
	ck_assert(control_write_cr(v, 4, v->cr4 ^ CR4_PGE));
	ck_assert(rights_at(0x3000) && !rights_at(0x4000) && rights_at(0x5000));
	ck_assert(!rights_at(0x400000));
	/* While PGE is clear no page is global, whatever it was. */
	guest_map(v, 0x5000, 0x8000 | P | W | G | A);
	shadow_switch(v);
	ck_assert(rights_at(0x3000) && !rights_at(0x5000));
	/* The entry above has changed in the meantime. */
	ck_assert(control_write_cr(v, 4, v->cr4 ^ CR4_PGE));
	fill(0x5000, ACCESS_READ);
	guest_poke(m, GUEST_PD, GUEST_PT | P | U | A);
	fill(0x6000 - 1, ACCESS_READ);
	fill(0x3000, ACCESS_READ);
	ck_assert(control_write_cr(v, 4, v->cr4 ^ CR4_PGE));
	ck_assert(!(rights_at(0x5000) & MAP_WRITE));
}
END_TEST

/* Neighbours come along if the CPU could have them in its TLB, and one host mapping serves. */
START_TEST(test_neighbours)
{
	const uint32_t bits = P | W | A | D;

	start();
	for (uint32_t page = 0x10; page < 0x20; page++)
		guest_map(v, page << 12, page << 12 | bits);
	guest_map(v, 0x12000, 0x12000 | P | W);       /* not accessed */
	guest_map(v, 0x18000, 0x18000 | (bits & ~D)); /* not dirty: other rights */
	fill(0x14000, ACCESS_READ);
	ck_assert(!rights_at(0x12000) && rights_at(0x13000) && rights_at(0x17000));
	ck_assert(!rights_at(0x18000));
	ck_assert_uint_eq(stub_nr_mapped(), 5);
	ck_assert_uint_eq(guest_peek(m, GUEST_PT + 0x12 * 4), 0x12000 | P | W);
	guest_map(v, 0x1d000, 0x5000 | bits);      /* elsewhere */
	guest_map(v, 0x1a000, 0x1a000 | bits | U); /* for others */
	fill(0x1b000, ACCESS_WRITE);
	ck_assert(!rights_at(0x1a000) && rights_at(0x1c000) && !rights_at(0x1d000));
	ck_assert_uint_eq(stub_nr_mapped(), 7);
	/* One of them can be invalidated alone. */
	shadow_flush_page(v, 0x15000);
	ck_assert(rights_at(0x14000) && !rights_at(0x15000) && rights_at(0x16000));
	/* Each is compared with its own entry. */
	guest_map(v, 0x13000, 0x5000 | bits);
	shadow_switch(v);
	ck_assert(!rights_at(0x13000) && rights_at(0x14000) && rights_at(0x17000));
}
END_TEST

START_TEST(test_large)
{
	start();
	guest_poke(m, GUEST_PD + 4, 0x400000 | P | W | PS | G);
	fill(0x512345, ACCESS_READ);
	ck_assert_uint_eq(stub_nr_mapped(), 1024);
	ck_assert_uint_eq(rights_at(0x7ff000), MAP_READ | MAP_EXEC);
	fill(0x512345, ACCESS_WRITE);
	ck_assert_uint_eq(rights_at(0x400000), MAP_READ | MAP_WRITE | MAP_EXEC);
	shadow_switch(v);
	ck_assert_uint_eq(stub_nr_mapped(), 1024);
	/* One invlpg drops the whole page. */
	shadow_flush_page(v, 0x600000);
	ck_assert_uint_eq(stub_nr_mapped(), 0);
	/* Only what RAM holds; the window stays free. */
	guest_poke(m, GUEST_PD + 8, 0xc00000 | P | W | PS);
	m->ram_size = 0xc02000;
	fill(0x801000, ACCESS_READ);
	ck_assert_uint_eq(stub_nr_mapped(), 2);
	ck_assert_int_eq(shadow_fault(v, 0x802000, ACCESS_READ), SHADOW_EMULATE);
}
END_TEST

/* Paging off: linear is physical, in large runs; the host refuses page 0, and gets the rest. */
START_TEST(test_identity)
{
	start();
	v->cr0 &= ~CR0_PG;
	shadow_flush(v);
	fill(0x100000, ACCESS_WRITE);
	ck_assert_uint_eq(stub_nr_mapped(), 1024 - 256);
	ck_assert_int_eq(shadow_fault(v, 0, ACCESS_READ), SHADOW_EMULATE);
	fill(0x1000, ACCESS_FETCH);
	ck_assert_uint_eq(stub_nr_mapped(), 1023);
	fill(0x400000, ACCESS_READ);
	ck_assert_uint_eq(stub_nr_mapped(), 2047);
	ck_assert_int_eq(shadow_fault(v, RAM, ACCESS_READ), SHADOW_EMULATE);
}
END_TEST

/* Ring 0 writes read-only pages while WP is clear; ring 3 must not inherit that. */
START_TEST(test_write_protect)
{
	start();
	v->cr0 &= ~CR0_WP;
	guest_map(v, 0x3000, 0x5000 | P | U);
	fill(0x3000, ACCESS_WRITE);
	ck_assert(rights_at(0x3000) & MAP_WRITE);
	v->cpl = 3;
	shadow_enter_user(v);
	ck_assert(!(rights_at(0x3000) & MAP_WRITE));
	ck_assert_int_eq(shadow_fault(v, 0x3000, ACCESS_WRITE), SHADOW_FAULT);
	ck_assert_uint_eq(v->fault.error, 7);
}
END_TEST

/* A kernel above its users: the limit comes down once, and kernel pages may stay mapped. */
START_TEST(test_user_limit)
{
	const uint32_t pt = 0x13000;

	start();
	ck_assert_uint_eq(stub.user_limit, WINDOW);
	guest_map(v, 0x3000, 0x5000 | P | W | U);
	guest_poke(m, GUEST_PD + (0xc0000000 >> 22) * 4, 0x400000 | P | W | PS | G);
	/* A page table of the kernel below an entry that would let users in. */
	guest_poke(m, GUEST_PD + (0xd0000000 >> 22) * 4, pt | P | W | U);
	guest_poke(m, pt, 0x7000 | P | W);
	fill(0xc0000000, ACCESS_READ);
	fill(0xd0000000, ACCESS_READ);
	fill(0x3000, ACCESS_READ);
	ck_assert(!shadow_user_clean(v));
	v->cpl = 3;
	shadow_enter_user(v);
	ck_assert_uint_eq(stub.user_limit, 0x400000);
	ck_assert_uint_eq(m->user_limit, 0x400000);
	ck_assert_uint_eq(stub_nr_mapped(), 1026);
	ck_assert(shadow_user_clean(v));
	/* A user page higher up: the limit follows, and what the kernel has below it goes. */
	guest_poke(m, GUEST_PD + (0xc0800000 >> 22) * 4, 0x800000 | P | W | U | PS);
	fill(0xc0800000, ACCESS_READ);
	ck_assert_uint_eq(stub.user_limit, 0xc0c00000);
	ck_assert(!rights_at(0xc0000000) && rights_at(0xd0000000) && rights_at(0xc0800000));
	/* Above the window there is no way. */
	guest_poke(m, GUEST_PD + (0xf8000000 >> 22) * 4, 0x800000 | P | W | U | PS);
	ck_assert_int_eq(shadow_fault(v, 0xf8000000, ACCESS_READ), SHADOW_EMULATE);
	ck_assert_int_eq(shadow_fault(v, 0xc0000000, ACCESS_READ), SHADOW_FAULT);
	ck_assert_uint_eq(v->fault.error, 5);
}
END_TEST

/* A kernel below its users: its pages go at every entry to ring 3. */
START_TEST(test_user_view)
{
	start();
	guest_map(v, 0x3000, 0x5000 | P | W);
	guest_map(v, 0x9000, 0x6000 | P | W | U);
	for (int i = 0; i < 3; i++) {
		v->cpl = 0;
		fill(0x3000, ACCESS_WRITE);
		fill(0x9000, ACCESS_WRITE);
		ck_assert(!shadow_user_clean(v));
		v->cpl = 3;
		shadow_enter_user(v);
		ck_assert(!rights_at(0x3000) && rights_at(0x9000));
		ck_assert(shadow_user_clean(v));
	}
}
END_TEST

static unsigned user_rights_at(uint32_t linear)
{
	unsigned rights;

	return stub_user_mapped(linear, NULL, &rights) ? rights : 0;
}

static void enter(unsigned cpl)
{
	v->cpl = cpl;
	if (cpl == 3)
		shadow_enter_user(v);
	else
		shadow_enter_kernel(v);
}

/* Where ring 3 is kept apart it has user pages only; what is invalidated goes for both rings. */
START_TEST(test_views)
{
	start();
	m->user_spaces = calloc(1, sizeof(*m->user_spaces));
	ck_assert_ptr_nonnull(m->user_spaces);
	shadow_reset(m);
	for (uint32_t page = 0x3000; page <= 0x5000; page += 0x1000)
		guest_map(v, page, (page + 0x2000) | P | W | A | (page == 0x3000 ? 0 : U));
	fill(0x3000, ACCESS_WRITE);
	fill(0x4000, ACCESS_WRITE);
	ck_assert(!user_rights_at(0x3000) && !user_rights_at(0x4000));
	enter(3);
	ck_assert(rights_at(0x3000) && shadow_user_clean(v));
	ck_assert_int_eq(shadow_fault(v, 0x3000, ACCESS_READ), SHADOW_FAULT);
	v->fault.raised = false;
	shadow_enter_user(v); /* forgets that this page is expected */
	fill(0x4000, ACCESS_WRITE);
	fill(0x5000, ACCESS_READ);
	ck_assert(!user_rights_at(0x3000) && user_rights_at(0x4000) && user_rights_at(0x5000));
	ck_assert(!rights_at(0x5000));
	/* invlpg */
	enter(0);
	shadow_flush_page(v, 0x4000);
	ck_assert(!rights_at(0x4000) && !user_rights_at(0x4000) && user_rights_at(0x5000));
	/* mov cr3: before ring 3 goes on */
	guest_map(v, 0x5000, 0x8000 | P | W | U | A);
	shadow_switch(v);
	ck_assert(rights_at(0x3000));
	enter(3);
	ck_assert(!user_rights_at(0x5000));
	fill(0x5000, ACCESS_READ);
	/* All of them */
	enter(0);
	shadow_flush(v);
	ck_assert(!rights_at(0x3000));
	enter(3);
	ck_assert(!user_rights_at(0x5000));
	/* A page of ring 3's becomes ring 0's. */
	fill(0x5000, ACCESS_READ);
	enter(0);
	guest_map(v, 0x5000, 0x8000 | P | W | A);
	shadow_flush_page(v, 0x5000);
	fill(0x5000, ACCESS_READ);
	enter(3);
	ck_assert(rights_at(0x5000) && !user_rights_at(0x5000));
	free(m->user_spaces);
	m->user_spaces = NULL;
	shadow_reset(m);
}
END_TEST

START_TEST(test_window)
{
	start();
	guest_poke(m, GUEST_PD + (WINDOW >> 22) * 4, 0x800000 | P | W | PS);
	ck_assert_int_eq(stub_catch(shadow_fault(v, WINDOW + 0x1234, ACCESS_READ)),
			 WEDGE_EXIT_UNSUPPORTED);
	ck_assert(strstr(stub.messages, "-window"));
}
END_TEST

/* The number of host mappings is bounded; dropping them all changes nothing the guest sees. */
START_TEST(test_bound)
{
	start();
	guest_map(v, 0x3ff000, 0x6000 | P | W | U | G);
	fill(0x3ff000, ACCESS_READ);
	for (uint32_t i = 1; i < 40000; i++) {
		guest_map(v, 0x3000, 0x5000 | P | W | U);
		fill(0x3000, ACCESS_READ);
		ck_assert(rights_at(0x3000));
		guest_map(v, 0x4000 + i % 500 * 0x1000, 0x6000 | P | W | U | G);
		fill(0x4000 + i % 500 * 0x1000, ACCESS_READ);
	}
	ck_assert(!rights_at(0x3ff000)); /* never flushed by the guest */
	shadow_flush(v);
	ck_assert_uint_eq(stub_nr_mapped(), 0);
}
END_TEST

/* A host that has no room for one more mapping gives it in the place of the others. */
START_TEST(test_no_room)
{
	start();
	stub.map_room = 2;
	for (uint32_t i = 0; i < 5; i++) {
		guest_map(v, 0x3000 + i * 0x2000, 0x10000 - i * 0x1000 + (P | W | U));
		fill(0x3000 + i * 0x2000, ACCESS_READ);
		ck_assert(rights_at(0x3000 + i * 0x2000));
		ck_assert_uint_le(stub_nr_mapped(), 2);
	}
	stub.map_room = 0;
	ck_assert_int_eq(stub_catch(shadow_fault(v, 0x3000, ACCESS_READ)), WEDGE_EXIT_INTERNAL);
	ck_assert(strstr(stub.messages, "no room"));
}
END_TEST

UNIT_MAIN("shadow", test_fill, test_no_execute, test_flushes, test_switch, test_flush_global,
	  test_neighbours, test_large, test_identity, test_write_protect, test_user_limit,
	  test_user_view, test_views, test_window, test_bound, test_no_room)

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code that the guest loads: what is executable, what is writable, and sites that come and go. */
#include "tests/unit/late.h"
#include "tests/unit/unit.h"

#define P 1u
#define W 2u
#define U 4u
#define TEXT 0x20000u /* two pages, then one of records; linear is physical */
#define RECORDS 0x22000u
#define CLI "\x2e\x2e\x2e\x2e\xfa"

static struct machine *m;
static struct vcpu *v;

static void start(void)
{
	m = late_machine();
	v = &m->cpu;
	for (uint32_t p = TEXT; p <= RECORDS; p += 0x1000)
		guest_map(v, p, p | P);
	memcpy(m->ram + TEXT, CLI "\xc3", 6);
	late_record(m, RECORDS, TEXT, AB_CLI, 5);
	v->eip = TEXT;
}

static unsigned rights_at(uint32_t linear)
{
	unsigned rights;

	return stub_mapped(linear, NULL, &rights) ? rights : 0;
}

static void fault(uint32_t linear, enum access access)
{
	ck_assert_int_eq(shadow_fault(v, linear, access), SHADOW_FILLED);
	ck_assert(!v->fault.raised);
}

static void rewritten(uint32_t slot)
{
	const struct site *s = machine_site_at(m, slot);

	ck_assert_ptr_nonnull(s);
	ck_assert(s->rewritten);
	ck_assert_uint_eq(m->ram[slot], 0xe9);
	ck_assert_uint_eq(slot + 5 + guest_peek(m, slot + 1), s->trampoline);
}

START_TEST(test_enter)
{
	start();
	fault(TEXT, ACCESS_READ);
	ck_assert_uint_eq(rights_at(TEXT), MAP_READ);
	ck_assert_uint_eq(m->ram[TEXT], 0x2e);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_uint_eq(rights_at(TEXT), MAP_READ | MAP_EXEC);
	rewritten(TEXT);
	ck_assert_ptr_eq(machine_site_at(m, TEXT + 4), machine_site_at(m, TEXT));
	ck_assert_ptr_null(machine_site_at(m, TEXT + 5));
	ck_assert_str_eq(stub.messages, "");
	/* Read-only neighbours came with it: no further scan. */
	fault(TEXT + 0x1000, ACCESS_FETCH);
	ck_assert_uint_eq(m->code->nr_regions, 1);
}
END_TEST

/* Neither user pages nor the image's text is looked at; text elsewhere is. */
START_TEST(test_watched)
{
	start();
	guest_map(v, 0x30000, 0x30000 | P | W | U);
	fault(0x30000, ACCESS_FETCH);
	ck_assert(rights_at(0x30000) & MAP_EXEC);
	code_add_image(m, 0x31800, 0x31800, 0x1000); /* 2 pages in part */
	guest_map(v, 0x31000, 0x31000 | P | W);
	guest_map(v, 0x32000, 0x32000 | P | W);
	guest_map(v, 0x33000, 0x31000 | P | W);
	fault(0x31000, ACCESS_WRITE);
	fault(0x32000, ACCESS_WRITE);
	ck_assert_uint_eq(rights_at(0x31000), MAP_READ | MAP_WRITE | MAP_EXEC);
	ck_assert_uint_eq(rights_at(0x32000), MAP_READ | MAP_WRITE | MAP_EXEC);
	ck_assert_uint_eq(m->code->nr_regions, 0);
	fault(0x33000, ACCESS_WRITE);
	ck_assert_uint_eq(rights_at(0x33000), MAP_READ | MAP_WRITE);
	fault(0x33000, ACCESS_FETCH);
	ck_assert_uint_eq(m->code->nr_regions, 1);
}
END_TEST

/* Another mapping writes: slots are as they were, and the next fetch looks anew. */
START_TEST(test_write)
{
	start();
	guest_map(v, 0x30000, TEXT | P | W);
	fault(0x30000, ACCESS_WRITE);
	ck_assert(rights_at(0x30000) & MAP_WRITE);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_uint_eq(rights_at(0x30000), 0);
	fault(0x30000, ACCESS_READ);
	ck_assert_uint_eq(rights_at(0x30000), MAP_READ);
	v->eip = 0x1000;
	fault(0x30000, ACCESS_WRITE);
	ck_assert_uint_eq(rights_at(0x30000), MAP_READ | MAP_WRITE);
	ck_assert_uint_eq(rights_at(TEXT), 0);
	ck_assert_mem_eq(m->ram + TEXT, CLI "\xc3", 6);
	ck_assert_ptr_null(machine_site_at(m, TEXT));
	ck_assert_uint_eq(m->nr_late, 0);
	memcpy(m->ram + TEXT, "\x90" CLI "\xc3", 7);
	late_record(m, RECORDS, TEXT + 1, AB_CLI, 5);
	fault(TEXT, ACCESS_FETCH);
	rewritten(TEXT + 1);
	ck_assert_ptr_null(machine_site_at(m, TEXT));
	/* The emulator and devices write past the mappings. */
	phys_write(m, TEXT + 0x1800, "x", 1);
	ck_assert_mem_eq(m->ram + TEXT, "\x90" CLI "\xc3", 7);
	ck_assert_uint_eq(m->code->nr_regions, 0);
}
END_TEST

/* What the guest wrote over a slot without a fault (a device) stays. */
START_TEST(test_overwritten)
{
	start();
	fault(TEXT, ACCESS_FETCH);
	memcpy(m->ram + TEXT + 2, "xyz", 3);
	code_changed(m, TEXT, 1);
	ck_assert_mem_eq(m->ram + TEXT + 2, "xyz", 3);
	ck_assert_uint_eq(m->ram[TEXT], 0xe9);
}
END_TEST

/* Other memory at the same address: the old code's sites must not be found there. */
START_TEST(test_replaced)
{
	start();
	fault(TEXT, ACCESS_FETCH);
	guest_map(v, TEXT, 0x40000 | P);
	shadow_flush_page(v, TEXT);
	ck_assert_ptr_null(machine_site_at(m, TEXT));
	memcpy(m->ram + 0x40000, "\xc3", 1);
	late_record(m, RECORDS, TEXT + 0x1000, AB_CLI, 5);
	memcpy(m->ram + TEXT + 0x1000, CLI, 5);
	fault(TEXT, ACCESS_FETCH);
	rewritten(TEXT + 0x1000);
	ck_assert_ptr_null(machine_site_at(m, TEXT));
	ck_assert_mem_eq(m->ram + TEXT, CLI, 5); /* restored where it was */
	ck_assert_uint_eq(m->code->nr_regions, 1);
}
END_TEST

/* A slot over the border of two frames, in pages that are writable: the region grows. */
START_TEST(test_straddle)
{
	start();
	guest_map(v, TEXT, TEXT | P | W);
	guest_map(v, TEXT + 0x1000, 0x50000 | P | W);
	memcpy(m->ram + TEXT + 0xffe, CLI, 2);
	memcpy(m->ram + 0x50000, CLI + 2, 3);
	late_record(m, RECORDS + 16, TEXT + 0xffe, AB_CLI, 5);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_uint_eq(m->code->regions[0].pages, 2);
	ck_assert_uint_eq(m->code->regions[0].sites.size, 2);
	ck_assert_uint_eq(m->ram[TEXT + 0xffe], 0xe9);
	ck_assert_ptr_eq(machine_site_at(m, TEXT + 0x1000), machine_site_at(m, TEXT + 0xffe));
	code_changed(m, 0x50800, 1);
	ck_assert_mem_eq(m->ram + TEXT + 0xffe, CLI, 2);
	ck_assert_mem_eq(m->ram + 0x50000, CLI + 2, 3);
}
END_TEST

/* An instruction that writes to its own page is emulated: the page cannot be both. */
START_TEST(test_itself)
{
	start();
	guest_map(v, TEXT, TEXT | P | W);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_int_eq(shadow_fault(v, TEXT + 0x800, ACCESS_WRITE), SHADOW_EMULATE);
	v->eip = 0x1000;
	guest_map(v, 0x1000, 0x1000 | P | W);
	fault(TEXT + 0x800, ACCESS_WRITE);
	ck_assert_uint_eq(m->code->nr_regions, 0);
}
END_TEST

/* One frame at two addresses, in one region and by one instruction. */
START_TEST(test_alias)
{
	start();
	guest_map(v, TEXT + 0x1000, TEXT | P);
	fault(TEXT, ACCESS_FETCH);
	rewritten(TEXT);
	ck_assert(rights_at(TEXT) & MAP_EXEC);
	v->eip = TEXT + 0xffe;
	ck_assert_int_eq(shadow_fault(v, TEXT + 0x1000, ACCESS_FETCH), SHADOW_EMULATE);
	v->eip = TEXT + 0x1000;
	fault(TEXT + 0x1000, ACCESS_FETCH);
	ck_assert(rights_at(TEXT + 0x1000) & MAP_EXEC);
	ck_assert_ptr_null(machine_site_at(m, TEXT));
	ck_assert_uint_eq(m->ram[TEXT], 0x2e); /* its record is for the other address */
}
END_TEST

START_TEST(test_bad_records)
{
	start();
	late_record(m, RECORDS + 0x20, TEXT, AB_NR_KINDS, 5);
	late_record(m, RECORDS + 0x30, TEXT, AB_STI, 5);
	late_record(m, RECORDS + 0x40, TEXT + 2, AB_CLI, 5);
	late_record(m, RECORDS + 0x50, TEXT + 0x10, AB_CLI, 200);
	late_record(m, RECORDS + 0x60, TEXT - 3, AB_CLI, 5);
	late_record(m, RECORDS + 0x70, 0xfffffffe, AB_CLI, 5);
	late_record(m, RECORDS + 0xff8, TEXT, AB_CLI, 5); /* its end is not there */
	fault(TEXT, ACCESS_FETCH);
	rewritten(TEXT);
	ck_assert_uint_eq(m->code->regions[0].sites.size, 1);
	ck_assert_ptr_nonnull(strstr(stub.messages, "unknown kind"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "another kind"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "reaches out"));
}
END_TEST

/* Without records: what traps is silent here, what does not is told, once. */
START_TEST(test_unpadded)
{
	start();
	memset(m->ram + RECORDS, 0, 16);
	memcpy(m->ram + TEXT, "\xfa\x90\xc3\x55\x9c\x58\xc3", 7); /* cli; nop; ret; push; pushf */
	fault(TEXT, ACCESS_FETCH);
	ck_assert_ptr_nonnull(strstr(stub.messages, "code at 00020004"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "pushf"));
	ck_assert(rights_at(TEXT) & MAP_EXEC);
	stub.messages[0] = 0;
	stub.messages_len = 0;
	code_changed(m, TEXT, 1);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_str_eq(stub.messages, "");
	m->ram[TEXT + 4] = 0x90;
	code_changed(m, TEXT, 1);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_str_eq(stub.messages, "");
	/* In front of what runs, too; and behind what ends the reading from the start. */
	memcpy(m->ram + TEXT + 5, "\x0f\xa2", 2); /* cpuid */
	v->eip = TEXT + 0x100;
	code_changed(m, TEXT, 1);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_ptr_nonnull(strstr(stub.messages, "cpuid"));
	memset(m->ram + TEXT, 0, 16);
	m->ram[TEXT + 0x100] = 0x9d; /* popf */
	code_changed(m, TEXT, 1);
	fault(TEXT, ACCESS_FETCH);
	ck_assert_ptr_nonnull(strstr(stub.messages, "popf"));
}
END_TEST

/* More regions than there is room for: the others go, and are found again when they run. */
START_TEST(test_full)
{
	start();
	m->code->room_size = 1024; /* one trampoline may be 768 */
	fault(TEXT, ACCESS_FETCH);
	guest_map(v, 0x60000, 0x60000 | P);
	guest_map(v, 0x61000, 0x61000 | P);
	for (unsigned i = 0; i < 20; i++) {
		memcpy(m->ram + 0x60000 + 5 * i, CLI, 5);
		late_record(m, 0x61000 + 16 * i, 0x60000 + 5 * i, AB_CLI, 5);
	}
	v->eip = 0x60000;
	ck_assert_int_eq(stub_catch(shadow_fault(v, 0x60000, ACCESS_FETCH)),
			 WEDGE_EXIT_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(stub.messages, "more sites than"));
	ck_assert_uint_eq(m->ram[0x60000], 0x2e);
	ck_assert_uint_eq(m->ram[TEXT], 0x2e);
	memset(m->ram + 0x61000 + 16, 0, 19 * 16);
	fault(0x60000, ACCESS_FETCH);
	rewritten(0x60000);
}
END_TEST

START_TEST(test_reset)
{
	start();
	fault(TEXT, ACCESS_FETCH);
	shadow_reset(m);
	ck_assert_uint_eq(m->code->nr_regions, 0);
	ck_assert_uint_eq(m->nr_late, 0);
	ck_assert(!code_protected(m, TEXT));
}
END_TEST

UNIT_MAIN("code", test_enter, test_watched, test_write, test_overwritten, test_replaced,
	  test_straddle, test_itself, test_alias, test_bad_records, test_unpadded, test_full,
	  test_reset)

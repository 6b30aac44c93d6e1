/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiling mode: what is watched, what is counted, and what is let go. */
#include "tests/unit/guest.h"
#include "tests/unit/unit.h"
#include "wedge/core/control.h"
#include "wedge/core/sensitive.h"
#include "wedge/core/trace.h"

#define RAM 0x1000000u
#define ALL 0x67u /* present, writable, user, accessed, dirty */
#define CODE 0x1000u
#define OTHER_PT 0x12000u

static struct machine *m;
static struct vcpu *v;
static struct trace *t;
static uint8_t sensitive[SENSITIVE_SIZE];

/* Code and both tables where they lie, and a page like any other. */
static void start(void)
{
	m = stub_machine(RAM);
	m->window = 0xf0000000;
	m->window_size = 0x400000;
	m->trace = t = calloc(1, sizeof(*t));
	m->sensitive = sensitive;
	v = &m->cpu;
	guest_flat(v, 0);
	guest_paging(v);
	for (uint32_t page = CODE; page <= 0x30000; page += 0x1000)
		guest_map(v, page, page | ALL);
	shadow_reset(m);
	ck_assert_int_eq(shadow_fault(v, 0x30000, ACCESS_WRITE), SHADOW_FILLED);
}

static bool writable(uint32_t linear)
{
	unsigned rights;

	return stub_mapped(linear, NULL, &rights) && (rights & MAP_WRITE);
}

/* OPCODE with an absolute address, at CODE, meets the host's page fault. */
static void trap(uint8_t opcode, uint8_t modrm, uint32_t address)
{
	uint8_t code[6] = {opcode, modrm};

	memcpy(code + 2, &address, 4);
	memcpy(m->ram + CODE, code, sizeof(code));
	v->eip = CODE;
	vcpu_exit(v, &(struct exit){.kind = EXIT_EXCEPTION,
				    .vector = VEC_PF,
				    .error = PF_PRESENT | PF_WRITE,
				    .address = address});
	ck_assert_uint_eq(v->eip, CODE + sizeof(code));
}

static void store(uint32_t address)
{
	trap(0x89, 0x05, address); /* mov %eax, ADDRESS */
}

/* How often something was counted at CODE. */
static uint64_t counted(unsigned level, const char *device, uint32_t reg,
			enum trace_direction direction)
{
	for (unsigned i = 0; i < TRACE_SITES; i++) {
		const struct trace_site *s = &t->site[i];

		if (s->size == 4 && s->level == level && s->reg == reg &&
		    s->direction == direction && !strcmp(s->device, device)) {
			ck_assert_uint_eq(s->address, CODE);
			return s->count;
		}
	}
	return 0;
}

START_TEST(test_tables)
{
	start();
	/* An ordinary page is writable, a table that a mapping was made by is not. */
	ck_assert(writable(0x30000));
	ck_assert_int_eq(shadow_fault(v, GUEST_PT, ACCESS_READ), SHADOW_FILLED);
	ck_assert(!writable(GUEST_PT));
	ck_assert_int_eq(shadow_fault(v, GUEST_PT, ACCESS_WRITE), SHADOW_EMULATE);
	ck_assert_int_eq(shadow_fault(v, GUEST_PD, ACCESS_WRITE), SHADOW_EMULATE);
	ck_assert_uint_eq(t->table_traps, 2);
	ck_assert_uint_ne(sensitive[GUEST_PT >> 16], 0);
	/* Stores and updates are done, and counted by level. */
	v->gpr[R_EAX] = 0x55000;
	store(GUEST_PT + 0x800);
	store(GUEST_PT + 0x804);
	ck_assert_uint_eq(guest_peek(m, GUEST_PT + 0x800), 0x55000);
	ck_assert_uint_eq(counted(1, "", 0, TRACE_STORE), 2);
	trap(0x09, 0x05, GUEST_PT + 0x800); /* or */
	ck_assert_uint_eq(counted(1, "", 0, TRACE_UPDATE), 1);
	store(GUEST_PD + 0x800);
	ck_assert_uint_eq(counted(2, "", 0, TRACE_STORE), 1);
	ck_assert_uint_eq(t->accesses, 4);
}
END_TEST

START_TEST(test_mapped_before)
{
	start();
	/* Written to while it is no table yet: then its mapping goes. */
	ck_assert_int_eq(shadow_fault(v, OTHER_PT, ACCESS_WRITE), SHADOW_FILLED);
	ck_assert(writable(OTHER_PT));
	memcpy(m->ram + OTHER_PT, m->ram + GUEST_PT, 4096);
	guest_poke(m, GUEST_PD + 4, OTHER_PT | ALL);
	ck_assert_int_eq(shadow_fault(v, 0x400000 + 0x20000, ACCESS_READ), SHADOW_FILLED);
	ck_assert(!stub_mapped(OTHER_PT, NULL, NULL));
	ck_assert_int_eq(shadow_fault(v, OTHER_PT, ACCESS_WRITE), SHADOW_EMULATE);
	ck_assert_uint_ne(sensitive[OTHER_PT >> 16], 0);
	/* Once nothing names it any more it is memory. */
	guest_poke(m, GUEST_PD + 4, 0);
	ck_assert_int_eq(shadow_fault(v, OTHER_PT, ACCESS_WRITE), SHADOW_FILLED);
	ck_assert(writable(OTHER_PT));
	ck_assert_uint_eq(t->table_traps, 1);
}
END_TEST

START_TEST(test_devices)
{
	start();
	guest_map(v, 0x20000, 0xfe000000 | ALL);
	guest_map(v, 0x21000, 0xb8000 | ALL);
	store(0x20010);
	trap(0x8b, 0x05, 0x20010); /* mov ADDRESS, %eax */
	ck_assert_uint_eq(v->gpr[R_EAX], 0xffffffff);
	ck_assert_uint_eq(counted(0, "absent", 0xfe000010, TRACE_STORE), 1);
	ck_assert_uint_eq(counted(0, "absent", 0xfe000010, TRACE_LOAD), 1);
	trap(0x01, 0x05, 0x20010); /* add: one access */
	ck_assert_uint_eq(counted(0, "absent", 0xfe000010, TRACE_UPDATE), 1);
	ck_assert_uint_eq(counted(0, "absent", 0xfe000010, TRACE_LOAD), 1);
	store(0x21100);
	ck_assert_uint_eq(counted(0, "vga", 0, TRACE_STORE), 1);
	ck_assert(!stub_mapped(0x21000, NULL, NULL));
	ck_assert_uint_eq(t->device_traps, 4);
}
END_TEST

START_TEST(test_user)
{
	start();
	/* Ring 3 is not counted, and nothing that it may write is a table. */
	v->cpl = 3;
	ck_assert_int_eq(shadow_fault(v, GUEST_PT, ACCESS_WRITE), SHADOW_FILLED);
	ck_assert_uint_eq(t->table_traps, 0);
	ck_assert_uint_eq(t->accesses, 0);
}
END_TEST

UNIT_MAIN("trace", test_tables, test_mapped_before, test_devices, test_user)

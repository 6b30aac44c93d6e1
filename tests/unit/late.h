/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that has loaded code: a machine with struct code, text in pages of its own, records. */
#ifndef TESTS_UNIT_LATE_H
#define TESTS_UNIT_LATE_H

#include "afterburner/format.h"
#include "afterburner/kinds.h"
#include "tests/unit/guest.h"
#include "wedge/core/code.h"
#include "wedge/stub/stub.h"

#include <stdlib.h>

#define LATE_RAM 0x400000u
#define LATE_WINDOW 0xf0000000u
#define LATE_ROOM 0x10000u

static inline struct machine *late_machine(void)
{
	struct machine *m = stub_machine(LATE_RAM);
	struct vcpu *v = &m->cpu;

	m->window = LATE_WINDOW;
	m->window_size = 0x400000;
	m->sites = calloc(CODE_SITES, sizeof(*m->sites));
	m->code = calloc(1, sizeof(*m->code));
	m->code->room = calloc(1, LATE_ROOM);
	m->code->room_at = LATE_WINDOW + 0x20000;
	m->code->room_size = LATE_ROOM;
	guest_flat(v, 0);
	guest_paging(v);
	shadow_reset(m);
	return m;
}

static inline void late_free(struct machine *m)
{
	free(m->code->room);
	free(m->code);
	stub_machine_free(m);
}

/* A record in RAM at `at`, which is linear and physical, of a slot. */
static inline void late_record(struct machine *m, uint32_t at, uint32_t slot, unsigned kind,
			       unsigned length)
{
	struct ab_record r = {
	    .place = (int64_t)((uint64_t)AB_MARK_PLACE << 32 | (uint32_t)(slot - at)),
	    .kind = (uint16_t)kind,
	    .insn_len = (uint8_t)length,
	    .slot_len = (uint8_t)length,
	    .flags = AB_F_CODE32,
	    .reserved = AB_MARK,
	};

	memcpy(m->ram + at, &r, sizeof(r));
}

#endif

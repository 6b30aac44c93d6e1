/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A vCPU in flat protected mode on a stub machine, and page tables for it. */
#ifndef TESTS_UNIT_GUEST_H
#define TESTS_UNIT_GUEST_H

#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"

#include <string.h>

#define FLAT_CODE 0x00cf9b000000ffffull
#define FLAT_DATA 0x00cf93000000ffffull

/* Flat segments for a privilege level; eip 0x1000, esp 0x8000. */
static inline void guest_flat(struct vcpu *v, unsigned cpl)
{
	uint64_t dpl = (uint64_t)cpl << 45;

	for (unsigned s = 0; s < NR_SEGS; s++)
		v->seg[s] = (struct segment){.sel = (uint16_t)(0x10 | cpl),
					     .limit = 0xffffffff,
					     .desc = FLAT_DATA | dpl,
					     .usable = true};
	v->seg[SEG_CS].sel = (uint16_t)(8 | cpl);
	v->seg[SEG_CS].desc = FLAT_CODE | dpl;
	v->cpl = (uint8_t)cpl;
	v->cr0 = CR0_PE | CR0_WP;
	v->eflags = FLAG_1;
	v->eip = 0x1000;
	v->gpr[R_ESP] = 0x8000;
}

static inline void guest_poke(struct machine *m, uint32_t phys, uint32_t value)
{
	memcpy(m->ram + phys, &value, sizeof(value));
}

static inline uint32_t guest_peek(const struct machine *m, uint32_t phys)
{
	uint32_t value;

	memcpy(&value, m->ram + phys, sizeof(value));
	return value;
}

/* 32-bit tables: the directory at GUEST_PD, one page table at GUEST_PT for linear 0 to 4 MiB. */
#define GUEST_PD 0x10000u
#define GUEST_PT 0x11000u

static inline void guest_paging(struct vcpu *v)
{
	guest_poke(v->machine, GUEST_PD, GUEST_PT | 7);
	v->cr3 = GUEST_PD;
	v->cr0 |= CR0_PG;
}

static inline void guest_map(struct vcpu *v, uint32_t linear, uint32_t entry)
{
	guest_poke(v->machine, GUEST_PT + (linear >> 12) * 4, entry);
}

#endif

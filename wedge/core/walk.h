/* SPDX-License-Identifier: MIT */
/* The guest's page tables, read and not judged: SDM vol. 3, 4.3 and 4.4. */
#ifndef WEDGE_CORE_WALK_H
#define WEDGE_CORE_WALK_H

#include "wedge/core/mmu.h"

/* Bits of paging-structure entries. */
#define PTE_P 0x1u
#define PTE_W 0x2u
#define PTE_U 0x4u
#define PTE_A 0x20u
#define PTE_D 0x40u
#define PTE_PS 0x80u
#define PTE_G 0x100u
#define PTE_NX (1ull << 63)

/* What a walk met. */
struct walk {
	unsigned levels; /* entries read, 0-2; the PDPTE registers do not count */
	struct {
		uint64_t at;    /* guest-physical */
		uint64_t value; /* as read */
	} entry[2];
	uint32_t error; /* PF_PRESENT and PF_RSVD of a failed walk */
	struct translation t;
};

/* Find the page of a linear address. False: no translation, w->error says why. No side effect. */
bool walk(const struct vcpu *v, uint32_t linear, struct walk *w);

/* The highest page below `below` that ring 3 may use; false if there is none. */
bool walk_highest_user(const struct vcpu *v, uint32_t below, uint32_t *linear);

/* Bytes that one entry of a page directory maps. */
static inline uint32_t walk_directory_span(const struct vcpu *v)
{
	return v->cr4 & CR4_PAE ? 0x200000u : 0x400000u;
}

/* Are no-execute bits in force? EFER.NXE matters with PAE tables only, SDM vol. 3, 4.6.1. */
static inline bool walk_nx(const struct vcpu *v)
{
	return (v->cr4 & CR4_PAE) && (v->msr.efer & (1u << 11));
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Profiling mode: which instructions of the kernel write to page tables or reach devices, and how
 * often. Page tables in use are mapped read-only, devices not at all, so each such access traps (or
 * comes by a call, of a memory site) and is emulated; on its way to memory it is counted.
 *
 * A page table is in use once a mapping was made by it, and until an access finds that the entry
 * that named it does so no more. It is slow: pages are mapped one by one, in one space.
 */
#ifndef WEDGE_CORE_TRACE_H
#define WEDGE_CORE_TRACE_H

#include "wedge/core/mmu.h"
#include "wedge/core/space.h"

#define TRACE_SITES 0x10000u
#define TRACE_VGA 0xa0000u /* memory of a display adapter: a device, if there is one or not */
#define TRACE_VGA_END 0xc0000u

enum trace_direction { TRACE_LOAD, TRACE_STORE, TRACE_UPDATE };

/* Accesses of one kind by one instruction. */
struct trace_site {
	uint64_t count;
	uint32_t address;        /* linear */
	uint32_t reg;            /* offset of the device's register */
	uint8_t level;           /* of the page table; 0: a device */
	uint8_t direction, size; /* size 0: nothing is here */
	char device[24];
};

/* A frame of RAM that holds a page table, and the physical address of the entry that names it. */
struct trace_table {
	uint32_t parent;
	uint8_t level; /* 0: none */
};

/* Zeroed memory that all processes of the monitor share, and who reads the counts at the end. */
struct trace {
	uint64_t accesses, table_traps, device_traps;
	uint64_t lost; /* accesses that found the table of sites full */
	uint32_t nr_sites;
	struct trace_site site[TRACE_SITES];
	/* What follows is trace.c's own. */
	uint32_t address; /* of the instruction being emulated, while `inside` */
	bool inside;
	struct trace_site *loaded; /* by this instruction, from loaded_phys; null: not counted */
	uint64_t loaded_phys;      /* UINT64_MAX: nothing */
	struct trace_table table[0xc0000]; /* by frame: 3 GiB */
	uint32_t frame[NR_PAGES];          /* which one a page is mapped to */
};

/* Around the emulation of one instruction. */
void trace_begin(struct vcpu *v);
void trace_end(struct vcpu *v);
/* An instruction accesses physical memory. */
void trace_access(struct vcpu *v, uint64_t phys, uint32_t size, bool write);

/* A host's page fault at linear, which the guest's tables allow: must the access be emulated? */
bool trace_stops(struct vcpu *v, uint32_t linear, enum access access, uint64_t phys);
/* A page is about to be mapped to phys: its rights without what would bypass the profile. False:
 * it must not be mapped. */
bool trace_map(struct vcpu *v, uint32_t linear, uint64_t phys, unsigned *rights);
/* The emulator does not know the instruction that writes there: true if it may run natively, as
 * the frame is given up. */
bool trace_release(struct vcpu *v, uint32_t linear);

#endif

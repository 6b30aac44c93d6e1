/* SPDX-License-Identifier: MIT */
/*
 * Code of ring 0 that the guest loads at run time: modules, what it generates.
 *
 * The image's own text was rewritten at load and is executable where it is linked. Other supervisor
 * pages are mapped without that right. The first fetch from one makes a region of it and of the
 * read-only pages around it: their records are looked up in memory, their slots rewritten, and they
 * stay executable and read-only, in every space, until something is written to one of them. Then
 *the region goes, with its sites: the slots get back what stood there, and the next fetch looks
 *anew.
 *
 *	frame	text of the image	executable where linked, writable as the guest says
 *		in a region		executable where it was scanned, never writable
 *		any other		not executable for ring 0, writable as the guest says
 *
 * Pages that ring 3 may use, and memory without paging, are not watched.
 */
#ifndef WEDGE_CORE_CODE_H
#define WEDGE_CORE_CODE_H

#include "wedge/core/machine.h"

#define CODE_FRAMES 0x100000u
#define CODE_REGIONS 1024u
#define CODE_SITES 32768u /* in all regions */
#define CODE_SLOT 24u     /* bytes; the pass makes none longer than 22 */

/* A stretch of something that regions have pieces of. */
struct code_block {
	uint32_t start, size;
};

struct code_region {
	uint32_t first, pages;         /* linear; 0 pages: none */
	uint32_t entered;              /* the page that was fetched from first */
	struct code_block sites;       /* in m->sites, behind those of the image, by address */
	struct code_block trampolines; /* bytes of the window's free room */
};

struct code {
	uint32_t
	    image[CODE_FRAMES]; /* the linear page at which a frame has text of the image, + 1 */
	uint32_t page[CODE_FRAMES]; /* the linear page of a region that a frame is, + 1 */
	struct code_region regions[CODE_REGIONS];
	uint32_t nr_regions;      /* none is in use from there on */
	struct {                  /* what stood in a slot, and where that is */
		uint32_t phys[2]; /* of its first byte, and of the next page */
		uint8_t bytes[CODE_SLOT];
	} slot[CODE_SITES];
	uint8_t *room; /* for trampolines */
	uint32_t room_at, room_size;
	bool keep_trapping;              /* --no-rewrite */
	uint32_t complaints, complained; /* how many, and where the last was */
};

/* Bytes of the image's text, at load. */
void code_add_image(struct machine *m, uint32_t linear, uint32_t phys, uint32_t size);
/* A new machine, or a reset: no regions. RAM is as it is. */
void code_reset(struct machine *m);

/* May a supervisor page be mapped executable as it is? */
bool code_executable(const struct machine *m, uint32_t linear, uint64_t phys);
/* Must a frame be mapped read-only? */
bool code_protected(const struct machine *m, uint64_t phys);
/* Ring 0 fetches from a page that is not executable yet: make it so. False: it cannot be, as the
 * instruction's other page is the same memory: to be emulated. */
bool code_enter(struct vcpu *v, uint32_t linear);
/* Guest RAM is about to change, by whatever hand: regions there go. */
void code_changed(struct machine *m, uint64_t phys, uint64_t size);
/* Does the instruction at eip write to the region that it is in? Then it is to be emulated, or it
 * would wait for the page to be executable and writable in turn for ever. */
bool code_writes_itself(const struct vcpu *v, uint64_t phys);
/* The site in a region whose slot holds a linear address, or null. */
struct site *code_site_at(struct machine *m, uint32_t linear);

/* Of code-scan.c: look up the records of a region, make its sites and rewrite their slots. The
 * region may grow by pages that slots reach into; code_claim makes room and marks its frames.
 * False: no room for its sites. */
bool code_scan(struct vcpu *v, struct code_region *a);
void code_claim(struct vcpu *v, const struct code_region *a);
/* A byte of a slot in RAM: the slot's number among those of all regions, its address, the offset.
 */
uint8_t *code_slot_byte(struct machine *m, uint32_t number, uint32_t slot, uint32_t offset);
/* The site of number i of a region. */
struct site *code_region_site(struct machine *m, const struct code_region *a, uint32_t i);
/* Read linear memory without side effects; false if not all of it is RAM. */
bool code_peek(const struct vcpu *v, uint32_t linear, void *out, uint32_t size);
/* The largest stretch of [0, room) in which no region has its block at this offset in the struct.
 */
struct code_block code_gap(const struct code *c, size_t block, uint32_t room);

#endif

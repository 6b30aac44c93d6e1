/* SPDX-License-Identifier: MIT */
/*
 * Spaces: which pages the platform has mapped, and from which entries of the guest's tables.
 *
 * A space is to one address space of the guest what a TLB is, but it outlives a mov to cr3: when
 * the guest comes back to the same tables, every mapping is compared with the entries that it was
 * made from, and what differs is dropped. That costs nanoseconds a page where a new fault costs
 * microseconds.
 *
 * Everything here works on the space whose mappings are in force, the only one a platform can
 * change.
 */
#ifndef WEDGE_CORE_SPACE_H
#define WEDGE_CORE_SPACE_H

#include "wedge/core/walk.h"

#define PAGE 0x1000u
#define NR_PAGES 0x100000u
#define CHUNK 0x400u /* pages: counted together, so that nobody looks where nothing is */
#define NR_CHUNKS (NR_PAGES / CHUNK)
#define GROUP 0x200u /* pages that share their upper entry in every paging mode */
#define NR_GROUPS (NR_PAGES / GROUP)

/* State of a page; 0: not mapped. */
#define S_MAPPED 0x1u
#define S_USER 0x2u
#define S_GLOBAL 0x4u
#define S_LARGE 0x8u /* from a large page: invalidated with its neighbours */
#define S_WP0 0x10u  /* writable only because ring 0 ignores R/W while CR0.WP is 0 */

struct chunk {
	uint16_t mapped, global, supervisor, wp0;
};

struct space {
	uint8_t page[NR_PAGES];
	struct chunk chunk[NR_CHUNKS];
	uint64_t local[NR_CHUNKS / 64]; /* bit: the chunk has mappings that are not global */
	uint32_t leaf[NR_PAGES];        /* the entry a page was mapped from (space.c, pack) */
	uint32_t upper[NR_GROUPS];      /* the entry above it */
	uint32_t root;                  /* which tables */
	uint32_t limit;            /* the user limit that supervisor_below counts to, in chunks */
	uint32_t supervisor_below; /* supervisor pages mapped below the limit */
	uint32_t wp0;
	uint32_t runs;         /* mappings made since all were dropped */
	uint32_t epoch;        /* everything of an older epoch is void */
	uint32_t global_epoch; /* global pages of an older one are to be compared, too */
	uint32_t seen;         /* how much of the log of single invalidations has been done here */
	uint64_t used;         /* when it was last in force, for recycling */
	bool stale;            /* cr3 was loaded: to be verified before it is in force again */
};

/* What to drop of a space. */
enum drop { DROP_ALL, DROP_SUPERVISOR, DROP_WP0, DROP_GLOBAL };

void space_set_state(struct space *s, uint32_t first, uint32_t pages, uint8_t state);
/* Drop what is of a kind in chunks first to end-1. */
void space_drop(struct machine *m, struct space *s, uint32_t first, uint32_t end, enum drop what);
/* Drop one page, or all of the large page that it belongs to. */
void space_drop_page(struct machine *m, struct space *s, uint32_t page);
/* Note the entries that `pages` mappings from page `first` on were made from; before they are made:
 * what stands under another upper entry goes. */
void space_record(struct vcpu *v, struct space *s, uint32_t first, uint32_t pages);
/* Drop every mapping that the guest's present tables would not give again; of the global ones only
 * if `global` says so, or CR4.PGE is clear. */
void space_verify(struct vcpu *v, struct space *s, bool global);
/* Count the supervisor pages below a user limit. */
void space_set_limit(struct space *s, uint32_t limit);

#endif

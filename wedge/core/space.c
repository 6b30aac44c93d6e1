/* SPDX-License-Identifier: MIT */
/* The bookkeeping of spaces: states, drops, and the comparison with the guest's tables. */
#include "wedge/core/space.h"
#include "wedge/platform.h"

static void count(struct space *s, uint32_t page, uint8_t state, int by)
{
	struct chunk *c = &s->chunk[page / CHUNK];

	if (!(state & S_MAPPED))
		return;
	c->mapped += by;
	if (state & S_GLOBAL)
		c->global += by;
	if (!(state & S_USER)) {
		c->supervisor += by;
		if (page / CHUNK < s->limit)
			s->supervisor_below += by;
	}
	if (state & S_WP0) {
		c->wp0 += by;
		s->wp0 += by;
	}
	if (c->mapped != c->global)
		s->local[page / CHUNK / 64] |= 1ull << page / CHUNK % 64;
	else
		s->local[page / CHUNK / 64] &= ~(1ull << page / CHUNK % 64);
}

void space_set_state(struct space *s, uint32_t first, uint32_t pages, uint8_t state)
{
	for (uint32_t p = first; p < first + pages; p++) {
		if (s->page[p] != state) {
			count(s, p, s->page[p], -1);
			count(s, p, state, 1);
			s->page[p] = state;
		}
	}
}

void space_set_limit(struct space *s, uint32_t limit)
{
	s->limit = limit;
	s->supervisor_below = 0;
	for (uint32_t i = 0; i < limit; i++)
		s->supervisor_below += s->chunk[i].supervisor;
}

/*
 * A run of pages to unmap, extended page by page in ascending order. Pages that are not mapped may
 * lie inside; pages to keep and the window end it.
 */
struct run {
	struct machine *m;
	struct space *s;
	uint32_t first, end;
	bool global; /* global pages, too */
};

static void run_close(struct run *r)
{
	if (r->end > r->first)
		platform_unmap(r->m, r->first * PAGE, r->end - r->first);
	r->first = r->end = 0;
}

static void run_extend(struct run *r, uint32_t page)
{
	uint32_t window = r->m->window / PAGE;

	if (r->end > r->first && r->end <= window && page >= window && r->m->window_size)
		run_close(r);
	if (r->end == r->first)
		r->first = page;
	r->end = page + 1;
	space_set_state(r->s, page, 1, 0);
}

static bool to_drop(enum drop what, uint8_t state)
{
	switch (what) {
	case DROP_SUPERVISOR:
		return !(state & S_USER);
	case DROP_WP0:
		return state & S_WP0;
	case DROP_GLOBAL:
		return state & S_GLOBAL;
	default:
		return true;
	}
}

static uint32_t count_to_drop(enum drop what, const struct chunk *c)
{
	switch (what) {
	case DROP_SUPERVISOR:
		return c->supervisor;
	case DROP_WP0:
		return c->wp0;
	case DROP_GLOBAL:
		return c->global;
	default:
		return c->mapped;
	}
}

void space_drop(struct machine *m, struct space *s, uint32_t first, uint32_t end, enum drop what)
{
	struct run r = {.m = m, .s = s};

	for (uint32_t i = first; i < end; i++) {
		const struct chunk *c = &s->chunk[i];

		if (!c->mapped)
			continue;
		if (!count_to_drop(what, c)) {
			run_close(&r);
			continue;
		}
		for (uint32_t p = i * CHUNK; p < (i + 1) * CHUNK; p++) {
			if (!(s->page[p] & S_MAPPED))
				continue;
			if (to_drop(what, s->page[p]))
				run_extend(&r, p);
			else
				run_close(&r);
		}
	}
	run_close(&r);
}

void space_drop_page(struct machine *m, struct space *s, uint32_t page)
{
	struct run r = {.m = m, .s = s};

	if (s->page[page] & S_LARGE) {
		uint32_t first = page & ~(CHUNK - 1);

		for (uint32_t p = first; p < first + CHUNK; p++) {
			if (s->page[p] & S_LARGE)
				run_extend(&r, p);
			else if (s->page[p])
				run_close(&r);
		}
	} else if (s->page[page]) {
		run_extend(&r, page);
		s->runs++; /* a hole may split a mapping */
	}
	run_close(&r);
}

/*
 * What of an entry decides about a mapping, in 32 bits: the frame (RAM ends below 4 GiB), the
 * rights, and for a leaf A, D and G, because a guest that clears A or D wants to see them set
 * again.
 */
static uint32_t pack(uint64_t entry, bool leaf)
{
	const uint32_t always = 0xfffff000u | PTE_P | PTE_W | PTE_U | PTE_PS;
	const uint32_t nx = entry & PTE_NX ? 0x200 : 0; /* a bit that is free for software */

	if (entry & ~PTE_NX & ~0xffffffffull)
		return 0;
	return ((uint32_t)entry & (always | (leaf ? PTE_A | PTE_D | PTE_G : 0))) | nx;
}

static bool upper_is_leaf(const struct vcpu *v, uint64_t entry)
{
	return (entry & PTE_PS) && (v->cr4 & (CR4_PSE | CR4_PAE));
}

/* The entry above a group; 0 where there is none. */
static uint64_t upper_entry(const struct vcpu *v, uint32_t group)
{
	struct walk w;

	walk(v, group * GROUP * PAGE, &w);
	return w.levels ? w.entry[0].value : 0;
}

static uint32_t pack_upper(const struct vcpu *v, uint64_t entry)
{
	return pack(entry, upper_is_leaf(v, entry));
}

/* The table that an upper entry names; null if it does not lie in RAM. */
static const uint8_t *table_of(const struct vcpu *v, uint64_t upper)
{
	uint64_t at = upper & 0xffffffffff000ull;

	return at + PAGE > v->machine->ram_size ? NULL : v->machine->ram + at;
}

static inline uint64_t entry_of(const uint8_t *table, bool pae, uint32_t page)
{
	return pae ? ((const uint64_t *)(const void *)table)[page % GROUP]
		   : ((const uint32_t *)(const void *)table)[page % CHUNK];
}

/* Drop the pages of a group whose entries are not what they were; table: null to drop them all. */
static void verify_group(struct vcpu *v, struct run *r, uint32_t group, const uint8_t *table)
{
	struct space *s = r->s;
	uint32_t first = group * GROUP;
	bool pae = v->cr4 & CR4_PAE;

	for (uint32_t p = first; p < first + GROUP; p++) {
		if (p % 8 == 0 && !*(const uint64_t *)(const void *)&s->page[p]) {
			p += 7;
			continue;
		}
		if (!(s->page[p] & S_MAPPED))
			continue;
		if (((s->page[p] & S_GLOBAL) && !r->global) ||
		    (table && s->leaf[p] == pack(entry_of(table, pae, p), true)))
			run_close(r);
		else
			run_extend(r, p);
	}
}

static bool group_empty(const struct space *s, uint32_t group)
{
	const uint64_t *state = (const uint64_t *)(const void *)&s->page[group * GROUP];

	for (unsigned i = 0; i < GROUP / 8; i++)
		if (state[i])
			return false;
	return true;
}

void space_record(struct vcpu *v, struct space *s, uint32_t first, uint32_t pages)
{
	/* A global page that stood under another entry would be compared with the wrong one. */
	struct run r = {.m = v->machine, .s = s, .global = true};

	if (!paging(v))
		return;
	for (uint32_t p = first; p < first + pages;) {
		uint32_t group = p / GROUP;
		uint64_t upper = upper_entry(v, group);
		uint32_t packed = pack_upper(v, upper);
		const uint8_t *table = upper_is_leaf(v, upper) ? NULL : table_of(v, upper);

		if (s->upper[group] != packed) {
			verify_group(v, &r, group, NULL);
			run_close(&r);
			s->upper[group] = packed;
		}
		for (; p < first + pages && p / GROUP == group; p++)
			if (table)
				s->leaf[p] = pack(entry_of(table, v->cr4 & CR4_PAE, p), true);
	}
}

static void verify_chunk(struct vcpu *v, struct space *s, uint32_t chunk, bool global)
{
	struct run r = {.m = v->machine, .s = s, .global = global};

	for (uint32_t group = 2 * chunk; group < 2 * chunk + 2; group++) {
		uint64_t upper = upper_entry(v, group);

		if (group_empty(s, group))
			continue;
		if (s->upper[group] != pack_upper(v, upper))
			verify_group(v, &r, group, NULL);
		else if (upper_is_leaf(v, upper))
			run_close(&r);
		else
			verify_group(v, &r, group, table_of(v, upper));
	}
	run_close(&r);
}

void space_verify(struct vcpu *v, struct space *s, bool global)
{
	if (!paging(v))
		return; /* linear is physical whatever cr3 says */
	if (global || !(v->cr4 & CR4_PGE)) {
		for (uint32_t i = 0; i < NR_CHUNKS; i++)
			if (s->chunk[i].mapped)
				verify_chunk(v, s, i, true);
		return;
	}
	for (unsigned i = 0; i < NR_CHUNKS / 64; i++)
		for (uint64_t left = s->local[i]; left; left &= left - 1)
			verify_chunk(v, s, i * 64 + (unsigned)__builtin_ctzll(left), false);
}

/* SPDX-License-Identifier: MIT */
/*
 * The shadow mappings: which pages the platform has mapped, kept as a TLB.
 *
 * One byte of state for each of the 2^20 linear pages, counted in chunks of 4 MiB so that a flush
 * looks only where there is something. A flush unmaps runs as long as possible: pages that are not
 * mapped may lie inside a run, only pages to keep and the window end it.
 *
 * Ring 3 and ring 0 share the mappings. What keeps ring 3 out of the kernel is the user limit, a
 * segment limit: above it anything may be mapped, below it no supervisor page while ring 3 runs.
 */
#include "wedge/core/walk.h"
#include "wedge/core/interrupt.h"
#include "wedge/platform.h"

#define PAGE 0x1000u
#define NR_PAGES 0x100000u
#define CHUNK 0x400u /* pages */
#define NR_CHUNKS (NR_PAGES / CHUNK)
/* Linux gives a process 65,530 mappings (vm.max_map_count); a new one inside an old splits it in
 * three. */
#define MAX_RUNS 30000u

/* State of a page; 0: not mapped. */
#define S_MAPPED 0x1u
#define S_USER 0x2u
#define S_GLOBAL 0x4u
#define S_LARGE 0x8u /* from a large page: invalidated with its neighbours */
#define S_WP0 0x10u  /* writable only because ring 0 ignores R/W while CR0.WP is 0 */

struct chunk {
	uint16_t mapped, global, supervisor, wp0;
};

static struct {
	uint8_t page[NR_PAGES];
	struct chunk chunk[NR_CHUNKS];
	uint32_t limit;            /* the user limit, in chunks; 0 before shadow_reset */
	bool limit_chosen;         /* from the guest's own tables */
	uint32_t supervisor_below; /* supervisor pages mapped below the limit */
	uint32_t wp0;
	uint32_t runs; /* mappings made and holes cut since all were dropped */
} shadow;

static void count(uint32_t page, uint8_t state, int by)
{
	struct chunk *c = &shadow.chunk[page / CHUNK];

	if (!(state & S_MAPPED))
		return;
	c->mapped += by;
	if (state & S_GLOBAL)
		c->global += by;
	if (!(state & S_USER)) {
		c->supervisor += by;
		if (page / CHUNK < shadow.limit)
			shadow.supervisor_below += by;
	}
	if (state & S_WP0) {
		c->wp0 += by;
		shadow.wp0 += by;
	}
}

static void set_state(uint32_t first, uint32_t pages, uint8_t state)
{
	for (uint32_t p = first; p < first + pages; p++) {
		if (shadow.page[p] != state) {
			count(p, shadow.page[p], -1);
			count(p, state, 1);
			shadow.page[p] = state;
		}
	}
}

/* A run of pages to unmap, extended page by page in ascending order. */
struct run {
	struct machine *m;
	uint32_t first, end;
};

static void run_close(struct run *r)
{
	if (r->end > r->first) {
		platform_unmap(r->m, r->first * PAGE, r->end - r->first);
		shadow.runs++; /* a hole may split a mapping */
	}
	r->first = r->end = 0;
}

/* Nothing of ours may be unmapped: a run does not reach across the window. */
static void run_extend(struct run *r, uint32_t page)
{
	uint32_t window = r->m->window / PAGE;

	if (r->end > r->first && r->end <= window && page >= window && r->m->window_size)
		run_close(r);
	if (r->end == r->first)
		r->first = page;
	r->end = page + 1;
	set_state(page, 1, 0);
}

enum drop { DROP_ALL, DROP_NOT_GLOBAL, DROP_SUPERVISOR, DROP_WP0 };

static bool to_drop(enum drop what, uint8_t state)
{
	switch (what) {
	case DROP_NOT_GLOBAL:
		return !(state & S_GLOBAL);
	case DROP_SUPERVISOR:
		return !(state & S_USER);
	case DROP_WP0:
		return state & S_WP0;
	default:
		return true;
	}
}

static uint32_t count_to_drop(enum drop what, const struct chunk *c)
{
	switch (what) {
	case DROP_NOT_GLOBAL:
		return c->mapped - c->global;
	case DROP_SUPERVISOR:
		return c->supervisor;
	case DROP_WP0:
		return c->wp0;
	default:
		return c->mapped;
	}
}

static void drop_in_chunk(struct run *r, uint32_t chunk, enum drop what)
{
	for (uint32_t p = chunk * CHUNK; p < (chunk + 1) * CHUNK; p++) {
		if (!(shadow.page[p] & S_MAPPED))
			continue;
		if (to_drop(what, shadow.page[p]))
			run_extend(r, p);
		else
			run_close(r);
	}
}

/* Drop what is of a kind, in the chunks below `end`. */
static void drop(struct machine *m, uint32_t end, enum drop what)
{
	struct run r = {.m = m};

	for (uint32_t i = 0; i < end; i++) {
		const struct chunk *c = &shadow.chunk[i];

		if (!c->mapped)
			continue;
		if (count_to_drop(what, c))
			drop_in_chunk(&r, i, what);
		else
			run_close(&r);
	}
	run_close(&r);
}

static void set_limit(struct machine *m, uint32_t limit)
{
	shadow.limit = limit;
	shadow.supervisor_below = 0;
	for (uint32_t i = 0; i < limit; i++)
		shadow.supervisor_below += shadow.chunk[i].supervisor;
	m->user_limit = limit * CHUNK * PAGE;
	platform_user_limit(m, m->user_limit);
}

/* The highest limit there can be: ring 3 must not reach the window. */
static uint32_t limit_maximum(const struct machine *m)
{
	uint32_t chunk = m->window / (CHUNK * PAGE);

	return chunk ? chunk : NR_CHUNKS - 1;
}

void shadow_reset(struct machine *m)
{
	drop(m, NR_CHUNKS, DROP_ALL);
	shadow.runs = 0;
	shadow.limit_chosen = false;
	set_limit(m, limit_maximum(m));
}

void shadow_flush(struct vcpu *v, bool global_too)
{
	drop(v->machine, NR_CHUNKS, global_too ? DROP_ALL : DROP_NOT_GLOBAL);
	if (global_too)
		shadow.runs = 0;
}

void shadow_flush_page(struct vcpu *v, uint32_t linear)
{
	uint32_t page = linear / PAGE;
	struct run r = {.m = v->machine};

	if (shadow.page[page] & S_LARGE) {
		uint32_t first = page & ~(CHUNK - 1);

		for (uint32_t p = first; p < first + CHUNK; p++) {
			if (shadow.page[p] & S_LARGE)
				run_extend(&r, p);
			else if (shadow.page[p])
				run_close(&r);
		}
	} else if (shadow.page[page]) {
		run_extend(&r, page);
	}
	run_close(&r);
}

/* A stretch of linear pages that one mapping serves. */
struct span {
	uint32_t first, pages; /* linear */
	uint32_t phys;
};

/* Cut a span to what RAM holds and to the side of the window where `page` lies. */
static void clip(const struct machine *m, uint32_t page, struct span *s)
{
	uint32_t window = m->window / PAGE, window_end = window + m->window_size / PAGE;
	uint32_t room = (m->ram_size - s->phys) / PAGE;

	if (s->pages > room)
		s->pages = room;
	if (m->window_size && s->first < window_end && s->first + s->pages > window) {
		if (page < window) {
			s->pages = window - s->first;
		} else {
			s->pages -= window_end - s->first;
			s->phys += (window_end - s->first) * PAGE;
			s->first = window_end;
		}
	}
}

/* The page, or all of a large page; without paging everything is as if in large pages. */
static struct span find_span(const struct vcpu *v, uint32_t linear, const struct translation *t)
{
	uint32_t bytes = t->large ? walk_directory_span(v) : PAGE;
	struct span s = {(linear & ~(bytes - 1)) / PAGE, bytes / PAGE,
			 (uint32_t)t->phys & ~(bytes - 1)};

	clip(v->machine, linear / PAGE, &s);
	return s;
}

static bool map_span(struct machine *m, const struct span *s, unsigned rights, uint8_t state)
{
	if (!platform_map(m, s->first * PAGE, s->phys, s->pages, rights))
		return false;
	set_state(s->first, s->pages, state);
	/* Replacing a part of an older mapping makes two more of it. */
	shadow.runs += s->pages == 1 ? 1 : 2;
	return true;
}

/* Map the span; if the host refuses its start (page 0), from the page in question on. */
static bool map_page(struct vcpu *v, uint32_t linear, const struct translation *t, bool wp0)
{
	struct span s = find_span(v, linear, t);
	uint32_t skip = linear / PAGE - s.first;
	unsigned rights = MAP_READ;
	uint8_t state = S_MAPPED;

	if ((t->writable && t->dirty) || wp0)
		rights |= MAP_WRITE;
	if (!t->nx)
		rights |= MAP_EXEC;
	if (t->user) {
		rights |= MAP_USER;
		state |= S_USER;
	}
	state |= (t->global ? S_GLOBAL : 0) | (t->large ? S_LARGE : 0) | (wp0 ? S_WP0 : 0);
	if (map_span(v->machine, &s, rights, state))
		return true;
	if (!skip)
		return false;
	s.first += skip;
	s.phys += skip * PAGE;
	s.pages -= skip;
	return map_span(v->machine, &s, rights, state);
}

static void check_window(struct vcpu *v, uint32_t linear)
{
	const struct machine *m = v->machine;

	if (linear - m->window < m->window_size)
		guest_unsupported(v,
				  "guest uses linear address 0x%08x, which lies in the window of "
				  "the wedge (0x%08x to 0x%08x); choose another with -window",
				  linear, m->window, m->window + (m->window_size - 1));
}

void shadow_reach(struct vcpu *v, uint32_t linear)
{
	struct machine *m = v->machine;
	uint32_t limit = linear / (CHUNK * PAGE) + 1;

	if (!shadow.limit)
		shadow_reset(m);
	if (limit <= shadow.limit || limit > limit_maximum(m))
		return;
	set_limit(m, limit);
	shadow.limit_chosen = true;
	drop(m, limit, DROP_SUPERVISOR);
}

enum shadow_result shadow_fault(struct vcpu *v, uint32_t linear, enum access access)
{
	struct machine *m = v->machine;
	struct translation t;
	bool wp0;

	if (!shadow.limit)
		shadow_reset(m);
	if (!mmu_translate(v, linear, access, v->cpl, &t))
		return SHADOW_FAULT;
	check_window(v, linear);
	if (t.phys >= m->ram_size)
		return SHADOW_EMULATE;
	if (v->cpl == 3 && linear >= m->user_limit)
		return SHADOW_EMULATE; /* mmu_translate could not raise the limit */
	if (shadow.runs >= MAX_RUNS)
		shadow_flush(v, true);
	wp0 = access == ACCESS_WRITE && !t.writable;
	return map_page(v, linear, &t, wp0) ? SHADOW_FILLED : SHADOW_EMULATE;
}

/*
 * At the first entry to ring 3 lower the limit to the end of what the guest's tables give to
 * ring 3. Kernels keep one split for all address spaces, so once is enough; what lies above and
 * turns out to be a user page later raises the limit again.
 */
static void choose_limit(struct vcpu *v)
{
	uint32_t maximum = limit_maximum(v->machine), highest;

	if (paging(v) && walk_highest_user(v, maximum * CHUNK * PAGE, &highest)) {
		set_limit(v->machine, highest / (CHUNK * PAGE) + 1);
		shadow.limit_chosen = true;
	}
}

void shadow_enter_user(struct vcpu *v)
{
	if (!shadow.limit)
		shadow_reset(v->machine);
	if (!shadow.limit_chosen)
		choose_limit(v);
	if (shadow.supervisor_below)
		drop(v->machine, shadow.limit, DROP_SUPERVISOR);
	if (shadow.wp0)
		drop(v->machine, NR_CHUNKS, DROP_WP0);
}

bool shadow_user_clean(const struct vcpu *v)
{
	(void)v;
	return shadow.limit_chosen && !shadow.supervisor_below && !shadow.wp0;
}

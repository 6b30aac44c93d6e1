/* SPDX-License-Identifier: MIT */
/*
 * The shadow mappings: faults fill them, the guest's invalidations drop them.
 *
 * Ring 3 and ring 0 share the mappings of a space. What keeps ring 3 out of the kernel is the user
 * limit, a segment limit: above it anything may be mapped, below it no supervisor page while ring 3
 * runs. On a platform that keeps ring 3 apart, each has mappings of its own, its view; that of ring
 * 3 is made of user pages only.
 */
#include "wedge/core/space.h"
#include "wedge/core/code.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/sensitive.h"
#include "wedge/core/trace.h"
#include "wedge/platform.h"

/* Linux gives a process 65,530 mappings (vm.max_map_count); a new one inside an old splits it in
 * three. */
#define MAX_RUNS 30000u
#define LOG_SIZE 256u

static struct {
	struct space *now; /* the space in force, as the ring that runs sees it */
	uint32_t index;    /* its number */
	uint32_t limit;    /* the user limit, in chunks; 0 before shadow_reset */
	bool limit_chosen; /* from the guest's own tables */
	bool expected;     /* ring 3 faulted at `expect` and will try again */
	uint32_t expect;
	uint32_t epoch;         /* counts what voids the mappings of all spaces */
	uint32_t global_epoch;  /* counts what concerns the global ones among them, too */
	uint32_t log[LOG_SIZE]; /* pages whose invalidation concerns every space; a ring */
	uint32_t logged;
	uint64_t clock;
} shadow;

static struct space only; /* for a platform that keeps one set of mappings */

static void set_limit(struct machine *m, uint32_t limit)
{
	shadow.limit = limit;
	space_set_limit(shadow.now, limit);
	m->user_limit = limit * CHUNK * PAGE;
	platform_user_limit(m, m->user_limit);
}

/* The highest limit there can be: ring 3 must not reach the window. */
static uint32_t limit_maximum(const struct machine *m)
{
	uint32_t chunk = m->window / (CHUNK * PAGE);

	return chunk ? chunk : NR_CHUNKS - 1;
}

static void drop_all(struct machine *m, struct space *s)
{
	space_drop(m, s, 0, NR_CHUNKS, DROP_ALL);
	s->runs = 0;
	s->epoch = shadow.epoch;
	s->global_epoch = shadow.global_epoch;
	s->seen = shadow.logged;
}

/* What the platform is told from now on concerns this ring's view of the space in force. */
static void choose_view(struct machine *m, bool user)
{
	m->user_view = user && m->user_spaces;
	shadow.now = &(m->user_view ? m->user_spaces : m->spaces)[shadow.index];
}

void shadow_reset(struct machine *m)
{
	if (!m->spaces) {
		m->spaces = &only;
		m->nr_spaces = 1;
	}
	shadow.index = m->space;
	choose_view(m, false);
	shadow.epoch++;
	drop_all(m, shadow.now);
	sensitive_reset(m);
	code_reset(m);
	shadow.limit_chosen = false;
	shadow.expected = false;
	set_limit(m, limit_maximum(m));
}

void shadow_flush(struct vcpu *v)
{
	shadow.epoch++;
	drop_all(v->machine, shadow.now);
}

/* Compare the view in force with the guest's tables if they may be others by now. */
static void verify(struct vcpu *v)
{
	bool global = shadow.now->global_epoch != shadow.global_epoch;

	if (!shadow.now->stale && !global)
		return;
	shadow.now->stale = false;
	shadow.now->global_epoch = shadow.global_epoch;
	space_verify(v, shadow.now, global);
}

void shadow_flush_global(struct vcpu *v)
{
	shadow.global_epoch++;
	verify(v);
}

/* The same space as the other ring sees it. */
static void drop_other_view(struct machine *m, uint32_t page)
{
	bool user = m->user_view;

	if (!m->user_spaces)
		return;
	choose_view(m, !user);
	space_drop_page(m, shadow.now, page);
	choose_view(m, user);
}

void shadow_flush_page(struct vcpu *v, uint32_t linear)
{
	struct machine *m = v->machine;
	uint32_t page = linear / PAGE;
	uint8_t state = shadow.now->page[page];

	/* Other spaces may have it too if it is global; what is not, they compare before they are
	 * used. */
	if (m->user_spaces)
		state |= m->user_spaces[shadow.index].page[page];
	if (page / CHUNK >= shadow.limit || (state & S_GLOBAL)) {
		shadow.log[shadow.logged++ % LOG_SIZE] = page;
		shadow.now->seen++;
	}
	space_drop_page(m, shadow.now, page);
	drop_other_view(m, page);
}

/* Which tables the guest uses, as a name for their space. */
static uint32_t root(const struct vcpu *v)
{
	if (!paging(v))
		return 0;
	return v->cr3 & (v->cr4 & CR4_PAE ? ~0x1fu : ~0xfffu);
}

/* The space of the present tables: the one that last served them, else the one longest unused. */
static uint32_t choose_space(const struct vcpu *v)
{
	struct machine *m = v->machine;
	uint32_t oldest = 0;

	for (uint32_t i = 0; i < m->nr_spaces; i++) {
		if (m->spaces[i].root == root(v) && m->spaces[i].used)
			return i;
		if (m->spaces[i].used < m->spaces[oldest].used)
			oldest = i;
	}
	return oldest;
}

void shadow_switch(struct vcpu *v)
{
	struct machine *m = v->machine;
	uint32_t space = m->nr_spaces > 1 ? choose_space(v) : m->space;

	m->space = space;
	m->spaces[space].root = root(v);
	m->spaces[space].used = ++shadow.clock;
	m->spaces[space].stale = true;
	if (m->user_spaces)
		m->user_spaces[space].stale = true;
	if (space == shadow.index)
		verify(v);
}

/* Do what was logged while the space was not in force. */
static void catch_up(struct machine *m, struct space *s)
{
	if (s->epoch != shadow.epoch) {
		drop_all(m, s);
	} else if (shadow.logged - s->seen > LOG_SIZE) {
		space_drop(m, s, 0, NR_CHUNKS, DROP_GLOBAL);
		s->seen = shadow.logged;
	}
	while (s->seen != shadow.logged)
		space_drop_page(m, s, shadow.log[s->seen++ % LOG_SIZE]);
}

/* A view comes into force: do to it what was done while it was not. */
static void enter_view(struct vcpu *v, bool user)
{
	choose_view(v->machine, user);
	catch_up(v->machine, shadow.now);
	verify(v);
	if (shadow.now->limit != shadow.limit)
		space_set_limit(shadow.now, shadow.limit);
}

void shadow_activate(struct vcpu *v)
{
	shadow.index = v->machine->space;
	enter_view(v, false);
	if (v->cpl == 3)
		shadow_enter_user(v);
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

/* How a page is to be mapped. wp0: writable for ring 0 only because CR0.WP is clear. */
struct mapping {
	unsigned rights;
	uint8_t state;
};

static struct mapping mapping_of(const struct machine *machine, uint32_t linear,
				 const struct translation *t, bool wp0)
{
	struct mapping m = {MAP_READ, S_MAPPED};

	if (((t->writable && t->dirty) || wp0) && !code_protected(machine, t->phys))
		m.rights |= MAP_WRITE;
	if (!t->nx && (t->user || code_executable(machine, linear, t->phys)))
		m.rights |= MAP_EXEC;
	if (t->user) {
		m.rights |= MAP_USER;
		m.state |= S_USER;
	}
	m.state |= (t->global ? S_GLOBAL : 0) | (t->large ? S_LARGE : 0) | (wp0 ? S_WP0 : 0);
	return m;
}

/*
 * May one host mapping serve a page beside the span, whose frame would be at phys? A CPU may load
 * translations that nobody asked for, if their A bit is set (SDM vol. 3, 4.10.2.3); it saves
 * faults.
 */
static bool joins(const struct vcpu *v, uint32_t page, uint64_t phys, const struct mapping *with)
{
	struct translation t;
	struct mapping m;

	if (shadow.now->page[page] || !mmu_peek(v, page * PAGE, &t) || !t.accessed || t.large ||
	    t.phys != phys || phys >= v->machine->ram_size)
		return false;
	m = mapping_of(v->machine, page * PAGE, &t, false);
	return m.rights == with->rights && m.state == with->state;
}

/* Extend a single page in both directions, as far as one directory entry reaches. */
static void extend(const struct vcpu *v, struct span *s, const struct mapping *with)
{
	uint32_t span = walk_directory_span(v) / PAGE;
	uint32_t low = s->first & ~(span - 1), high = low + span;

	while (s->first > low && s->phys && joins(v, s->first - 1, s->phys - PAGE, with)) {
		s->first--;
		s->phys -= PAGE;
		s->pages++;
	}
	while (s->first + s->pages < high &&
	       joins(v, s->first + s->pages, s->phys + s->pages * (uint64_t)PAGE, with))
		s->pages++;
}

/* Of a large page, what is code as the page in question is: text of the image is executable. */
static void same_code(const struct machine *m, uint32_t page, struct span *s)
{
	uint32_t phys = s->phys - s->first * PAGE, first = page, end = page + 1;
	bool exec = code_executable(m, page * PAGE, phys + page * PAGE);
	bool protect = code_protected(m, phys + page * PAGE);

	while (first > s->first &&
	       code_executable(m, (first - 1) * PAGE, phys + (first - 1) * PAGE) == exec &&
	       code_protected(m, phys + (first - 1) * PAGE) == protect)
		first--;
	while (end < s->first + s->pages &&
	       code_executable(m, end * PAGE, phys + end * PAGE) == exec &&
	       code_protected(m, phys + end * PAGE) == protect)
		end++;
	*s = (struct span){first, end - first, phys + first * PAGE};
}

/* The page and what goes with it: the rest of a large page, or neighbours. Without paging
 * everything is as if in large pages. */
static struct span find_span(const struct vcpu *v, uint32_t linear, const struct translation *t,
			     const struct mapping *with)
{
	uint32_t bytes = t->large ? walk_directory_span(v) : PAGE;
	struct span s = {(linear & ~(bytes - 1)) / PAGE, bytes / PAGE,
			 (uint32_t)t->phys & ~(bytes - 1)};

	if (v->machine->trace)
		return (struct span){linear / PAGE, 1, (uint32_t)t->phys & ~(PAGE - 1)};
	if (!t->large && !(with->state & S_WP0))
		extend(v, &s, with);
	if (t->large && !t->user && v->machine->code)
		same_code(v->machine, linear / PAGE, &s);
	clip(v->machine, linear / PAGE, &s);
	return s;
}

static bool map_span(struct machine *m, const struct span *s, const struct mapping *how)
{
	bool replaces = shadow.now->page[s->first] & S_MAPPED;

	if (!platform_map(m, s->first * PAGE, s->phys, s->pages, how->rights))
		return false;
	space_set_state(shadow.now, s->first, s->pages, how->state);
	/* Replacing a part of an older mapping makes two more of it. */
	shadow.now->runs += replaces || s->pages > 1 ? 2 : 1;
	return true;
}

/* Map the span; if the host refuses its start (page 0), from the page in question on. */
static bool map_page(struct vcpu *v, uint32_t linear, const struct translation *t, bool wp0)
{
	struct mapping how = mapping_of(v->machine, linear, t, wp0);
	struct span s = find_span(v, linear, t, &how);
	uint32_t skip = linear / PAGE - s.first;

	if (v->machine->trace && !trace_map(v, linear, t->phys, &how.rights))
		return false;
	space_record(v, shadow.now, s.first, s.pages);
	if (map_span(v->machine, &s, &how))
		return true;
	if (!skip)
		return false;
	s.first += skip;
	s.phys += skip * PAGE;
	s.pages -= skip;
	return map_span(v->machine, &s, &how);
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
	space_drop(m, shadow.now, 0, limit, DROP_SUPERVISOR);
}

/* There is nothing to map: instructions of the kernel that have a call do better to use it. */
static enum shadow_result emulated(const struct vcpu *v, uint32_t linear)
{
	if (v->cpl == 0)
		sensitive_mark(v->machine, linear);
	return SHADOW_EMULATE;
}

/* Code that the guest loaded is executable or writable, one at a time. False: emulate. */
static bool code_fault(struct vcpu *v, uint32_t linear, enum access access,
		       const struct translation *t)
{
	if (access == ACCESS_WRITE && code_protected(v->machine, t->phys)) {
		if (code_writes_itself(v, t->phys))
			return false;
		code_changed(v->machine, t->phys, 1);
	} else if (access == ACCESS_FETCH && v->cpl == 0 && !t->user &&
		   !code_executable(v->machine, linear, t->phys)) {
		return code_enter(v, linear);
	}
	return true;
}

enum shadow_result shadow_fault(struct vcpu *v, uint32_t linear, enum access access)
{
	struct machine *m = v->machine;
	struct translation t;
	bool wp0;

	if (!shadow.limit)
		shadow_reset(m);
	if (!mmu_translate(v, linear, access, v->cpl, &t)) {
		shadow.expected = v->cpl == 3;
		shadow.expect = linear;
		return SHADOW_FAULT;
	}
	check_window(v, linear);
	if (t.phys >= m->ram_size && !m->trace)
		return emulated(v, linear);
	if (m->trace && trace_stops(v, linear, access, t.phys))
		return emulated(v, linear);
	if (v->cpl == 3 && linear >= m->user_limit)
		return SHADOW_EMULATE; /* mmu_translate could not raise the limit */
	if (shadow.now->runs >= MAX_RUNS)
		shadow_flush(v);
	if (m->code && !code_fault(v, linear, access, &t))
		return SHADOW_EMULATE;
	wp0 = access == ACCESS_WRITE && !t.writable;
	if (map_page(v, linear, &t, wp0))
		return SHADOW_FILLED;
	if (!m->no_room)
		return emulated(v, linear);
	shadow_flush(v);
	if (map_page(v, linear, &t, wp0))
		return SHADOW_FILLED;
	platform_message("the host has no room for a mapping of the guest's memory: a higher limit "
			 "is needed (ulimit -v, vm.max_map_count)");
	platform_exit(m, WEDGE_EXIT_INTERNAL);
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

/*
 * Ring 3 comes back from a page fault: its handler has most likely made the page present and marked
 * it accessed. Then map it now and save the host's fault. The CPU, too, may fetch a translation
 * before its use.
 */
static void fill_expected(struct vcpu *v)
{
	struct walk w;
	bool accessed = true;

	if (!shadow.expected)
		return;
	shadow.expected = false;
	if (!walk(v, shadow.expect, &w) || !w.t.user || w.t.phys >= v->machine->ram_size ||
	    shadow.expect >= v->machine->user_limit)
		return;
	for (unsigned i = 0; i < w.levels; i++)
		accessed = accessed && (w.entry[i].value & PTE_A);
	if (accessed && shadow.now->runs < MAX_RUNS)
		map_page(v, shadow.expect, &w.t, false);
}

void shadow_enter_user(struct vcpu *v)
{
	if (!shadow.limit)
		shadow_reset(v->machine);
	if (!shadow.limit_chosen)
		choose_limit(v);
	if (v->machine->user_spaces)
		enter_view(v, true);
	if (shadow.now->supervisor_below)
		space_drop(v->machine, shadow.now, 0, shadow.limit, DROP_SUPERVISOR);
	if (shadow.now->wp0)
		space_drop(v->machine, shadow.now, 0, NR_CHUNKS, DROP_WP0);
	fill_expected(v);
}

void shadow_enter_kernel(struct vcpu *v)
{
	if (v->machine->user_spaces)
		enter_view(v, false);
}

bool shadow_user_clean(const struct vcpu *v)
{
	if (v->machine->user_spaces)
		return true;
	return shadow.limit_chosen && !shadow.now->supervisor_below && !shadow.now->wp0 &&
	       !shadow.expected;
}

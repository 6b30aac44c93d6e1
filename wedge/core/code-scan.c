/* SPDX-License-Identifier: MIT */
/*
 * The records of a region, found in memory by their marks. They are the guest's bytes, as wrong as
 * it likes: each is checked against the code before a slot is rewritten, as the loader does. What
 *is wrong is told and left as it is.
 *
 *	search		records near the region, each to a site	nothing is written
 *	order		by address; of two that overlap one goes
 *	emit		trampolines				into room that no slot refers to yet
 *	commit		the jumps into the slots
 *
 * A region without any record was not built with the toolchain. What of it traps is emulated; what
 * gives other values in ring 3 and does not trap is looked for and told.
 */
#include "afterburner/kinds.h"
#include "wedge/core/code.h"
#include "wedge/core/format.h"
#include "wedge/core/match.h"
#include "wedge/core/mmu.h"
#include "wedge/core/record.h"
#include "wedge/core/step.h"
#include "wedge/platform.h"
#include "wedge/stubs/trampoline.h"

#define PAGE 0x1000u
#define SEARCH_PAGES 2048u /* in each direction */
#define MAX_GROWTH 64u     /* each means to search again */
#define TRAMPOLINE_ALIGN 16u
#define MAX_COMPLAINTS 16u
#define ZEROES 16u /* that many end a section */

struct scan {
	struct vcpu *v;
	struct code_region *a;
	struct code_block free; /* room for sites */
	uint32_t count;         /* sites found */
	bool grown, full;
	uint32_t growth; /* pages so far */
};

/* One line, with the place of what is wrong and, if the guest's symbols tell, its name. */
static void __attribute__((format(printf, 3, 4)))
complain(struct machine *m, uint32_t where, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (m->code->complaints == MAX_COMPLAINTS)
		platform_message("more such code: not told any more");
	if (m->code->complaints++ >= MAX_COMPLAINTS)
		return;
	m->code->complained = where;
	va_start(ap, fmt);
	format_text_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	platform_message("code at %08x, which the guest loaded: %s", where, text);
}

static struct site *new_site(const struct scan *s)
{
	return &s->v->machine->sites[s->v->machine->nr_sites + s->free.start + s->count];
}

/* Where the bytes of a slot are in RAM, and what they are. False: not in memory that is executed
 * there. */
static bool note_slot(const struct scan *s, uint32_t slot, uint32_t size)
{
	struct code *c = s->v->machine->code;
	uint32_t number = s->free.start + s->count;
	struct translation t;

	if (!code_peek(s->v, slot, c->slot[number].bytes, size) || !mmu_peek(s->v, slot, &t))
		return false;
	if (!code_executable(s->v->machine, slot, t.phys))
		return false;
	c->slot[number].phys[0] = (uint32_t)t.phys;
	if (!mmu_peek(s->v, slot + size - 1, &t))
		return false;
	c->slot[number].phys[1] = (uint32_t)t.phys & ~(PAGE - 1);
	return code_executable(s->v->machine, slot + size - 1, t.phys);
}

/* Supervisor memory in RAM that nobody else has rewritten. */
static bool may_hold_code(const struct vcpu *v, uint32_t linear)
{
	struct translation t;

	return mmu_peek(v, linear, &t) && !t.user && t.phys < v->machine->ram_size &&
	       (code_protected(v->machine, t.phys) || !code_executable(v->machine, linear, t.phys));
}

/* Make the region hold a slot that reaches out of it. */
static bool grow(struct scan *s, uint32_t slot, uint32_t size)
{
	struct code_region *a = s->a;

	if (s->growth++ == MAX_GROWTH || !may_hold_code(s->v, slot) ||
	    !may_hold_code(s->v, slot + size - 1))
		return false;
	if (slot / PAGE < a->first) {
		a->first--;
		a->pages++;
	}
	if ((slot + size - 1) / PAGE >= a->first + a->pages)
		a->pages++;
	s->grown = true;
	return true;
}

/* What is wrong with the record of a slot that lies in the region; null: it is a site now. */
static const char *add_site(struct scan *s, const struct ab_record *r, uint32_t slot)
{
	const struct code *c = s->v->machine->code;
	struct site *site = new_site(s);
	const char *why = record_check(r);

	if (why)
		return why;
	if (r->slot_len > CODE_SLOT)
		return "slot is too long";
	if (s->count == s->free.size) {
		s->full = true;
		return NULL;
	}
	if (!note_slot(s, slot, r->slot_len))
		return "slot is not in memory";
	*site = (struct site){.slot = slot};
	why = record_decode(r, c->slot[s->free.start + s->count].bytes, site);
	if (!why)
		s->count++;
	return why;
}

/* A mark at a linear address: a record, if all of it is there. */
static void consider(struct scan *s, uint32_t mark)
{
	const struct code_region *a = s->a;
	struct ab_record r;
	uint32_t slot;
	uint64_t end;
	const char *why;

	if (!code_peek(s->v, mark - 4, &r, sizeof(r)) || r.reserved != AB_MARK)
		return;
	slot = mark - 4 + (uint32_t)r.place;
	end = (uint64_t)slot + r.slot_len;
	if (end <= (uint64_t)a->first * PAGE || slot >= (uint64_t)(a->first + a->pages) * PAGE)
		return;
	if (slot / PAGE < a->first || end > (uint64_t)(a->first + a->pages) * PAGE)
		why = end <= 1ull << 32 && r.slot_len <= CODE_SLOT && grow(s, slot, r.slot_len)
			  ? NULL
			  : "slot reaches out of the code";
	else
		why = add_site(s, &r, slot);
	if (why)
		complain(s->v->machine, slot, "its record at %08x (%s): %s; left as it is",
			 mark - 4, ab_kind_name(r.kind), why);
}

static void search_page(struct scan *s, uint32_t page)
{
	struct translation t;
	const uint8_t *p;

	if (!mmu_peek(s->v, page * PAGE, &t))
		return;
	p = s->v->machine->ram + t.phys;
	for (uint32_t i = 0; i < PAGE && !s->grown; i += 8) {
		uint64_t words;

		__builtin_memcpy(&words, p + i, sizeof(words));
		if ((uint32_t)words == AB_MARK_PLACE)
			consider(s, page * PAGE + i);
		if (words >> 32 == AB_MARK_PLACE)
			consider(s, page * PAGE + i + 4);
	}
}

/* Records stand in the same mapping as their code: no further than pages without a gap. A region of
 * read-only pages holds its own, as they are read-only too. */
static bool in_mapping(const struct vcpu *v, uint32_t page)
{
	struct translation t;

	return mmu_peek(v, page * PAGE, &t) && !t.user && t.phys < v->machine->ram_size;
}

static void search(struct scan *s)
{
	uint32_t first = s->a->first, end = first + s->a->pages, near;
	struct translation t;

	s->count = 0;
	s->grown = s->full = false;
	if (!mmu_peek(s->v, first * PAGE, &t))
		return;
	near = t.writable ? SEARCH_PAGES : 0;
	for (uint32_t n = 0; n < near && first && in_mapping(s->v, first - 1); n++)
		first--;
	for (uint32_t n = 0; n < near && end < CODE_FRAMES && in_mapping(s->v, end); n++)
		end++;
	for (uint32_t p = first; p < end && !s->grown && !s->full; p++)
		search_page(s, p);
}

static void swap_sites(struct machine *m, uint32_t a, uint32_t b)
{
	struct site site = m->sites[m->nr_sites + a];
	struct code *c = m->code;

	m->sites[m->nr_sites + a] = m->sites[m->nr_sites + b];
	m->sites[m->nr_sites + b] = site;
	__typeof__(c->slot[0]) slot = c->slot[a];
	c->slot[a] = c->slot[b];
	c->slot[b] = slot;
}

/* Shell's sort: records come by object and section, mostly in order. */
static void sort(struct machine *m, uint32_t start, uint32_t count)
{
	const struct site *sites = m->sites + m->nr_sites;

	for (uint32_t gap = count / 2; gap; gap /= 2)
		for (uint32_t i = start + gap; i < start + count; i++)
			for (uint32_t k = i;
			     k >= start + gap && sites[k - gap].slot > sites[k].slot; k -= gap)
				swap_sites(m, k - gap, k);
}

/* Of sites that overlap the first stays. */
static void order(struct scan *s)
{
	struct machine *m = s->v->machine;
	uint32_t kept = 0, start = s->free.start;

	sort(m, start, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct site *site = &m->sites[m->nr_sites + start + i], *last = site - 1;

		if (kept)
			last = &m->sites[m->nr_sites + start + kept - 1];
		if (kept && site->slot - last->slot < last->slot_len) {
			complain(m, site->slot, "its slot overlaps that at %08x; left as it is",
				 last->slot);
			continue;
		}
		if (kept != i)
			swap_sites(m, start + kept, start + i);
		kept++;
	}
	s->count = kept;
}

/* Right as it is: ring 3's own, or what traps. */
static bool stays_native(const struct machine *m, const struct site *s)
{
	return (s->flags & AB_F_USER) ||
	       (m->code->keep_trapping && ab_kind_info[s->kind].ring3 == AB_RING3_TRAPS);
}

/* False: no room. */
static bool emit(struct scan *s)
{
	struct machine *m = s->v->machine;
	struct code *c = m->code;
	struct code_block room =
	    code_gap(c, offsetof(struct code_region, trampolines), c->room_size / TRAMPOLINE_ALIGN);
	uint32_t start = room.start * TRAMPOLINE_ALIGN, size = room.size * TRAMPOLINE_ALIGN,
		 used = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		struct site *site = code_region_site(m, s->a, i);
		uint32_t id = m->nr_sites + s->a->sites.start + i;
		const char *why = "cannot be rewritten";
		size_t length = 0;

		if (stays_native(m, site))
			continue;
		if (size - used < TRAMPOLINE_MAX)
			return false;
		switch (trampoline_emit(m, site, id, c->room_at + start + used,
					c->room + start + used, &length, &why)) {
		case TRAMPOLINE_EMITTED:
			site->rewritten = true;
			used += (uint32_t)(length + TRAMPOLINE_ALIGN - 1) & ~(TRAMPOLINE_ALIGN - 1);
			break;
		case TRAMPOLINE_BAD:
			complain(m, site->slot, "%s; left as it is", why);
			break;
		case TRAMPOLINE_KEEP:
			break;
		}
	}
	s->a->trampolines = (struct code_block){room.start, used / TRAMPOLINE_ALIGN};
	return true;
}

static void commit(struct machine *m, const struct code_region *a)
{
	for (uint32_t i = 0; i < a->sites.size; i++) {
		const struct site *s = code_region_site(m, a, i);
		uint8_t patch[CODE_SLOT];

		if (!s->rewritten)
			continue;
		for (uint32_t k = 0, n = trampoline_patch(s, patch); k < n; k++)
			*code_slot_byte(m, a->sites.start + i, s->slot, k) = patch[k];
	}
}

/* Does it give other values in ring 3 without a trap? The kind, or 0. */
static unsigned silent_kind(const struct insn *in)
{
	for (unsigned k = AB_KIND_NONE + 1; k < AB_NR_KINDS; k++)
		if (ab_kind_info[k].ring3 == AB_RING3_SILENT &&
		    (ab_kind_info[k].isas & AB_ISAS_I386) && instruction_is(in, k))
			return k;
	return 0;
}

/* Is there nothing from here on? */
static bool is_end(const uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* The first instruction of the stretch was found: true if the user has heard of it. */
static bool tell_silent(struct machine *m, uint32_t at, const struct insn *in)
{
	unsigned kind = silent_kind(in);

	if (kind && m->code->complained != at) /* else the same page, entered again */
		complain(m, at,
			 "%s, and no record of it: not built with afterburn cc? Values are the "
			 "host's there, and interrupts may stay as they are",
			 ab_kind_name(kind));
	return kind;
}

/*
 * Read on from an address: one instruction behind the other, until something is none or the section
 * ends. Functions stand side by side, so this meets most of them. Returns where it stopped; 0: the
 * user knows.
 */
static uint64_t look(struct vcpu *v, const struct code_region *a, uint32_t from)
{
	uint64_t at, end = (uint64_t)(a->first + a->pages) * PAGE;
	uint8_t bytes[ZEROES];
	struct insn in;

	for (at = from; at < end; at += in.length) {
		uint32_t size = end - at < ZEROES ? (uint32_t)(end - at) : ZEROES;

		if (!code_peek(v, (uint32_t)at, bytes, size) || is_end(bytes, size) ||
		    !insn_decode(bytes, size < 15 ? size : 15, &in))
			break;
		if (tell_silent(v->machine, (uint32_t)at, &in))
			return 0;
	}
	return at;
}

/* From the start of the mapping, if that is in the region; surely from what is executed now. */
static void look_everywhere(struct vcpu *v, const struct code_region *a)
{
	uint32_t start = a->first * PAGE, eip = linear_eip(v);
	uint64_t stop = start;

	if (eip / PAGE - a->first >= a->pages)
		eip = start;
	if (!a->first || !in_mapping(v, a->first - 1))
		stop = look(v, a, start);
	if (stop && stop <= eip)
		look(v, a, eip);
}

bool code_scan(struct vcpu *v, struct code_region *a)
{
	struct code *c = v->machine->code;
	struct scan s = {.v = v, .a = a};

	do {
		code_claim(v, a);
		a->sites = (struct code_block){0, 0};
		s.free = code_gap(c, offsetof(struct code_region, sites), CODE_SITES);
		search(&s);
	} while (s.grown);
	if (s.full)
		return false;
	order(&s);
	a->sites = (struct code_block){s.free.start, s.count};
	if (!s.count)
		look_everywhere(v, a);
	if (!emit(&s)) {
		a->sites.size = 0;
		return false;
	}
	commit(v->machine, a);
	return true;
}

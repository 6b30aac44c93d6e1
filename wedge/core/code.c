/* SPDX-License-Identifier: MIT */
/* Which frames ring 0 may execute, and the regions of what the guest loaded: see code.h. */
#include "wedge/core/code.h"
#include "wedge/core/mmu.h"
#include "wedge/core/access.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/step.h"
#include "wedge/stubs/trampoline.h"

#define PAGE 0x1000u
#define MAX_PAGES 4096u /* of a region */
#define INSN_MAX 15u

static uint32_t frame_of(uint64_t phys)
{
	return (uint32_t)(phys / PAGE) % CODE_FRAMES;
}

void code_add_image(struct machine *m, uint32_t linear, uint32_t phys, uint32_t size)
{
	for (uint32_t at = 0; m->code && at < size + phys % PAGE; at += PAGE)
		m->code->image[frame_of(phys + at)] = (linear + at) / PAGE + 1;
}

/* Where text of the image was rewritten for: its own address, or before paging the physical one. */
static bool is_image(const struct code *c, uint32_t linear, uint64_t phys)
{
	uint32_t page = c->image[frame_of(phys)];

	return page && (page - 1 == linear / PAGE || linear / PAGE == phys / PAGE);
}

bool code_executable(const struct machine *m, uint32_t linear, uint64_t phys)
{
	const struct code *c = m->code;

	if (!c || phys >= m->ram_size)
		return true;
	return c->page[frame_of(phys)] == linear / PAGE + 1 || is_image(c, linear, phys);
}

bool code_protected(const struct machine *m, uint64_t phys)
{
	return m->code && phys < m->ram_size && m->code->page[frame_of(phys)];
}

bool code_peek(const struct vcpu *v, uint32_t linear, void *out, uint32_t size)
{
	uint8_t *to = out;

	while (size) {
		uint32_t room = PAGE - linear % PAGE, n = size < room ? size : room;
		struct translation t;

		if (!mmu_peek(v, linear, &t) || t.phys >= v->machine->ram_size)
			return false;
		copy_bytes(to, v->machine->ram + t.phys, n);
		linear += n;
		to += n;
		size -= n;
	}
	return true;
}

/* The region of a linear page, or null. */
static struct code_region *region_of(struct code *c, uint32_t page)
{
	for (uint32_t i = 0; i < c->nr_regions; i++)
		if (page - c->regions[i].first < c->regions[i].pages)
			return &c->regions[i];
	return NULL;
}

struct site *code_region_site(struct machine *m, const struct code_region *a, uint32_t i)
{
	return &m->sites[m->nr_sites + a->sites.start + i];
}

uint8_t *code_slot_byte(struct machine *m, uint32_t number, uint32_t slot, uint32_t offset)
{
	uint32_t first = PAGE - slot % PAGE, *phys = m->code->slot[number].phys;

	return m->ram + (offset < first ? phys[0] + offset : phys[1] + offset - first);
}

/* Give a slot back what stood there, unless something else stands there by now. */
static void restore(struct machine *m, uint32_t number, struct site *s)
{
	uint8_t patch[CODE_SLOT];
	uint32_t length = trampoline_patch(s, patch);

	for (uint32_t i = 0; i < length; i++)
		if (*code_slot_byte(m, number, s->slot, i) != patch[i])
			return;
	for (uint32_t i = 0; i < length; i++)
		*code_slot_byte(m, number, s->slot, i) = m->code->slot[number].bytes[i];
}

/* Sites keep their instruction: the one that is being emulated may be among them. */
static void drop_region(struct machine *m, struct code_region *a)
{
	struct code *c = m->code;

	for (uint32_t i = 0; i < a->sites.size; i++) {
		struct site *s = code_region_site(m, a, i);

		if (s->rewritten)
			restore(m, a->sites.start + i, s);
		s->rewritten = false;
		s->trampoline = 0;
	}
	for (uint32_t f = 0; f < m->ram_size / PAGE; f++)
		if (c->page[f] && c->page[f] - 1 - a->first < a->pages)
			c->page[f] = 0;
	*a = (struct code_region){0};
	while (c->nr_regions && !c->regions[c->nr_regions - 1].pages)
		c->nr_regions--;
	m->nr_late = 0;
	for (uint32_t i = 0; i < c->nr_regions; i++)
		if (m->nr_late < c->regions[i].sites.start + c->regions[i].sites.size)
			m->nr_late = c->regions[i].sites.start + c->regions[i].sites.size;
}

void code_reset(struct machine *m)
{
	struct code *c = m->code;

	if (!c)
		return;
	for (uint32_t f = 0; c->nr_regions && f < m->ram_size / PAGE; f++)
		c->page[f] = 0;
	for (uint32_t i = 0; i < c->nr_regions; i++)
		c->regions[i] = (struct code_region){0};
	c->nr_regions = m->nr_late = 0;
}

static void drop_all(struct machine *m)
{
	for (uint32_t i = m->code->nr_regions; i-- > 0;)
		if (i < m->code->nr_regions && m->code->regions[i].pages)
			drop_region(m, &m->code->regions[i]);
}

void code_changed(struct machine *m, uint64_t phys, uint64_t size)
{
	bool dropped = false;

	for (uint64_t at = phys & ~(uint64_t)(PAGE - 1); at < phys + size; at += PAGE)
		if (code_protected(m, at)) {
			drop_region(m, region_of(m->code, m->code->page[frame_of(at)] - 1));
			dropped = true;
		}
	if (dropped)
		shadow_flush(&m->cpu); /* nothing of it stays executable, in no space */
}

bool code_writes_itself(const struct vcpu *v, uint64_t phys)
{
	struct code *c = v->machine->code;
	struct code_region *a = region_of(c, c->page[frame_of(phys)] - 1);
	uint32_t eip = linear_eip(v);

	return v->cpl == 0 &&
	       (region_of(c, eip / PAGE) == a || region_of(c, (eip + INSN_MAX - 1) / PAGE) == a);
}

static void mark(struct vcpu *v, uint32_t page)
{
	struct translation t;

	if (mmu_peek(v, page * PAGE, &t) && t.phys < v->machine->ram_size)
		v->machine->code->page[frame_of(t.phys)] = page + 1;
}

/* The regions that stand where a new one is to be, in linear or in physical memory. */
void code_claim(struct vcpu *v, const struct code_region *a)
{
	struct machine *m = v->machine;
	struct code_region *old;
	struct translation t;

	for (uint32_t p = a->first; p < a->first + a->pages; p++) {
		old = region_of(m->code, p);
		if (old && old != a)
			drop_region(m, old);
		if (!mmu_peek(v, p * PAGE, &t) || !code_protected(m, t.phys))
			continue;
		old = region_of(m->code, m->code->page[frame_of(t.phys)] - 1);
		if (old && old != a)
			drop_region(m, old);
	}
	for (uint32_t p = a->first; p < a->first + a->pages; p++)
		mark(v, p);
	mark(v, a->entered); /* whatever else shows the same frame */
}

/* Does a page go with the read-only one that is fetched from? */
static bool alike(struct vcpu *v, uint32_t page)
{
	struct code *c = v->machine->code;
	struct translation t;

	return mmu_peek(v, page * PAGE, &t) && !t.user && !t.nx && !t.writable &&
	       t.phys < v->machine->ram_size && !is_image(c, page * PAGE, t.phys) &&
	       !region_of(c, page);
}

static struct code_region extent(struct vcpu *v, uint32_t page)
{
	struct code_region a = {.first = page, .pages = 1, .entered = page};
	struct translation t;

	if (!mmu_peek(v, page * PAGE, &t) || t.writable)
		return a;
	while (a.pages < MAX_PAGES && a.first && alike(v, a.first - 1)) {
		a.first--;
		a.pages++;
	}
	while (a.pages < MAX_PAGES && a.first + a.pages < CODE_FRAMES &&
	       alike(v, a.first + a.pages))
		a.pages++;
	return a;
}

static struct code_region *free_region(struct machine *m)
{
	struct code *c = m->code;

	for (uint32_t i = 0; i < CODE_REGIONS; i++)
		if (!c->regions[i].pages) {
			if (i >= c->nr_regions)
				c->nr_regions = i + 1;
			return &c->regions[i];
		}
	drop_all(m);
	c->nr_regions = 1;
	return &c->regions[0];
}

/* A region is known to the others from the start, so that what is claimed while it grows spares it.
 */
static bool scan(struct vcpu *v, uint32_t page)
{
	struct code_region *a = free_region(v->machine);

	*a = extent(v, page);
	if (!code_scan(v, a)) {
		drop_region(v->machine, a);
		return false;
	}
	if (v->machine->nr_late < a->sites.start + a->sites.size)
		v->machine->nr_late = a->sites.start + a->sites.size;
	return true;
}

/* Does the instruction at eip cross from one page to another that shows the same frame? */
static bool crosses_itself(const struct vcpu *v, uint32_t linear)
{
	struct translation a, b;

	return linear_eip(v) / PAGE != linear / PAGE && mmu_peek(v, linear_eip(v), &a) &&
	       mmu_peek(v, linear, &b) && a.phys / PAGE == b.phys / PAGE;
}

bool code_enter(struct vcpu *v, uint32_t linear)
{
	struct machine *m = v->machine;
	struct code_region *old = region_of(m->code, linear / PAGE);

	if (crosses_itself(v, linear))
		return false;
	if (old)
		drop_region(m, old); /* other frames are mapped there by now */
	if (!scan(v, linear / PAGE)) {
		drop_all(m);
		if (!scan(v, linear / PAGE))
			guest_unsupported(
			    v,
			    "code at %08x, which the guest loaded, has more sites than "
			    "there is room for (%u, and %u bytes of trampolines)",
			    linear, CODE_SITES, m->code->room_size);
	}
	shadow_flush(v); /* nothing of it stays writable, in no space */
	return true;
}

struct site *code_site_at(struct machine *m, uint32_t linear)
{
	uint32_t low = 0, high;
	struct code_region *a;
	struct translation t;
	struct site *s;

	if (!m->nr_late || !(a = region_of(m->code, linear / PAGE)) ||
	    !mmu_peek(&m->cpu, linear, &t) || t.phys >= m->ram_size ||
	    m->code->page[frame_of(t.phys)] != linear / PAGE + 1)
		return NULL;
	high = a->sites.size;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (code_region_site(m, a, middle)->slot <= linear)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	s = code_region_site(m, a, low - 1);
	return linear - s->slot < s->slot_len ? s : NULL;
}

struct code_block code_gap(const struct code *c, size_t block, uint32_t room)
{
	struct code_block best = {0, 0};

	/* A gap starts at 0 or where a block ends, and ends where the next one starts. */
	for (uint32_t i = 0; i <= c->nr_regions; i++) {
		const struct code_block *from = NULL, *b;
		uint32_t start = 0, end = room;

		if (i < c->nr_regions) {
			from =
			    (const struct code_block *)(const void *)((const char *)&c->regions[i] +
								      block);
			start = from->start + from->size;
		}
		for (uint32_t k = 0; k < c->nr_regions; k++) {
			b = (const struct code_block *)(const void *)((const char *)&c->regions[k] +
								      block);
			if (b->size && b->start + b->size > start && b->start < end)
				end = b->start > start ? b->start : start;
		}
		if (end - start > best.size)
			best = (struct code_block){start, end - start};
	}
	return best;
}

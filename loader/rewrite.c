/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plan, check, commit.
 *
 *  as built (the pass, afterburner/)        after loading
 *
 *  slot: ec          in (%dx), %al          slot: e9 rel32      jmp trampoline    trampoline_patch
 *        0f 1f 40 00 nopl 0(%eax)           (longer slots:)  cc int3 ...          trampoline_patch
 *  next: ...                                next: ...
 *                                              ^
 *                                              |     window (wedge/stubs/, one copy a site)
 *                                              |   trampoline: ...                trampoline_emit
 *                                              +------------   jmp next           trampoline_emit
 *
 *  padded by prefixes:  2e 2e 2e 2e 9c  pushf      the same jump over all of it
 *
 *  padded before the instruction (int, and what must stay next to its successor):
 *
 *  slot: 0f 1f 80 00 00 00 00  nopl         slot: e9 rel32 cc.. jmp trampoline    trampoline_patch
 *        cd 80                 int $0x80          cd 80         int $0x80         the pass; kept
 *  next: ...
 *
 * There a jump may land on the instruction itself (a system-call restart does), so its bytes stay
 * where the jump does not cover them; it then traps, and the wedge emulates it. Elsewhere int3
 * makes a jump into the slot, which `afterburn check` has excluded, stop with a report.
 *
 * The plan reads the file's bytes and writes into the window, which no guest byte refers to yet.
 * Only when every site has its trampoline does the commit write into guest RAM: it cannot fail.
 */
#include "loader/rewrite.h"

#include "afterburner/format.h"
#include "afterburner/kinds.h"
#include "loader/message.h"
#include "loader/sites.h"
#include "wedge/stubs/trampoline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALIGN 16u /* of a trampoline: the fetch block of today's CPUs */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * Before the guest turns paging on, code linked high runs at its physical address: the jump is
 * relative, so it arrives at the trampoline less this difference. The platform maps the window
 * there.
 */
static bool note_alias(const struct image *img, struct machine *m, const struct load_segment *seg)
{
	uint32_t delta = seg->vaddr - seg->paddr;

	if (delta == 0)
		return true;
	for (unsigned i = 0; i < m->nr_aliases; i++)
		if (m->alias_delta[i] == delta)
			return true;
	if (m->nr_aliases == MACHINE_MAX_ALIASES)
		return refuse(img->path,
			      "segment at 0x%x: more than %u differences between linear "
			      "and physical addresses",
			      seg->vaddr, MACHINE_MAX_ALIASES);
	m->alias_delta[m->nr_aliases++] = delta;
	return true;
}

/*
 * Sites whose native instruction stays. Linux copies .altinstr_replacement over other code at run
 * time, where a relative jump would go astray. User code cannot reach the window by a jump: the
 * platform gives its padded `int` a far call when it first traps.
 */
static bool stays_native(const struct image *img, const struct site *s, bool keep_trapping)
{
	const struct section *sec = image_section_at(img, s->slot);

	if (sec && !strcmp(sec->name, ".altinstr_replacement"))
		return true;
	if (s->flags & AB_F_USER)
		return true;
	return keep_trapping && ab_kind_info[s->kind].ring3 == AB_RING3_TRAPS;
}

static bool refuse_site(const struct image *img, const struct site *s, const char *why)
{
	const struct section *sec = image_section_at(img, s->slot);
	char text[96];

	return refuse(img->path, "%s+0x%x: site 0x%x (%s): %s", sec ? sec->name : "?",
		      s->slot - (sec ? sec->addr : 0), s->slot,
		      insn_format(&s->insn, s->slot + s->insn_off, text, sizeof(text)), why);
}

static bool plan_site(struct rewrite *r, const struct image *img, struct machine *m, uint32_t id,
		      const struct code_area *area, size_t *used)
{
	struct site *s = &m->sites[id];
	const struct load_segment *seg = image_segment(img, s->slot, s->slot_len);
	const char *why = "cannot be rewritten";
	uint32_t at = area->at + (uint32_t)*used;
	size_t length = 0;

	if (area->room - *used < TRAMPOLINE_MAX)
		return refuse(img->path, "no room for the trampoline of site %u of %u in %zu bytes",
			      id, m->nr_sites, area->room);
	switch (trampoline_emit(m, s, id, at, area->code + *used, &length, &why)) {
	case TRAMPOLINE_KEEP:
		return true;
	case TRAMPOLINE_BAD:
		return refuse_site(img, s, why);
	case TRAMPOLINE_EMITTED:
		break;
	}
	s->rewritten = true;
	s->trampoline = at;
	r->patches[r->nr_patches++] = (struct patch){
	    .paddr = s->slot - seg->vaddr + seg->paddr,
	    .site = id,
	};
	*used += (length + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	return note_alias(img, m, seg);
}

bool rewrite_plan(struct rewrite *r, const struct image *img, struct machine *m,
		  const struct code_area *area, bool keep_trapping)
{
	uint64_t start = now_ns(), decoded;

	*r = (struct rewrite){0};
	if (!sites_read(img, &m->sites, &m->nr_sites))
		return false;
	decoded = now_ns();
	r->patches = calloc(m->nr_sites ? m->nr_sites : 1, sizeof(*r->patches));
	if (!r->patches)
		return refuse(img->path, "no memory for %u patches", m->nr_sites);
	for (uint32_t i = 0; i < m->nr_sites; i++)
		if (!stays_native(img, &m->sites[i], keep_trapping) &&
		    !plan_site(r, img, m, i, area, &r->trampoline_bytes))
			return false;
	r->read_ns = decoded - start;
	r->emit_ns = now_ns() - decoded;
	return true;
}

void rewrite_commit(struct rewrite *r, struct machine *m)
{
	uint64_t start = now_ns();

	for (uint32_t i = 0; i < r->nr_patches; i++)
		trampoline_patch(&m->sites[r->patches[i].site], m->ram + r->patches[i].paddr);
	r->commit_ns = now_ns() - start;
}

void rewrite_close(struct rewrite *r)
{
	free(r->patches);
	*r = (struct rewrite){0};
}

/* SPDX-License-Identifier: MIT */
/* The guest's page tables: 32-bit with 4 MiB pages, and PAE. */
#include "wedge/core/walk.h"
#include "wedge/core/control.h"

#define FRAME_MASK 0xffffffffff000ull /* bits 51:12 */
#define LARGE_4M_RESERVED 0x3fe000u   /* bits 21:13; PSE-36 is not offered */
#define LARGE_2M_RESERVED 0x1fe000ull /* bits 20:13 */

/* Bits of a PAE entry that must be zero, SDM vol. 3, tables 4-9 to 4-11. */
static uint64_t pae_reserved(const struct vcpu *v)
{
	static unsigned width; /* MAXPHYADDR; CPUID is too slow to ask twice */
	uint32_t regs[4];

	if (!width) {
		control_cpuid(&v->machine->cpu, 0x80000008, 0, regs);
		width = regs[0] & 0xff;
		if (width < 32 || width > 52)
			width = 36;
	}
	return (~0ull >> 1 & ~0ull << width) | (walk_nx(v) ? 0 : PTE_NX);
}

static uint64_t read_entry(const struct vcpu *v, struct walk *w, uint64_t at, unsigned size)
{
	const struct machine *m = v->machine;
	uint64_t value = 0;

	if (at + size > m->ram_size)
		phys_read(v->machine, at, &value, size);
	else if (size == 4)
		value = *(const uint32_t *)(m->ram + at);
	else
		value = *(const uint64_t *)(m->ram + at);
	w->entry[w->levels].at = at;
	w->entry[w->levels].value = value;
	w->levels++;
	return value;
}

static bool reserved(struct walk *w)
{
	w->error = PF_PRESENT | PF_RSVD;
	return false;
}

/* Rights are the conjunction of all levels, SDM vol. 3, 4.6.1. */
static void restrict_rights(struct translation *t, uint64_t entry)
{
	t->user &= !!(entry & PTE_U);
	t->writable &= !!(entry & PTE_W);
	t->nx |= !!(entry & PTE_NX);
}

static bool leaf(const struct vcpu *v, struct walk *w, uint64_t entry, uint32_t linear,
		 uint32_t span)
{
	w->t.phys = (entry & FRAME_MASK & ~(uint64_t)(span - 1)) | (linear & (span - 1));
	w->t.dirty = entry & PTE_D;
	w->t.accessed = entry & PTE_A;
	w->t.global = (entry & PTE_G) && (v->cr4 & CR4_PGE);
	w->t.large = span > 0x1000;
	return true;
}

static bool walk_32(const struct vcpu *v, uint32_t linear, struct walk *w)
{
	uint64_t pde = read_entry(v, w, (v->cr3 & ~0xfffu) + (linear >> 22) * 4, 4), pte;

	if (!(pde & PTE_P))
		return false;
	restrict_rights(&w->t, pde);
	if ((pde & PTE_PS) && (v->cr4 & CR4_PSE))
		return pde & LARGE_4M_RESERVED ? reserved(w) : leaf(v, w, pde, linear, 0x400000);
	pte = read_entry(v, w, (pde & FRAME_MASK) + (linear >> 12 & 0x3ff) * 4, 4);
	if (!(pte & PTE_P))
		return false;
	restrict_rights(&w->t, pte);
	return leaf(v, w, pte, linear, 0x1000);
}

static bool walk_pae(const struct vcpu *v, uint32_t linear, struct walk *w)
{
	uint64_t pdpte = v->pdpte[linear >> 30], pde, pte, must_be_zero = pae_reserved(v);

	if (!(pdpte & PTE_P))
		return false;
	pde = read_entry(v, w, (pdpte & FRAME_MASK) + (linear >> 21 & 0x1ff) * 8, 8);
	if (!(pde & PTE_P))
		return false;
	if (pde & must_be_zero)
		return reserved(w);
	restrict_rights(&w->t, pde);
	if (pde & PTE_PS)
		return pde & LARGE_2M_RESERVED ? reserved(w) : leaf(v, w, pde, linear, 0x200000);
	pte = read_entry(v, w, (pde & FRAME_MASK) + (linear >> 12 & 0x1ff) * 8, 8);
	if (!(pte & PTE_P))
		return false;
	if (pte & must_be_zero)
		return reserved(w);
	restrict_rights(&w->t, pte);
	return leaf(v, w, pte, linear, 0x1000);
}

bool walk(const struct vcpu *v, uint32_t linear, struct walk *w)
{
	w->levels = 0;
	w->error = 0;
	w->t = (struct translation){.user = true, .writable = true};
	if (paging(v))
		return v->cr4 & CR4_PAE ? walk_pae(v, linear, w) : walk_32(v, linear, w);
	w->t.phys = linear;
	w->t.dirty = true;
	w->t.accessed = true;
	w->t.large = true;
	return true;
}

bool walk_highest_user(const struct vcpu *v, uint32_t below, uint32_t *linear)
{
	struct walk w;

	for (uint32_t at = below; at;) {
		at -= 0x1000;
		if (walk(v, at, &w) && w.t.user) {
			*linear = at;
			return true;
		}
		/* Skip what one directory entry maps if that entry itself forbids it all. */
		if (w.levels < 2 || !(w.entry[0].value & PTE_U))
			at &= ~(walk_directory_span(v) - 1);
	}
	return false;
}

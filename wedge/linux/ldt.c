/* SPDX-License-Identifier: MIT */
/* Entries of the host process's LDT. */
#include "wedge/linux/ldt.h"
#include <asm/ldt.h>
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/linux/userspace.h"

/* What this process's mirrored entries hold: descriptors, accessed bit set; 0: empty. */
static __thread uint64_t mirror[LDT_MIRRORED];
static __thread uint32_t mirror_limit; /* the user limit they were clipped to */
static __thread unsigned mirrored;     /* entries in use */
/* Entries that stand in for the guest's GDT: descriptors without the accessed bit; 0: none. */
static __thread uint64_t stand_ins[SEGCACHE_ENTRIES];
static __thread uint32_t stand_ins_limit; /* the user limit they were clipped to */

/* Last offset that ring 3 may use of a flat segment. */
static uint32_t clip(uint64_t desc, uint32_t base, uint32_t limit)
{
	uint32_t top = linux_machine.user_limit - 1;
	bool expand_down = !(desc & DESC_X) && (desc & DESC_E);

	if (expand_down || base + (uint64_t)limit <= top)
		return limit;
	if (base + (uint64_t)limit > UINT32_MAX) /* wraps: TLS, with offsets below 0 */
		return limit;
	return base > top ? 0 : top - base;
}

/*
 * Ring 3's flat code stays flat, and is made execute-only: a limit on %cs makes some CPUs (AMD's
 * Zen) fetch all code the slow way, up to 1.4 times as slow in tight loops. Kernel memory is out of
 * reach by the limits of the data segments all the same. A jump into the kernel does not fault
 * before the first instruction there that touches memory or traps (run.c makes that the page fault
 * it should have been), unless code_limit is set.
 */
static bool open_code(uint64_t desc, uint32_t base, uint32_t limit)
{
	return (desc & DESC_X) && !base && limit == UINT32_MAX && !linux_machine.code_limit;
}

/* user: for ring 3; what its own process is to have is tried here, where an error is seen at once.
 */
static bool set_entry(const struct user_desc *d, bool user)
{
	linux_state.reload = 1; /* a register may hold the old entry */
	if (host_syscall(SYS_modify_ldt, 0x11, (long)d, sizeof *d, 0, 0, 0))
		return false;
	if (user && linux_machine.isolated)
		userspace_ldt(d);
	return true;
}

bool ldt_write(unsigned entry, uint64_t desc, bool user)
{
	uint32_t base = desc_base(desc), limit = desc_limit(desc);
	/* The host makes no conforming code; where all is ring 3 that is no difference. */
	unsigned contents = desc & DESC_X ? 2 : desc & DESC_E ? 1 : 0;
	bool clipped = user && !linux_machine.isolated; /* page tables do it otherwise */
	bool pages, open = clipped && open_code(desc, base, limit);

	if (clipped && !open)
		limit = clip(desc, base, limit);
	/* An expand-down segment must keep its granularity: it says where the segment ends above.
	 */
	pages = limit > 0xfffff || (desc & DESC_G);
	return set_entry(
	    &(struct user_desc){
		.entry_number = entry,
		.base_addr = base,
		.limit = pages ? limit >> 12 : limit,
		.seg_32bit = !!(desc & DESC_DB),
		.contents = contents,
		.read_exec_only = open || !(desc & DESC_W),
		.limit_in_pages = pages,
		.useable = 1,
	    },
	    user);
}

static bool clear_entry(unsigned entry)
{
	/* modify_ldt(2): this combination is an empty descriptor. */
	return set_entry(
	    &(struct user_desc){.entry_number = entry, .read_exec_only = 1, .seg_not_present = 1},
	    true);
}

void ldt_clear(unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		clear_entry(i);
}

bool ldt_in_use(const struct vcpu *v)
{
	/* After reset LDTR is null, but not unusable (SDM vol. 3, table 9-1). */
	return (v->ldtr.sel & ~3) && v->ldtr.usable && v->ldtr.limit >= 7;
}

/* Can ring 3 load it, and can the host hold it as it is? */
static bool for_ring3(uint64_t desc)
{
	const uint64_t present = DESC_P | DESC_S;

	return (desc & present) == present && desc_dpl(desc) == 3 && (desc & DESC_DB);
}

static uint64_t guest_entry(const struct vcpu *v, unsigned entry)
{
	uint32_t at = v->ldtr.base + entry * 8;
	const struct machine *m = v->machine;
	struct translation t;
	uint64_t desc;

	if (entry * 8 + 7 > v->ldtr.limit || (at & 0xfff) > 0xff8 || !mmu_peek(v, at, &t) ||
	    t.phys + 8 > m->ram_size)
		return 0;
	__builtin_memcpy(&desc, m->ram + t.phys, 8);
	return for_ring3(desc) ? desc | DESC_A : 0;
}

/* The entry gets another use: the stubs must not load it for what it was. */
static void stand_down(unsigned entry)
{
	struct segcache *cached = &linux_machine.win->segcache[entry];

	if (cached->user_host == (entry << 3 | 7))
		*cached = (struct segcache){0};
	stand_ins[entry] = 0;
}

static void clip_stand_ins(void)
{
	if (stand_ins_limit == linux_machine.user_limit)
		return;
	for (unsigned i = 0; i < SEGCACHE_ENTRIES; i++) {
		if (!stand_ins[i])
			continue;
		stand_down(i);
		clear_entry(i);
	}
	stand_ins_limit = linux_machine.user_limit;
}

bool ldt_stand_in(uint16_t sel, uint64_t desc)
{
	unsigned entry = sel >> 3;

	desc &= ~DESC_A;
	if (entry >= SEGCACHE_ENTRIES || mirror[entry])
		return false;
	clip_stand_ins();
	if (stand_ins[entry] == desc)
		return true;
	stand_down(entry);
	if (!ldt_write(entry, desc, true))
		return false;
	stand_ins[entry] = desc;
	return true;
}

uint64_t ldt_stands_for(uint16_t real)
{
	unsigned entry = real >> 3;

	return (real & 7) == 7 && entry < SEGCACHE_ENTRIES ? stand_ins[entry] : 0;
}

void ldt_sync(void)
{
	for (unsigned i = 0; i < SEGCACHE_ENTRIES; i++) {
		struct segcache *cached = &linux_machine.win->segcache[i];
		uint64_t desc = (uint64_t)cached->hi << 32 | cached->lo;

		if (cached->user_host == (i << 3 | 7) && stand_ins[i] != (desc & ~DESC_A))
			*cached = (struct segcache){0};
	}
}

void ldt_mirror(struct vcpu *v)
{
	unsigned entries = ldt_in_use(v) ? (v->ldtr.limit + 1) / 8 : 0;
	bool clipped_anew = mirror_limit != linux_machine.user_limit;

	if (entries > LDT_MIRRORED)
		entries = LDT_MIRRORED;
	if (entries > LDT_SMALL)
		segments_make_room();
	for (unsigned i = 0; i < entries || i < mirrored; i++) {
		uint64_t desc = i < entries ? guest_entry(v, i) : 0;

		if (desc == mirror[i] && !clipped_anew)
			continue;
		if (i < SEGCACHE_ENTRIES)
			stand_down(i);
		mirror[i] = desc && ldt_write(i, desc, true) ? desc : 0;
		if (!mirror[i])
			clear_entry(i);
	}
	mirrored = entries;
	mirror_limit = linux_machine.user_limit;
}

bool ldt_mirrors(uint16_t sel, uint64_t desc)
{
	return (sel & 7) == 7 && sel >> 3 < LDT_MIRRORED && mirror[sel >> 3] &&
	       mirror[sel >> 3] == (desc | DESC_A);
}

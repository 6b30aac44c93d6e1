/* SPDX-License-Identifier: MIT */
/*
 * Segment registers on a Linux host.
 *
 * What the guest loads is a selector into its own tables; what the CPU can hold is a selector of
 * this process: an entry of its LDT (modify_ldt), made on demand for a pair of guest selector and
 * descriptor, so that the way back from the real selector is a table look-up. Each pair has two
 * variants: as the guest wrote it for ring 0, and clipped to the user limit for ring 3.
 *
 * The first entries are a copy of the guest's own LDT (ldt.c): its user code loads those by itself.
 * Where that has none, they stand in for thread-local storage in the guest's GDT: user code reads
 * %gs and hands its index back to the kernel (glibc does, to make a thread).
 */
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/linux/ldt.h"
#include "wedge/linux/state.h"
#include "wedge/platform.h"

#define NR_SLOTS (LDT_PAGE - LDT_SMALL)
#define FIRST_LARGE (LDT_SIZE - NR_SLOTS)
#define ENTRY_SLOT 0 /* flat code, for far calls into the window */
#define HASH_SIZE 1024

#define DESC_FLAT_CODE 0x00cffb000000ffffull

struct slot {
	uint64_t desc;
	uint16_t sel;
	bool user;
};

static struct slot slots[NR_SLOTS];
static uint16_t hash[HASH_SIZE]; /* slot number + 1; 0: free */
static unsigned nr_slots;
static unsigned first_slot = LDT_SMALL; /* its entry of the LDT; or FIRST_LARGE */
static uint32_t epoch;                  /* counts how often all slots were forgotten */
/* How many of them this process's LDT has, and of which epoch. */
static __thread unsigned written;
static __thread uint32_t written_epoch;
static __thread unsigned written_first = LDT_SMALL; /* where they are */

static uint16_t slot_selector(unsigned slot)
{
	return (uint16_t)((slot + first_slot) << 3 | 7); /* TI = 1, RPL = 3 */
}

/* The slot that a real selector names, or null. */
static const struct slot *selector_slot(uint32_t real)
{
	unsigned index = real >> 3;
	if (!(real & 4) || index < first_slot || index - first_slot >= nr_slots)
		return NULL;
	return &slots[index - first_slot];
}

bool segments_ring3(uint32_t cs)
{
	const struct slot *slot = selector_slot(cs);

	return !slot || slot->user;
}

/* The RPL that an interrupt from ring 3 pushes is 3, and its code is code. */
void segments_distrust(uint32_t sel[NR_SEGS])
{
	const uint32_t *given = linux_machine.win->host;

	for (int s = 0; s < NR_SEGS; s++) {
		const struct slot *slot = selector_slot(sel[s]);
		bool ring3 = slot && slot->user && (slot->sel & 3) == 3;

		if (s == SEG_CS) {
			sel[s] |= 3;
			if (slot && !(ring3 && (slot->desc & DESC_X)))
				sel[s] = given[s];
		} else if (s == SEG_SS) {
			sel[s] = !(sel[s] & ~3u) || (slot && !ring3) ? given[s] : sel[s] | 3;
		} else if (slot && !slot->user) {
			sel[s] = 0;
		}
	}
}

static bool write_slot(unsigned slot)
{
	/* Ring 3 enters its gate by it, too, if it has a process of its own. */
	bool user = slots[slot].user || (slot == ENTRY_SLOT && linux_machine.isolated);

	return ldt_write(slot + first_slot, slots[slot].desc, user);
}

static void forget_slots(void)
{
	__builtin_memset(hash, 0, sizeof hash);
	fastpath_disarm();
	__builtin_memset(linux_machine.win->segcache, 0, sizeof linux_machine.win->segcache);
	nr_slots = ENTRY_SLOT + 1;
	written = nr_slots;
	written_epoch = ++epoch;
}

static unsigned hash_of(uint16_t sel, uint64_t desc, bool user)
{
	uint64_t h = (desc ^ ((uint64_t)sel << 20) ^ (user ? 0x5555 : 0)) * 0x9e3779b97f4a7c15ull;
	return (unsigned)(h >> 54) % HASH_SIZE;
}

/* Find or make the entry for a guest selector and descriptor; 0 if the host has no such segment. */
static uint16_t slot_for(uint16_t sel, uint64_t desc, bool user)
{
	desc &= ~DESC_A;
	unsigned h = hash_of(sel, desc, user);
	for (; hash[h]; h = (h + 1) % HASH_SIZE) {
		const struct slot *s = &slots[hash[h] - 1];
		if (s->sel == sel && s->desc == desc && s->user == user)
			return slot_selector(hash[h] - 1u);
	}
	if (nr_slots == NR_SLOTS)
		return 0;
	slots[nr_slots] = (struct slot){.desc = desc, .sel = sel, .user = user};
	if (!write_slot(nr_slots))
		return 0;
	written = nr_slots + 1;
	hash[h] = (uint16_t)(nr_slots + 1);
	return slot_selector(nr_slots++);
}

/* Is it a user segment with a base, that is TLS, and does the entry of its index stand in for it?
 */
static bool stands_in(const struct segment *seg)
{
	const struct vcpu *v = &linux_machine.m.cpu;

	if ((seg->sel & 7) != 3 || !desc_base(seg->desc) || (seg->desc & DESC_X))
		return false;
	/* A register may still hold what the GDT's entry was before. */
	for (int s = 0; s < NR_SEGS; s++)
		if (v->seg[s].usable && v->seg[s].sel == seg->sel &&
		    (v->seg[s].desc ^ seg->desc) & ~DESC_A)
			return false;
	return ldt_stand_in(seg->sel, seg->desc);
}

/* The real selector for what a segment register holds, in ring 0 or in ring 3. */
uint16_t segments_real(const struct segment *seg, bool user)
{
	const struct slot *now = selector_slot(seg->host);

	if (!seg->usable)
		return seg->sel & 3;
	if (user && ldt_mirrors(seg->sel, seg->desc))
		return seg->sel;
	if (user && stands_in(seg))
		return seg->sel | 4;
	if (now && now->user == user && now->sel == seg->sel && now->desc == (seg->desc & ~DESC_A))
		return seg->host;
	uint16_t real = slot_for(seg->sel, seg->desc, user);
	if (!real && nr_slots == NR_SLOTS) {
		forget_slots(); /* every register is looked up again before the guest goes on */
		real = slot_for(seg->sel, seg->desc, user);
	}
	if (!real) {
		platform_message(
		    "the host cannot hold the guest's segment 0x%04x (descriptor 0x%016llx)",
		    seg->sel, (unsigned long long)seg->desc);
		platform_exit(&linux_machine.m, WEDGE_EXIT_UNSUPPORTED);
	}
	return real;
}

/* A null selector, or one that guest user code loaded by itself from the host's GDT: as it stands.
 */
static void adopt_foreign(struct vcpu *v, enum segreg s, uint16_t real)
{
	struct segment *seg = &v->seg[s];
	uint64_t desc = 0;
	struct fault saved = v->fault;
	*seg = (struct segment){.sel = real, .host = real};
	if ((real & ~3) && segment_descriptor(v, real, &desc) &&
	    (desc & (DESC_P | DESC_S)) == (DESC_P | DESC_S)) {
		seg->desc = desc;
		seg->base = desc_base(desc);
		seg->limit = desc_limit(desc);
		seg->usable = true;
	}
	v->fault = saved;
}

static void adopt(struct vcpu *v, enum segreg s)
{
	uint16_t real = (uint16_t)linux_state.sel[s];
	uint16_t told = (uint16_t)linux_machine.win->sel[s];
	struct segment *seg = &v->seg[s];
	/* iret to an outer ring, as the host returns to us, clears the RPL of a null selector. */
	if (v->cpl == 0 && !(real & ~3) && !(told & ~3)) {
		*seg = (struct segment){.sel = told, .host = real};
		return;
	}
	if (real == seg->host)
		return;
	const struct slot *slot = selector_slot(real);
	uint64_t desc = slot ? slot->desc : ldt_stands_for(real);
	if (!desc) {
		struct segment before = *seg;

		adopt_foreign(v, s, real);
		/* There is no code without %cs and %ss: it goes on with those that it had. */
		if (!seg->usable && (s == SEG_CS || s == SEG_SS) && before.usable)
			*seg = before;
		return;
	}
	*seg = (struct segment){
	    .sel = slot ? slot->sel : real & ~4,
	    .host = real,
	    .base = desc_base(desc),
	    .limit = desc_limit(desc),
	    .desc = desc | DESC_A,
	    .usable = true,
	};
}

void segments_enter(struct vcpu *v)
{
	adopt(v, SEG_CS);
	const struct slot *cs = selector_slot(linux_state.sel[SEG_CS]);
	if (cs)
		v->cpl = cs->sel & 3;
	for (int s = 0; s < NR_SEGS; s++)
		if (s != SEG_CS)
			adopt(v, s);
}

/* In ring 3 a segment of ring 0 would have been nulled (SDM vol. 2, IRET): the monitor does that.
 */
static uint16_t user_selector(const struct segment *seg)
{
	if (!seg->usable || (seg->sel & 3) != 3)
		return 0;
	return segments_real(seg, true);
}

/* Let the stubs load this selector by themselves as long as its descriptor stays the same. */
static void fill_segcache(struct vcpu *v, const struct segment *seg)
{
	unsigned index = seg->sel >> 3;
	if ((seg->sel & 4) || index >= SEGCACHE_ENTRIES || !seg->usable || v->cpl != 0)
		return;
	linux_machine.win->segcache[index] = (struct segcache){
	    .lo = (uint32_t)seg->desc,
	    .hi = (uint32_t)(seg->desc >> 32),
	    .sel = seg->sel,
	    .host = segments_real(seg, false),
	    .user_host = user_selector(seg),
	};
}

/* A slot's jump is relative to %cs as it is in ring 0; a %ss with a base never gets here (run.c).
 */
static void check_flat(struct vcpu *v)
{
	if (v->cpl == 0 && v->seg[SEG_CS].base)
		guest_unsupported(v, "code segment of ring 0 with a base");
}

static void look_up(struct vcpu *v)
{
	check_flat(v);
	for (int s = 0; s < NR_SEGS; s++) {
		v->seg[s].host = segments_real(&v->seg[s], v->cpl == 3);
		if (s != SEG_CS && s != SEG_SS)
			linux_machine.win->user_host[s] = user_selector(&v->seg[s]);
	}
}

void segments_leave(struct vcpu *v)
{
	struct window *win = linux_machine.win;
	unsigned before = nr_slots;

	if (v->cpl == 3)
		ldt_mirror(v);
	look_up(v);
	if (nr_slots < before) /* ran out, all were forgotten: those looked up before that, too */
		look_up(v);
	for (int s = 0; s < NR_SEGS; s++) {
		linux_state.sel[s] = win->host[s] = v->seg[s].host;
		win->sel[s] = v->seg[s].sel;
	}
}

uint16_t segments_entry_cs(void)
{
	slots[ENTRY_SLOT] = (struct slot){.desc = DESC_FLAT_CODE};
	return write_slot(ENTRY_SLOT) ? slot_selector(ENTRY_SLOT) : 0;
}

bool segments_was_entry(uint16_t sel)
{
	return sel == ((LDT_SMALL + ENTRY_SLOT) << 3 | 7) ||
	       sel == ((FIRST_LARGE + ENTRY_SLOT) << 3 | 7);
}

void segments_make_room(void)
{
	if (first_slot == FIRST_LARGE)
		return;
	first_slot = FIRST_LARGE;
	forget_slots();
	written_epoch = 0;
	segments_sync();
	linux_machine.win->entry_cs = slot_selector(ENTRY_SLOT);
}

bool segments_foreign(const struct vcpu *v)
{
	for (int s = 0; s < NR_SEGS; s++)
		if (v->seg[s].usable && !selector_slot(v->seg[s].host) &&
		    !ldt_stands_for(v->seg[s].host) && !ldt_mirrors(v->seg[s].host, v->seg[s].desc))
			return true;
	return false;
}

/* Ring 3's code segments become readable, with their limit, and slower (ldt.c). */
static void limit_code(void)
{
	linux_machine.code_limit = true;
	forget_slots();
}

void platform_segment(struct vcpu *v, enum segreg s)
{
	struct segment *seg = &v->seg[s];

	seg->host = 0; /* looked up in segments_leave; never equal to a foreign selector */
	if (s != SEG_CS && seg->usable && (seg->desc & DESC_X) && desc_dpl(seg->desc) == 3 &&
	    !linux_machine.code_limit)
		limit_code();
	if (s != SEG_CS && s != SEG_SS)
		fill_segcache(v, &v->seg[s]);
}

/* Does an instruction read memory through %cs? */
static bool reads_code(const struct insn *in)
{
	for (unsigned i = 0; i < in->nr_operands; i++)
		if (in->op[i].type == OP_MEM && in->op[i].seg == SEG_CS)
			return true;
	return false;
}

/* Is it `mov %reg, %ds` or `pop %ds` (and so on) of a code segment as ring 3 reads its selector? */
static bool loads_code(struct vcpu *v, const struct insn *in)
{
	const struct operand *op = &in->op[1];
	const struct slot *slot;
	uint32_t sel;

	if (!in->nr_operands || in->op[0].type != OP_SEG)
		return false;
	if (in->nr_operands > 1 && op->type == OP_REG)
		sel = v->gpr[op->reg];
	else if (in->nr_operands > 1 || !mmu_read(v, v->gpr[R_ESP], &sel, 4, 3))
		return false;
	slot = selector_slot(sel & 0xffff);
	return slot && (slot->desc & DESC_X);
}

/* Whoever reads through %cs may. */
bool platform_segment_fault(struct vcpu *v, const struct insn *in)
{
	struct fault saved = v->fault;
	bool code = !linux_machine.code_limit && (reads_code(in) || loads_code(v, in));

	v->fault = saved;
	if (code)
		limit_code();
	return code;
}

void platform_tables(struct vcpu *v)
{
	__builtin_memset(linux_machine.win->segcache, 0, sizeof linux_machine.win->segcache);
	linux_machine.win->gdt_base = v->gdtr.base;
	linux_machine.win->tss_base = v->tr.base;
	fastpath_disarm();
}

void platform_user_limit(struct machine *m, uint32_t limit)
{
	(void)m;
	if (limit == linux_machine.user_limit)
		return;
	linux_machine.user_limit = limit;
	forget_slots();
}

void segments_sync(void)
{
	if (written_epoch != epoch)
		written = ENTRY_SLOT;
	if (written_first != first_slot)
		ldt_clear(written_first, written_first + NR_SLOTS);
	written_first = first_slot;
	for (; written < nr_slots; written++)
		if (!write_slot(written))
			report_internal("the host refuses an LDT entry", written);
	written_epoch = epoch;
	ldt_sync();
}

void segments_init(void)
{
	linux_machine.user_limit = linux_machine.m.window;
	forget_slots();
}

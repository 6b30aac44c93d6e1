/* SPDX-License-Identifier: MIT */
/* Hardware task switches with 32-bit TSSs, SDM vol. 3, chapter 7. */
#include "wedge/core/task.h"
#include "wedge/core/control.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/platform.h"

#define TSS_LIMIT 0x67u /* the smallest one, SDM vol. 3, 7.2.2 */
#define DR6_BT 0x8000u
#define DR7_LOCAL 0x155u /* L0-L3, LE */

/* SDM vol. 3, figure 7-2. */
struct tss {
	uint32_t link;
	struct {
		uint32_t esp, ss;
	} inner[3];
	uint32_t cr3, eip, eflags;
	uint32_t gpr[NR_GPRS];
	uint32_t seg[NR_SEGS];
	uint32_t ldt;
	uint16_t trap, io_map;
};
_Static_assert(sizeof(struct tss) == TSS_LIMIT + 1, "the TSS as the CPU lays it out");

/* What a task switch saves in the old TSS: from eip to the segment registers. */
#define TSS_DYNAMIC offsetof(struct tss, eip)
#define TSS_DYNAMIC_SIZE (offsetof(struct tss, ldt) - TSS_DYNAMIC)

bool task_inner_stack(struct vcpu *v, unsigned dpl, uint32_t ext, uint16_t *ss, uint32_t *esp)
{
	uint32_t offset = offsetof(struct tss, inner) + dpl * sizeof(uint64_t);

	if (!v->tr.usable || offset + 5 > v->tr.limit)
		return vcpu_raise(v, VEC_TS, (v->tr.sel & SELECTOR_ERROR) + ext);
	if (desc_system(v->tr.desc) == DESC_TSS16_BUSY)
		guest_unsupported(v, "stack switch by a 16-bit TSS");
	return mmu_read(v, v->tr.base + offset, esp, 4, 0) &&
	       mmu_read(v, v->tr.base + offset + 4, ss, 2, 0);
}

/* Write what the old task comes back to. */
static bool save_task(struct vcpu *v, uint32_t eip, uint32_t eflags)
{
	struct tss t = {.eip = eip, .eflags = eflags};

	for (unsigned i = 0; i < NR_GPRS; i++)
		t.gpr[i] = v->gpr[i];
	for (unsigned i = 0; i < NR_SEGS; i++)
		t.seg[i] = v->seg[i].sel;
	return mmu_write(v, v->tr.base + TSS_DYNAMIC, &t.eip, TSS_DYNAMIC_SIZE, 0);
}

/* The busy bits and the link: SDM vol. 3, table 7-2. */
static bool link_tasks(struct vcpu *v, uint16_t sel, uint64_t desc, uint32_t base,
		       enum task_switch how)
{
	uint16_t link = v->tr.sel;

	if (how == TASK_CALL && !mmu_write(v, base + offsetof(struct tss, link), &link, 2, 0))
		return false;
	if (how != TASK_CALL && !segment_write_descriptor(v, v->tr.sel, v->tr.desc & ~DESC_W))
		return false;
	return how == TASK_IRET || segment_write_descriptor(v, sel, desc | DESC_W);
}

static bool load_ldt(struct vcpu *v, uint16_t sel, uint32_t ext)
{
	uint32_t error = (sel & SELECTOR_ERROR) + ext;
	uint64_t desc = 0;

	segment_fill(&v->ldtr, sel, 0);
	if (!selector_null(sel)) {
		if (sel & SELECTOR_TI)
			return vcpu_raise(v, VEC_TS, error);
		if (!segment_descriptor(v, sel, &desc))
			return v->fault.raised ? false : vcpu_raise(v, VEC_TS, error);
		if (desc_system(desc) != DESC_LDT || !(desc & DESC_P))
			return vcpu_raise(v, VEC_TS, error);
	}
	segment_fill(&v->ldtr, sel, desc);
	platform_tables(v);
	return true;
}

/* A segment register of the new task: as segment_load, but faults are #TS. CPL is the new one. */
static bool load_segment(struct vcpu *v, enum segreg s, uint16_t sel, uint32_t ext)
{
	uint32_t error = (sel & SELECTOR_ERROR) + ext;

	if (selector_null(sel) && s == SEG_SS)
		return vcpu_raise(v, VEC_TS, error);
	if (segment_load(v, s, sel))
		return true;
	if (v->fault.vector == VEC_GP)
		return vcpu_raise(v, VEC_TS, error);
	v->fault.error |= v->fault.vector == VEC_PF ? 0 : ext;
	return false;
}

static bool load_code(struct vcpu *v, uint16_t sel, uint32_t ext)
{
	uint32_t error = (sel & SELECTOR_ERROR) + ext;
	unsigned rpl = selector_rpl(sel), dpl;
	uint64_t desc;

	if (selector_null(sel))
		return vcpu_raise(v, VEC_TS, error);
	if (!segment_descriptor(v, sel, &desc))
		return v->fault.raised ? false : vcpu_raise(v, VEC_TS, error);
	dpl = desc_dpl(desc);
	if (!desc_is_code(desc) || (desc_is_conforming(desc) ? dpl > rpl : dpl != rpl))
		return vcpu_raise(v, VEC_TS, error);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	if (!(desc & DESC_DB) && rpl < 3)
		guest_unsupported(v, "16-bit code segment %#x in the kernel", sel);
	if (!segment_mark_accessed(v, sel, &desc))
		return false;
	segment_set(v, SEG_CS, sel, desc);
	return true;
}

/* CR3 of the new task. A change drops the non-global translations as mov cr3 does. */
static bool load_cr3(struct vcpu *v, uint32_t cr3, uint32_t ext)
{
	if (!paging(v))
		return true;
	if (!control_write_cr(v, 3, cr3)) {
		v->fault.error = ext;
		return false;
	}
	return true;
}

/* The last part: everything that is checked runs in the new task already. */
static bool load_task(struct vcpu *v, const struct tss *t, uint32_t ext)
{
	static const enum segreg order[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};

	/* Until they have been checked the registers hold selectors without a descriptor. */
	segment_fill(&v->seg[SEG_CS], t->seg[SEG_CS], 0);
	for (unsigned i = 0; i < sizeof(order) / sizeof(*order); i++)
		segment_set(v, order[i], t->seg[order[i]], 0);
	vcpu_set_cpl(v, selector_rpl(t->seg[SEG_CS]));
	if (!load_ldt(v, t->ldt, ext) || !load_code(v, t->seg[SEG_CS], ext))
		return false;
	for (unsigned i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (!load_segment(v, order[i], t->seg[order[i]], ext))
			return false;
	if (t->eip > v->seg[SEG_CS].limit)
		return vcpu_raise(v, VEC_GP, ext);
	return true;
}

bool task_switch(struct vcpu *v, uint16_t sel, uint64_t desc, enum task_switch how,
		 uint32_t saved_eip, uint32_t ext, bool *switched)
{
	uint32_t base = desc_base(desc), eflags = v->eflags;
	struct tss t;

	if (desc_limit(desc) < TSS_LIMIT)
		return vcpu_raise(v, VEC_TS, (sel & SELECTOR_ERROR) + ext);
	if (how == TASK_IRET)
		eflags &= ~FLAG_NT;
	if (!mmu_read(v, base, &t, sizeof(t), 0) || !save_task(v, saved_eip, eflags) ||
	    !link_tasks(v, sel, desc, base, how))
		return false;

	*switched = true;
	segment_fill(&v->tr, sel, desc | DESC_W);
	platform_tables(v);
	v->cr0 |= CR0_TS;
	v->dr[7] &= ~DR7_LOCAL;
	v->eip = t.eip;
	v->eflags = (t.eflags & 0x3f7fd5) | FLAG_1 | (how == TASK_CALL ? FLAG_NT : 0);
	if (v->eflags & FLAG_VM)
		guest_unsupported(v, "virtual-8086 mode (task %#x)", sel);
	for (unsigned i = 0; i < NR_GPRS; i++)
		v->gpr[i] = t.gpr[i];
	if (!load_cr3(v, t.cr3, ext) || !load_task(v, &t, ext))
		return false;
	if (t.trap & 1) {
		v->dr[6] |= DR6_BT;
		v->debug_trap = true;
	}
	return true;
}

bool task_enter(struct vcpu *v, uint16_t sel, enum task_switch how, uint32_t saved_eip,
		uint32_t ext, bool *switched)
{
	uint32_t error = (sel & SELECTOR_ERROR) + ext;
	uint64_t desc;

	if (selector_null(sel) || (sel & SELECTOR_TI))
		return vcpu_raise(v, VEC_GP, error);
	if (!segment_descriptor(v, sel, &desc))
		return v->fault.raised ? false : vcpu_raise(v, VEC_GP, error);
	if (desc_system(desc) == DESC_TSS16)
		guest_unsupported(v, "16-bit TSS %#x", sel);
	if (desc_system(desc) != DESC_TSS)
		return vcpu_raise(v, VEC_GP, error);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	return task_switch(v, sel, desc, how, saved_eip, ext, switched);
}

bool task_return(struct vcpu *v, uint32_t saved_eip)
{
	bool switched = false;
	uint16_t sel;
	uint64_t desc;

	if (!mmu_read(v, v->tr.base + offsetof(struct tss, link), &sel, 2, 0))
		return false;
	if (selector_null(sel) || (sel & SELECTOR_TI))
		return vcpu_raise(v, VEC_TS, sel & SELECTOR_ERROR);
	if (!segment_descriptor(v, sel, &desc))
		return v->fault.raised ? false : vcpu_raise(v, VEC_TS, sel & SELECTOR_ERROR);
	if (desc_system(desc) == DESC_TSS16_BUSY)
		guest_unsupported(v, "16-bit TSS %#x", sel);
	if (desc_system(desc) != DESC_TSS_BUSY)
		return vcpu_raise(v, VEC_TS, sel & SELECTOR_ERROR);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_NP, sel & SELECTOR_ERROR);
	return task_switch(v, sel, desc, TASK_IRET, saved_eip, 0, &switched);
}

/* SPDX-License-Identifier: MIT */
/* Segment registers and descriptor tables. */
#include "wedge/core/emulate-ops.h"
#include "wedge/platform.h"

/* Loading ss holds interrupts off for one instruction, SDM vol. 3, 6.8.3. */
static bool load(struct emu *e, enum segreg s, uint16_t sel)
{
	if (!segment_load(e->v, s, sel))
		return false;
	if (s == SEG_SS)
		e->shadow = true;
	return true;
}

/* To a register the selector is zero-extended to the operand size, to memory it is 16 bits. */
bool mov_segment(struct emu *e)
{
	const struct operand *op = e->in->op;
	uint32_t value;

	if (op[0].type != OP_SEG)
		return emu_get(e, 1, &value) && emu_set(e, 0, value);
	if (op[0].reg == SEG_CS)
		return raise_ud(e);
	return emu_get(e, 1, &value) && load(e, op[0].reg, (uint16_t)value);
}

bool push_segment(struct emu *e)
{
	return emu_push(e->v, e->v->seg[e->in->op[0].reg].sel, e->in->opsize);
}

/* ESP moves by the width of the old stack segment. */
bool pop_segment(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t value = 0, esp = v->gpr[R_ESP];

	if (!stack_peek(v, 0, &value, e->in->opsize))
		return false;
	stack_move(v, e->in->opsize);
	if (load(e, e->in->op[0].reg, (uint16_t)value))
		return true;
	v->gpr[R_ESP] = esp;
	return false;
}

/* lds, les, lfs, lgs, lss; op->arg: the segment register */
bool run_load_far(struct emu *e)
{
	uint32_t offset;
	uint16_t sel;

	if (e->in->op[1].type != OP_MEM)
		return raise_ud(e);
	return emu_far_pointer(e, 1, &sel, &offset) && load(e, e->op->arg, sel) &&
	       emu_set(e, 0, offset);
}

/* sgdt, sidt; op->arg: 0 GDT, 1 IDT. With a 16-bit operand the base is of 24 bits. */
bool run_store_table(struct emu *e)
{
	const struct table *t = e->op->arg ? &e->v->idtr : &e->v->gdtr;
	uint32_t base = e->in->opsize == 2 ? t->base & 0xffffff : t->base;
	uint64_t image = t->limit | (uint64_t)base << 16;

	return access_write(e->v, e->in->op[0].seg, emu_offset(e, 0), &image, 6);
}

bool run_load_table(struct emu *e)
{
	struct table *t = e->op->arg ? &e->v->idtr : &e->v->gdtr;
	uint64_t image = 0;

	if (!need_cpl0(e) || !access_read(e->v, e->in->op[0].seg, emu_offset(e, 0), &image, 6))
		return false;
	t->limit = (uint16_t)image;
	t->base = (uint32_t)(image >> 16);
	if (e->in->opsize == 2)
		t->base &= 0xffffff;
	platform_tables(e->v);
	return true;
}

bool run_lldt(struct emu *e)
{
	uint32_t sel;

	return need_cpl0(e) && emu_get(e, 0, &sel) && segment_load_ldt(e->v, (uint16_t)sel);
}

bool run_ltr(struct emu *e)
{
	uint32_t sel;

	return need_cpl0(e) && emu_get(e, 0, &sel) && segment_load_tr(e->v, (uint16_t)sel);
}

bool run_sldt(struct emu *e)
{
	return emu_set(e, 0, e->v->ldtr.sel);
}

bool run_str(struct emu *e)
{
	return emu_set(e, 0, e->v->tr.sel);
}

static bool set_zf(struct emu *e, bool zf)
{
	if (e->v->fault.raised)
		return false;
	e->v->eflags = (e->v->eflags & ~FLAG_ZF) | (zf ? FLAG_ZF : 0);
	return true;
}

bool run_lar(struct emu *e)
{
	uint32_t sel, value = 0;
	bool zf;

	if (!emu_get(e, 1, &sel))
		return false;
	zf = segment_lar(e->v, (uint16_t)sel, &value);
	return set_zf(e, zf) && (!zf || emu_set(e, 0, value));
}

bool run_lsl(struct emu *e)
{
	uint32_t sel, value = 0;
	bool zf;

	if (!emu_get(e, 1, &sel))
		return false;
	zf = segment_lsl(e->v, (uint16_t)sel, &value);
	return set_zf(e, zf) && (!zf || emu_set(e, 0, value));
}

/* op->arg: 0 verr, 1 verw */
bool run_verify(struct emu *e)
{
	uint32_t sel;

	if (!emu_get(e, 0, &sel))
		return false;
	return set_zf(e, segment_verify(e->v, (uint16_t)sel, e->op->arg));
}

/* The destination's RPL is raised to the source's. */
bool run_arpl(struct emu *e)
{
	uint32_t dst, src;

	if (!emu_check_set(e, 0) || !emu_get(e, 0, &dst) || !emu_get(e, 1, &src))
		return false;
	if ((dst & 3) >= (src & 3))
		return set_zf(e, false);
	return emu_set(e, 0, (dst & ~3u) | (src & 3)) && set_zf(e, true);
}

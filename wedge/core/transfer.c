/* SPDX-License-Identifier: MIT */
/* Stacks and code segments as the transfers of control check, use and change them. */
#include "wedge/core/transfer.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/core/task.h"

static uint32_t mask_of(const struct stack *s)
{
	return s->ss.desc & DESC_DB ? 0xffffffffu : 0xffffu;
}

struct stack stack_current(const struct vcpu *v)
{
	return (struct stack){.ss = v->seg[SEG_SS], .esp = v->gpr[R_ESP], .cpl = v->cpl};
}

/* Read the descriptor of a stack segment; one that is not there is `vector` with the selector. */
static bool read_stack(struct vcpu *v, uint16_t sel, uint8_t vector, uint32_t ext, uint64_t *desc)
{
	if (segment_descriptor(v, sel, desc))
		return true;
	return v->fault.raised ? false : vcpu_raise(v, vector, (sel & SELECTOR_ERROR) + ext);
}

/* The checks that inner stacks and outer returns share; only the vector differs. */
static bool fill_stack(struct vcpu *v, uint16_t sel, unsigned level, uint8_t vector, uint32_t ext,
		       struct stack *s)
{
	uint32_t error = (sel & SELECTOR_ERROR) + ext;
	uint64_t desc;

	if (selector_null(sel))
		return vcpu_raise(v, vector, ext);
	if (!read_stack(v, sel, vector, ext, &desc))
		return false;
	if (selector_rpl(sel) != level || desc_dpl(desc) != level || !desc_is_writable_data(desc))
		return vcpu_raise(v, vector, error);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_SS, error);
	if (!(desc & DESC_DB) && level < 3)
		guest_unsupported(v, "16-bit stack segment %#x in the kernel", sel);
	if (!segment_mark_accessed(v, sel, &desc))
		return false;
	segment_fill(&s->ss, sel, desc);
	s->cpl = level;
	return true;
}

bool stack_inner(struct vcpu *v, unsigned dpl, uint32_t ext, struct stack *s)
{
	uint16_t sel;

	if (!task_inner_stack(v, dpl, ext, &sel, &s->esp))
		return false;
	s->error = (sel & SELECTOR_ERROR) + ext;
	return fill_stack(v, sel, dpl, VEC_TS, ext, s);
}

bool stack_outer(struct vcpu *v, uint16_t sel, uint32_t esp, unsigned rpl, struct stack *s)
{
	*s = (struct stack){.esp = esp};
	return fill_stack(v, sel, rpl, VEC_GP, 0, s);
}

void stack_use(struct vcpu *v, const struct stack *s)
{
	uint32_t mask = mask_of(s);

	v->gpr[R_ESP] = (v->gpr[R_ESP] & ~mask) | (s->esp & mask);
	if (s->ss.sel != v->seg[SEG_SS].sel || s->ss.desc != v->seg[SEG_SS].desc)
		segment_set(v, SEG_SS, s->ss.sel, s->ss.desc);
}

bool stack_push(struct vcpu *v, struct stack *s, const uint32_t *values, unsigned n, unsigned size)
{
	uint32_t mask = mask_of(s);

	for (unsigned i = 0; i < n; i++)
		if (!segment_allows(&s->ss, (s->esp - (i + 1) * size) & mask, size, true))
			return vcpu_raise(v, VEC_SS, s->error);
	for (unsigned i = 0; i < n; i++) {
		stack_skip(s, -size);
		if (!mmu_write(v, s->ss.base + (s->esp & mask), &values[i], size, s->cpl))
			return false;
	}
	return true;
}

bool stack_pop(struct vcpu *v, struct stack *s, uint32_t *value, unsigned size)
{
	uint32_t offset = s->esp & mask_of(s);

	*value = 0;
	if (!segment_allows(&s->ss, offset, size, false))
		return vcpu_raise(v, VEC_SS, s->error);
	if (!mmu_read(v, s->ss.base + offset, value, size, s->cpl))
		return false;
	stack_skip(s, size);
	return true;
}

void stack_skip(struct stack *s, uint32_t bytes)
{
	uint32_t mask = mask_of(s);

	s->esp = (s->esp & ~mask) | ((s->esp + bytes) & mask);
}

bool code_read(struct vcpu *v, uint16_t sel, uint8_t vector, uint32_t ext, uint64_t *desc)
{
	if (selector_null(sel))
		return vcpu_raise(v, vector, ext);
	if (segment_descriptor(v, sel, desc))
		return true;
	return v->fault.raised ? false : vcpu_raise(v, vector, (sel & SELECTOR_ERROR) + ext);
}

bool code_check(struct vcpu *v, struct code *c, uint32_t ext)
{
	if (c->eip > desc_limit(c->desc))
		return vcpu_raise(v, VEC_GP, ext);
	if (!(c->desc & DESC_DB) && selector_rpl(c->sel) < 3)
		guest_unsupported(v, "16-bit code segment %#x in the kernel", c->sel);
	return segment_mark_accessed(v, c->sel, &c->desc);
}

void code_use(struct vcpu *v, const struct code *c)
{
	const struct segment *cs = &v->seg[SEG_CS];

	vcpu_set_cpl(v, selector_rpl(c->sel));
	if (c->sel != cs->sel || c->desc != cs->desc)
		segment_set(v, SEG_CS, c->sel, c->desc);
	v->eip = c->eip;
}

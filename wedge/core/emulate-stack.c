/* SPDX-License-Identifier: MIT */
/* push, pop and their relatives, pushf and popf. */
#include "wedge/core/emulate-ops.h"

bool run_push(struct emu *e)
{
	uint32_t value;

	if (e->in->op[0].type == OP_SEG)
		return push_segment(e);
	return emu_get(e, 0, &value) && emu_push(e->v, value, e->in->opsize);
}

/* ESP moves before the destination is addressed, and pop %esp loads the value popped. */
bool run_pop(struct emu *e)
{
	uint32_t value = 0, esp = e->v->gpr[R_ESP];

	if (e->in->op[0].type == OP_SEG)
		return pop_segment(e);
	if (!stack_peek(e->v, 0, &value, e->in->opsize))
		return false;
	stack_move(e->v, e->in->opsize);
	if (emu_set(e, 0, value))
		return true;
	e->v->gpr[R_ESP] = esp;
	return false;
}

/* What pusha writes: edi lowest, eax highest. */
union all_registers {
	uint16_t word[NR_GPRS];
	uint32_t dword[NR_GPRS];
};

bool run_pusha(struct emu *e)
{
	struct vcpu *v = e->v;
	unsigned bytes = NR_GPRS * e->in->opsize;
	union all_registers image;

	for (unsigned r = 0; r < NR_GPRS; r++) {
		if (e->in->opsize == 2)
			image.word[NR_GPRS - 1 - r] = (uint16_t)v->gpr[r];
		else
			image.dword[NR_GPRS - 1 - r] = v->gpr[r];
	}
	if (!access_write(v, SEG_SS, (v->gpr[R_ESP] - bytes) & stack_mask(v), &image, bytes))
		return false;
	stack_move(v, -bytes);
	return true;
}

/* The image of esp is skipped. */
bool run_popa(struct emu *e)
{
	struct vcpu *v = e->v;
	unsigned size = e->in->opsize;
	union all_registers image;

	if (!stack_peek(v, 0, &image, NR_GPRS * size))
		return false;
	for (unsigned r = 0; r < NR_GPRS; r++) {
		unsigned at = NR_GPRS - 1 - r;

		if (r != R_ESP)
			reg_set(v, r, size, size == 2 ? image.word[at] : image.dword[at]);
	}
	stack_move(v, NR_GPRS * size);
	return true;
}

/* Copy the frame pointers of the outer levels and the new one below what has been pushed. */
static bool enter_levels(struct emu *e, unsigned level, uint32_t frame)
{
	struct vcpu *v = e->v;
	unsigned size = e->in->opsize;

	for (unsigned i = 1; i < level; i++) {
		uint32_t outer = 0;

		if (!access_read(v, SEG_SS, (v->gpr[R_EBP] - i * size) & stack_mask(v), &outer,
				 size) ||
		    !emu_push(v, outer, size))
			return false;
	}
	return emu_push(v, frame, size);
}

bool run_enter(struct emu *e)
{
	struct vcpu *v = e->v;
	unsigned size = e->in->opsize, level = e->in->op[1].imm & 31;
	uint32_t esp = v->gpr[R_ESP], frame;

	if (!emu_push(v, v->gpr[R_EBP], size))
		return false;
	frame = v->gpr[R_ESP];
	if (level && !enter_levels(e, level, frame)) {
		v->gpr[R_ESP] = esp;
		return false;
	}
	stack_move(v, -(e->in->op[0].imm & 0xffff));
	reg_set(v, R_EBP, size, frame);
	return true;
}

bool run_leave(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t mask = stack_mask(v), value = 0;

	if (!access_read(v, SEG_SS, v->gpr[R_EBP] & mask, &value, e->in->opsize))
		return false;
	v->gpr[R_ESP] = (v->gpr[R_ESP] & ~mask) | (v->gpr[R_EBP] & mask);
	stack_move(v, e->in->opsize);
	reg_set(v, R_EBP, e->in->opsize, value);
	return true;
}

/* The image has VM and RF clear, SDM vol. 2, PUSHF. */
bool run_pushf(struct emu *e)
{
	uint32_t image = (e->v->eflags | FLAG_1) & ~(FLAG_VM | FLAG_RF);

	return emu_push(e->v, image, e->in->opsize);
}

/*
 * SDM vol. 2, POPF: IOPL changes at CPL 0 only, IF only if CPL <= IOPL, without a fault otherwise;
 * VM, VIF and VIP never; RF is cleared.
 */
bool run_popf(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t image = 0, may = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID;

	if (!stack_peek(v, 0, &image, e->in->opsize))
		return false;
	if (v->cpl == 0)
		may |= FLAG_IOPL;
	if (v->cpl <= (v->eflags & FLAG_IOPL) >> 12)
		may |= FLAG_IF;
	if (e->in->opsize == 2)
		may &= 0xffff;
	v->eflags = (v->eflags & ~(may | FLAG_RF)) | (image & may) | FLAG_1;
	stack_move(v, e->in->opsize);
	return true;
}

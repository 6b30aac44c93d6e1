/* SPDX-License-Identifier: MIT */
/* Branches, calls, software interrupts and the returns from them. */
#include "wedge/core/emulate-ops.h"

/* The condition codes of jcc, setcc and cmovcc, SDM vol. 2, B.1.4.7: bit 0 negates. */
bool condition(const struct vcpu *v, unsigned cc)
{
	uint32_t f = v->eflags;
	bool less = !(f & FLAG_SF) != !(f & FLAG_OF), holds;

	switch (cc >> 1) {
	case 0:
		holds = f & FLAG_OF;
		break;
	case 1:
		holds = f & FLAG_CF;
		break;
	case 2:
		holds = f & FLAG_ZF;
		break;
	case 3:
		holds = f & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		holds = f & FLAG_SF;
		break;
	case 5:
		holds = f & FLAG_PF;
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || (f & FLAG_ZF);
		break;
	}
	return holds != (cc & 1);
}

bool branch_to(struct emu *e, uint32_t target)
{
	if (e->in->opsize == 2)
		target &= 0xffff;
	if (target > e->v->seg[SEG_CS].limit)
		return raise_gp(e);
	e->next = target;
	return true;
}

bool run_jcc(struct emu *e)
{
	return !condition(e->v, e->op->arg) || branch_to(e, e->next + e->in->op[0].imm);
}

/* The target of a near jmp or call: relative if immediate. */
static bool near_target(struct emu *e, uint32_t *target)
{
	if (!emu_get(e, 0, target))
		return false;
	if (e->in->op[0].type == OP_IMM)
		*target += e->next;
	if (e->in->opsize == 2)
		*target &= 0xffff;
	return true;
}

/* After a far transfer, which has set v->eip. */
static bool went_far(struct emu *e, bool done)
{
	e->next = e->v->eip;
	return done;
}

bool run_jmp(struct emu *e)
{
	uint32_t target;
	uint16_t sel;

	if (!e->in->far)
		return near_target(e, &target) && branch_to(e, target);
	return emu_far_pointer(e, 0, &sel, &target) &&
	       went_far(e, far_jump(e->v, sel, target, e->in->opsize, e->next));
}

bool run_call(struct emu *e)
{
	uint32_t target, back = e->next;
	uint16_t sel;

	if (e->in->far)
		return emu_far_pointer(e, 0, &sel, &target) &&
		       went_far(e, far_call(e->v, sel, target, e->in->opsize, back));
	return near_target(e, &target) && branch_to(e, target) &&
	       emu_push(e->v, back, e->in->opsize);
}

bool run_ret(struct emu *e)
{
	uint16_t extra = e->in->nr_operands ? (uint16_t)e->in->op[0].imm : 0;
	uint32_t target = 0;

	if (e->in->far)
		return went_far(e, far_return(e->v, e->in->opsize, extra));
	if (!stack_peek(e->v, 0, &target, e->in->opsize) || !branch_to(e, target))
		return false;
	stack_move(e->v, e->in->opsize + extra);
	return true;
}

/* op->arg: 0 loop, 1 loope, 2 loopne */
bool run_loop(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t count = reg_get(v, R_ECX, e->in->adsize) - 1;
	bool zf = v->eflags & FLAG_ZF;

	if (e->in->adsize == 2)
		count &= 0xffff;
	if (count && (e->op->arg == 0 || zf == (e->op->arg == 1)) &&
	    !branch_to(e, e->next + e->in->op[0].imm))
		return false;
	reg_set(v, R_ECX, e->in->adsize, count);
	return true;
}

bool run_jecxz(struct emu *e)
{
	return reg_get(e->v, R_ECX, e->in->adsize) || branch_to(e, e->next + e->in->op[0].imm);
}

/* A trap: the handler returns behind the instruction. */
static bool trap(struct emu *e, uint8_t vector, enum event_source source)
{
	uint32_t eip = e->v->eip;

	e->v->eip = e->next;
	interrupt_deliver(e->v, vector, source, eip);
	e->keep_rf = true;
	return went_far(e, true);
}

/* op->arg: the vector, or 0 for the operand. int1 checks no privilege, SDM vol. 2, INT n. */
bool run_int(struct emu *e)
{
	if (e->op->arg == VEC_DB)
		return trap(e, VEC_DB, EVENT_EXCEPTION);
	return trap(e, e->op->arg ? e->op->arg : (uint8_t)e->in->op[0].imm, EVENT_SOFTWARE);
}

bool run_into(struct emu *e)
{
	return !(e->v->eflags & FLAG_OF) || trap(e, VEC_OF, EVENT_SOFTWARE);
}

bool run_bound(struct emu *e)
{
	unsigned size = e->in->opsize;
	uint32_t index, bounds[2];
	int64_t i, low, high;

	if (!emu_get(e, 0, &index) ||
	    !access_read(e->v, e->in->op[1].seg, emu_offset(e, 1), bounds, 2 * size))
		return false;
	i = size == 2 ? (int16_t)index : (int32_t)index;
	low = size == 2 ? (int16_t)bounds[0] : (int32_t)bounds[0];
	high = size == 2 ? (int16_t)(bounds[0] >> 16) : (int32_t)bounds[1];
	return (i >= low && i <= high) || vcpu_raise(e->v, VEC_BR, 0);
}

bool run_iret(struct emu *e)
{
	e->keep_rf = true;
	return went_far(e, interrupt_iret(e->v, e->in->opsize, e->next));
}

bool run_ud(struct emu *e)
{
	return raise_ud(e);
}

bool run_sysenter(struct emu *e)
{
	return went_far(e, far_sysenter(e->v));
}

bool run_sysexit(struct emu *e)
{
	return went_far(e, far_sysexit(e->v));
}

/* SPDX-License-Identifier: MIT */
/* iret and far ret: SDM vol. 2, IRET and RET. */
#include "wedge/core/interrupt.h"
#include "wedge/core/segment.h"
#include "wedge/core/step.h"
#include "wedge/core/task.h"
#include "wedge/core/transfer.h"
#include "wedge/platform.h"

/* Check the code segment that a return goes to: never to an inner level. */
static bool return_code(struct vcpu *v, struct code *c)
{
	unsigned rpl = selector_rpl(c->sel), dpl;
	uint32_t error = c->sel & SELECTOR_ERROR;

	if (!code_read(v, c->sel, VEC_GP, 0, &c->desc))
		return false;
	dpl = desc_dpl(c->desc);
	if (!desc_is_code(c->desc) || rpl < v->cpl)
		return vcpu_raise(v, VEC_GP, error);
	if (desc_is_conforming(c->desc) ? dpl > rpl : dpl != rpl)
		return vcpu_raise(v, VEC_GP, error);
	if (!(c->desc & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	return true;
}

/* Data segments that the outer level may not hold become null, so that nothing leaks out. */
static void null_inner_segments(struct vcpu *v)
{
	static const enum segreg data[] = {SEG_ES, SEG_FS, SEG_GS, SEG_DS};

	for (unsigned i = 0; i < 4; i++) {
		const struct segment *s = &v->seg[data[i]];

		if (s->usable && !desc_is_conforming(s->desc) && desc_dpl(s->desc) < v->cpl)
			segment_set(v, data[i], 0, 0);
	}
}

/* EFLAGS as iret loads them at the present (old) level. */
static uint32_t iret_flags(const struct vcpu *v, uint32_t image, unsigned opsize)
{
	uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;

	if (opsize == 4)
		mask |= FLAG_RF | FLAG_AC | FLAG_ID;
	if (v->cpl <= (v->eflags & FLAG_IOPL) >> 12)
		mask |= FLAG_IF;
	if (v->cpl == 0) {
		mask |= FLAG_IOPL;
		if (opsize == 4)
			mask |= FLAG_VIF | FLAG_VIP;
	}
	return (v->eflags & ~mask) | (image & mask) | FLAG_1;
}

/* Go on at an outer level: the stack pointer and segment that stand behind what was popped.
 * `release` is what ret n removes from both stacks. */
static bool return_outer(struct vcpu *v, struct stack *s, struct code *c, unsigned opsize,
			 uint16_t release, uint32_t flags)
{
	struct stack outer;
	uint32_t esp, ss;

	if (!stack_pop(v, s, &esp, opsize) || !stack_pop(v, s, &ss, opsize))
		return false;
	if (!stack_outer(v, ss, esp, selector_rpl(c->sel), &outer) || !code_check(v, c, 0))
		return false;
	stack_skip(&outer, release);
	v->eflags = flags;
	code_use(v, c);
	stack_use(v, &outer);
	null_inner_segments(v);
	return true;
}

/*
 * There is no virtual-8086 mode. An iret to it is a #GP, which a kernel makes a signal for the
 * program that asked for the mode: that must not end the machine.
 */
static bool refuse_vm86(struct vcpu *v)
{
	static bool told;

	if (!told)
		platform_message("the guest is refused virtual-8086 mode: #GP for the iret at %08x",
				 v->eip);
	told = true;
	return vcpu_raise(v, VEC_GP, 0);
}

bool interrupt_iret(struct vcpu *v, unsigned opsize, uint32_t next_eip)
{
	struct stack s = stack_current(v);
	struct code c;
	uint32_t eip, cs, flags;

	if (v->eflags & FLAG_NT)
		return task_return(v, next_eip);
	if (!stack_pop(v, &s, &eip, opsize) || !stack_pop(v, &s, &cs, opsize) ||
	    !stack_pop(v, &s, &flags, opsize))
		return false;
	if ((flags & FLAG_VM) && v->cpl == 0)
		return refuse_vm86(v);
	c = (struct code){.sel = cs, .eip = eip};
	if (!return_code(v, &c))
		return false;
	v->nmi_blocked = false;
	step_returns(v, v->gpr[R_ESP]);
	flags = iret_flags(v, flags, opsize);
	if (selector_rpl(c.sel) > v->cpl)
		return return_outer(v, &s, &c, opsize, 0, flags);
	if (!code_check(v, &c, 0))
		return false;
	v->eflags = flags;
	code_use(v, &c);
	stack_use(v, &s);
	return true;
}

bool far_return(struct vcpu *v, unsigned opsize, uint16_t pop_bytes)
{
	struct stack s = stack_current(v);
	struct code c;
	uint32_t eip, cs;

	if (!stack_pop(v, &s, &eip, opsize) || !stack_pop(v, &s, &cs, opsize))
		return false;
	c = (struct code){.sel = cs, .eip = eip};
	if (!return_code(v, &c))
		return false;
	stack_skip(&s, pop_bytes);
	if (selector_rpl(c.sel) > v->cpl)
		return return_outer(v, &s, &c, opsize, pop_bytes, v->eflags);
	if (!code_check(v, &c, 0))
		return false;
	code_use(v, &c);
	stack_use(v, &s);
	return true;
}

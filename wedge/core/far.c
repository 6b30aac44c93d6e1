/* SPDX-License-Identifier: MIT */
/* Far jmp and call, direct and through gates, sysenter and sysexit: SDM vol. 2, vol. 3, 5.8. */
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/core/task.h"
#include "wedge/core/transfer.h"

/* Call gates copy at most 31 parameters, SDM vol. 3, 5.8.5. */
#define MAX_PARAMETERS 31

/* A direct transfer to a code segment of the same privilege (or a conforming one): c->sel is final
 * after it. */
static bool direct_code(struct vcpu *v, struct code *c)
{
	unsigned dpl = desc_dpl(c->desc);
	uint32_t error = c->sel & SELECTOR_ERROR;

	if (desc_is_conforming(c->desc) ? dpl > v->cpl
					: selector_rpl(c->sel) > v->cpl || dpl != v->cpl)
		return vcpu_raise(v, VEC_GP, error);
	if (!(c->desc & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	c->sel = error | v->cpl;
	return true;
}

/* Rights to use a gate or TSS descriptor: both CPL and RPL count. */
static bool gate_usable(struct vcpu *v, uint16_t sel, uint64_t gate)
{
	if (desc_dpl(gate) < v->cpl || desc_dpl(gate) < selector_rpl(sel))
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!(gate & DESC_P))
		return vcpu_raise(v, VEC_NP, sel & SELECTOR_ERROR);
	return true;
}

/* The code segment behind a call gate. Only a call may go to an inner level by it. */
static bool gate_code(struct vcpu *v, uint64_t gate, bool call, struct code *c)
{
	uint16_t sel = gate >> 16;
	uint32_t error = sel & SELECTOR_ERROR;
	unsigned dpl;

	if (!code_read(v, sel, VEC_GP, 0, &c->desc))
		return false;
	dpl = desc_dpl(c->desc);
	if (!desc_is_code(c->desc) || dpl > v->cpl)
		return vcpu_raise(v, VEC_GP, error);
	if (desc_is_conforming(c->desc))
		dpl = v->cpl;
	else if (!call && dpl != v->cpl)
		return vcpu_raise(v, VEC_GP, error);
	if (!(c->desc & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	c->sel = error | dpl;
	c->eip = gate & 0xffff;
	if (desc_system(gate) == DESC_CALL_GATE)
		c->eip |= (gate >> 32) & 0xffff0000;
	return true;
}

/* jmp or call to a task gate or a TSS; true even if the new task has a fault to deliver: see
 * task.h. */
static bool to_task(struct vcpu *v, uint16_t sel, uint64_t desc, enum task_switch how,
		    uint32_t next_eip)
{
	bool switched = false;

	if (!gate_usable(v, sel, desc))
		return false;
	if (desc_system(desc) == DESC_TASK_GATE)
		sel = desc >> 16;
	return task_enter(v, sel, how, next_eip, 0, &switched);
}

static bool jump_gate(struct vcpu *v, uint16_t sel, uint64_t gate)
{
	struct code c;

	if (!gate_usable(v, sel, gate) || !gate_code(v, gate, false, &c) || !code_check(v, &c, 0))
		return false;
	code_use(v, &c);
	return true;
}

bool far_jump(struct vcpu *v, uint16_t sel, uint32_t offset, unsigned opsize, uint32_t next_eip)
{
	struct code c = {.sel = sel, .eip = opsize == 2 ? offset & 0xffff : offset};

	if (!code_read(v, sel, VEC_GP, 0, &c.desc))
		return false;
	switch (desc_system(c.desc)) {
	case DESC_CALL_GATE16:
	case DESC_CALL_GATE:
		return jump_gate(v, sel, c.desc);
	case DESC_TASK_GATE:
	case DESC_TSS16:
	case DESC_TSS:
		return to_task(v, sel, c.desc, TASK_JUMP, next_eip);
	}
	if (!desc_is_code(c.desc))
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!direct_code(v, &c) || !code_check(v, &c, 0))
		return false;
	code_use(v, &c);
	return true;
}

static bool push_return(struct vcpu *v, struct stack *s, unsigned size, uint32_t next_eip)
{
	uint32_t frame[] = {v->seg[SEG_CS].sel, next_eip};

	return stack_push(v, s, frame, 2, size);
}

/* The old stack pointer and the parameters, onto the new stack. */
static bool push_parameters(struct vcpu *v, struct stack *s, unsigned count, unsigned size)
{
	struct stack old = stack_current(v);
	uint32_t frame[2 + MAX_PARAMETERS] = {v->seg[SEG_SS].sel, v->gpr[R_ESP]};

	for (unsigned i = 0; i < count; i++)
		if (!stack_pop(v, &old, &frame[2 + count - 1 - i], size))
			return false;
	return stack_push(v, s, frame, 2 + count, size);
}

static bool call_gate(struct vcpu *v, uint16_t sel, uint64_t gate, uint32_t next_eip)
{
	unsigned size = desc_system(gate) == DESC_CALL_GATE ? 4 : 2;
	struct code c;
	struct stack s = stack_current(v);

	if (!gate_usable(v, sel, gate) || !gate_code(v, gate, true, &c))
		return false;
	if (selector_rpl(c.sel) < v->cpl) {
		if (!stack_inner(v, selector_rpl(c.sel), 0, &s) || !code_check(v, &c, 0) ||
		    !push_parameters(v, &s, (gate >> 32) & 31, size))
			return false;
	} else if (!code_check(v, &c, 0)) {
		return false;
	}
	if (!push_return(v, &s, size, next_eip))
		return false;
	code_use(v, &c);
	stack_use(v, &s);
	return true;
}

bool far_call(struct vcpu *v, uint16_t sel, uint32_t offset, unsigned opsize, uint32_t next_eip)
{
	struct code c = {.sel = sel, .eip = opsize == 2 ? offset & 0xffff : offset};
	struct stack s = stack_current(v);

	if (!code_read(v, sel, VEC_GP, 0, &c.desc))
		return false;
	switch (desc_system(c.desc)) {
	case DESC_CALL_GATE16:
	case DESC_CALL_GATE:
		return call_gate(v, sel, c.desc, next_eip);
	case DESC_TASK_GATE:
	case DESC_TSS16:
	case DESC_TSS:
		return to_task(v, sel, c.desc, TASK_CALL, next_eip);
	}
	if (!desc_is_code(c.desc))
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!direct_code(v, &c) || !code_check(v, &c, 0) || !push_return(v, &s, opsize, next_eip))
		return false;
	code_use(v, &c);
	stack_use(v, &s);
	return true;
}

/* Flat 4 GiB segments as SYSENTER and SYSEXIT load them, not from any table. */
#define FLAT_CODE 0x00cf9b000000ffffull
#define FLAT_DATA 0x00cf93000000ffffull

static void use_flat(struct vcpu *v, uint16_t cs, unsigned cpl, uint32_t eip, uint32_t esp)
{
	uint64_t dpl = (uint64_t)cpl << 45;
	struct code c = {.sel = (cs & SELECTOR_ERROR) | cpl, .desc = FLAT_CODE | dpl, .eip = eip};

	code_use(v, &c);
	segment_set(v, SEG_SS, ((cs + 8) & SELECTOR_ERROR) | cpl, FLAT_DATA | dpl);
	v->gpr[R_ESP] = esp;
}

bool far_sysenter(struct vcpu *v)
{
	if (selector_null(v->msr.sysenter_cs))
		return vcpu_raise(v, VEC_GP, 0);
	v->eflags &= ~(FLAG_VM | FLAG_IF);
	use_flat(v, v->msr.sysenter_cs, 0, v->msr.sysenter_eip, v->msr.sysenter_esp);
	return true;
}

bool far_sysexit(struct vcpu *v)
{
	if (selector_null(v->msr.sysenter_cs) || v->cpl)
		return vcpu_raise(v, VEC_GP, 0);
	use_flat(v, v->msr.sysenter_cs + 16, 3, v->gpr[R_EDX], v->gpr[R_ECX]);
	return true;
}

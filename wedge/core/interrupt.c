/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts on their way to the guest's handlers: SDM vol. 3, chapter 6, and the
 * pseudo-code of INT n in vol. 2.
 */
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/core/task.h"
#include "wedge/core/transfer.h"

#define NR_EXCEPTIONS 32
#define DR7_GD 0x2000u

struct event {
	uint8_t vector;
	enum event_source source;
	bool has_error;
	uint32_t error;
	uint32_t insn_eip; /* EVENT_SOFTWARE: where to stand if delivery faults */
	bool switched;     /* a task gate was taken: what faults now does so in the new task */
};

/* Vectors whose frame has an error code, SDM vol. 3, table 6-1. */
static bool has_error_code(uint8_t vector)
{
	return vector < NR_EXCEPTIONS &&
	       ((1u << VEC_DF | 1u << VEC_TS | 1u << VEC_NP | 1u << VEC_SS | 1u << VEC_GP |
		 1u << VEC_PF | 1u << VEC_AC) >>
		    vector &
		1);
}

bool vcpu_raise(struct vcpu *v, uint8_t vector, uint32_t error)
{
	v->fault = (struct fault){
	    .raised = true,
	    .vector = vector,
	    .has_error = has_error_code(vector),
	    .error = error,
	};
	return false;
}

bool vcpu_raise_pf(struct vcpu *v, uint32_t linear, uint32_t error)
{
	vcpu_raise(v, VEC_PF, error);
	v->fault.cr2 = linear;
	return false;
}

/* RF is set in the image that faults push, so that a breakpoint on the instruction is not hit
 * again; traps, aborts and #DB push it as it is (SDM vol. 3, 17.3.1.1). */
static bool pushes_rf(const struct event *e)
{
	if (e->source != EVENT_EXCEPTION)
		return false;
	return !((1u << VEC_DB | 1u << VEC_NMI | 1u << VEC_BP | 1u << VEC_OF | 1u << VEC_DF |
		  1u << VEC_MC) >>
		     e->vector &
		 1);
}

static uint32_t ext_bit(const struct event *e)
{
	return e->source != EVENT_SOFTWARE;
}

/* Read the gate and do the checks that concern it alone. */
static bool read_gate(struct vcpu *v, const struct event *e, uint64_t *gate)
{
	uint32_t offset = e->vector * 8u, error = offset + 2 + ext_bit(e);

	if (offset + 7 > v->idtr.limit)
		return vcpu_raise(v, VEC_GP, error);
	if (!mmu_read(v, v->idtr.base + offset, gate, 8, 0))
		return false;
	switch (desc_system(*gate)) {
	case DESC_TASK_GATE:
	case DESC_INTERRUPT_GATE16:
	case DESC_TRAP_GATE16:
	case DESC_INTERRUPT_GATE:
	case DESC_TRAP_GATE:
		break;
	default:
		return vcpu_raise(v, VEC_GP, error);
	}
	if (e->source == EVENT_SOFTWARE && desc_dpl(*gate) < v->cpl)
		return vcpu_raise(v, VEC_GP, error);
	if (!(*gate & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	return true;
}

/* The handler's code segment: c->sel gets the privilege level it will run at. */
static bool read_handler(struct vcpu *v, const struct event *e, uint64_t gate, struct code *c)
{
	uint16_t sel = gate >> 16;
	uint32_t error = (sel & SELECTOR_ERROR) + ext_bit(e);
	unsigned dpl;

	if (!code_read(v, sel, VEC_GP, ext_bit(e), &c->desc))
		return false;
	dpl = desc_dpl(c->desc);
	if (!desc_is_code(c->desc) || dpl > v->cpl)
		return vcpu_raise(v, VEC_GP, error);
	if (!(c->desc & DESC_P))
		return vcpu_raise(v, VEC_NP, error);
	if (desc_is_conforming(c->desc))
		dpl = v->cpl;
	c->sel = (sel & ~3u) | dpl;
	c->eip = gate & 0xffff;
	if (desc_type(gate) & 8)
		c->eip |= (gate >> 32) & 0xffff0000;
	return true;
}

static uint32_t pushed_flags(const struct vcpu *v, const struct event *e)
{
	return v->eflags | FLAG_1 | (pushes_rf(e) ? FLAG_RF : 0);
}

static bool push_frame(struct vcpu *v, const struct event *e, struct stack *s, bool inner,
		       unsigned size)
{
	uint32_t frame[6];
	unsigned n = 0;

	if (inner) {
		frame[n++] = v->seg[SEG_SS].sel;
		frame[n++] = v->gpr[R_ESP];
	}
	frame[n++] = pushed_flags(v, e);
	frame[n++] = v->seg[SEG_CS].sel;
	frame[n++] = v->eip;
	if (e->has_error)
		frame[n++] = e->error;
	return stack_push(v, s, frame, n, size);
}

static bool through_task_gate(struct vcpu *v, struct event *e, uint64_t gate)
{
	struct stack s;

	if (!task_enter(v, gate >> 16, TASK_CALL, v->eip, ext_bit(e), &e->switched))
		return false;
	if (!e->has_error)
		return true;
	s = stack_current(v);
	s.error = ext_bit(e);
	if (!stack_push(v, &s, &e->error, 1, 4))
		return false;
	stack_use(v, &s);
	return true;
}

/* One attempt. False: v->fault is set, and nothing changed unless e->switched. */
static bool deliver_once(struct vcpu *v, struct event *e)
{
	struct code c;
	struct stack s;
	uint64_t gate;
	unsigned type;
	bool inner;

	if (!read_gate(v, e, &gate))
		return false;
	type = desc_type(gate);
	if (type == DESC_TASK_GATE)
		return through_task_gate(v, e, gate);
	if (!read_handler(v, e, gate, &c))
		return false;
	inner = selector_rpl(c.sel) < v->cpl;
	s = stack_current(v);
	s.error = ext_bit(e);
	if (inner && !stack_inner(v, selector_rpl(c.sel), ext_bit(e), &s))
		return false;
	if (!code_check(v, &c, ext_bit(e)))
		return false;
	if (!push_frame(v, e, &s, inner, type & 8 ? 4 : 2))
		return false;
	code_use(v, &c);
	stack_use(v, &s);
	v->eflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);
	if (!(type & 1)) /* an interrupt gate, SDM vol. 3, 6.12.1.3 */
		v->eflags &= ~FLAG_IF;
	return true;
}

static void log_event(struct vcpu *v, const struct event *e)
{
	v->events[v->nr_events++ % NR_EVENT_LOG] = (struct event_log){
	    .vector = e->vector,
	    .cpl = v->cpl,
	    .eip = e->source == EVENT_SOFTWARE ? e->insn_eip : v->eip,
	    .error = e->error,
	    .cr2 = v->cr2,
	};
}

/* SDM vol. 3, table 6-4. */
enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum fault_class class_of(uint8_t vector, enum event_source source)
{
	if (source != EVENT_EXCEPTION)
		return BENIGN;
	switch (vector) {
	case VEC_DE:
	case VEC_TS:
	case VEC_NP:
	case VEC_SS:
	case VEC_GP:
		return CONTRIBUTORY;
	case VEC_PF:
		return PAGE_FAULT;
	default:
		return BENIGN;
	}
}

/* An event whose delivery raised v->fault becomes the next event to deliver: SDM vol. 3, table 6-5.
 */
static void next_event(struct vcpu *v, struct event *e)
{
	enum fault_class first = class_of(e->vector, e->source);
	enum fault_class second = class_of(v->fault.vector, EVENT_EXCEPTION);

	if (e->source == EVENT_EXCEPTION && e->vector == VEC_DF)
		triple_fault(v, "an exception while a double fault was delivered");
	if (v->fault.vector == VEC_PF)
		v->cr2 = v->fault.cr2;
	if (e->source == EVENT_SOFTWARE && !e->switched)
		v->eip = e->insn_eip;
	if (second != BENIGN &&
	    (first == PAGE_FAULT || (first == CONTRIBUTORY && second == CONTRIBUTORY)))
		vcpu_raise(v, VEC_DF, 0);
	*e = (struct event){
	    .vector = v->fault.vector,
	    .source = EVENT_EXCEPTION,
	    .has_error = v->fault.has_error,
	    .error = v->fault.error,
	};
	v->fault.raised = false;
}

static void deliver(struct vcpu *v, struct event *e)
{
	v->shadow = false;
	v->halted = false;
	for (;;) {
		log_event(v, e);
		if (e->source == EVENT_EXCEPTION && e->vector == VEC_DB)
			v->dr[7] &= ~DR7_GD; /* SDM vol. 3, 17.2.4 */
		if (deliver_once(v, e))
			return;
		next_event(v, e);
	}
}

void interrupt_fault(struct vcpu *v)
{
	struct event e = {
	    .vector = v->fault.vector,
	    .source = EVENT_EXCEPTION,
	    .has_error = v->fault.has_error,
	    .error = v->fault.error,
	};

	if (e.vector == VEC_PF)
		v->cr2 = v->fault.cr2;
	v->fault.raised = false;
	deliver(v, &e);
}

void interrupt_deliver(struct vcpu *v, uint8_t vector, enum event_source source, uint32_t insn_eip)
{
	struct event e = {.vector = vector, .source = source, .insn_eip = insn_eip};

	if (source == EVENT_EXCEPTION)
		e.has_error = has_error_code(vector);
	deliver(v, &e);
}

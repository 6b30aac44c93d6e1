/* SPDX-License-Identifier: MIT */
/* Fetch and emulate one instruction of the guest, and what that entails: single steps, slots. */
#include "wedge/core/step.h"
#include <Zydis/Mnemonic.h>
#include "wedge/core/emulate.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/sensitive.h"
#include "wedge/core/trace.h"
#include "afterburner/kinds.h"

#define SLOT_FAULT_IRETS 1000

/* A software interrupt takes TF away with it, and a load of ss holds a debug trap off until the
 * next instruction is through (SDM vol. 3, 6.8.3). */
static bool traps_by_tf(const struct insn *in)
{
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INTO:
		return false;
	}
	return !(in->nr_operands && in->op[0].type == OP_SEG && in->op[0].reg == SEG_SS &&
		 (in->mnemonic == ZYDIS_MNEMONIC_MOV || in->mnemonic == ZYDIS_MNEMONIC_POP));
}

/* The padding behind a popf that set TF is an instruction too, and traps. */
static bool padding_traps(const struct vcpu *v, const struct insn *in, uint32_t start)
{
	return (v->eflags & FLAG_TF) && in->advance > in->length && v->eip == start + in->advance;
}

/* See vcpu.h, slot_fault. The frame's place: where iret pops it, the error code gone. */
static void note_slot_fault(struct vcpu *v, bool has_error)
{
	unsigned n = sizeof(v->slot_fault) / sizeof(*v->slot_fault);

	if (v->nr_slot_faults < n)
		n = ++v->nr_slot_faults;
	v->slot_fault[n - 1] = v->gpr[R_ESP] + (has_error ? 4 : 0);
	v->slot_fault_irets = SLOT_FAULT_IRETS;
}

void step_returns(struct vcpu *v, uint32_t esp)
{
	for (unsigned i = 0; i < v->nr_slot_faults; i++)
		if (v->slot_fault[i] == esp)
			v->slot_fault[i--] = v->slot_fault[--v->nr_slot_faults];
	if (v->nr_slot_faults && !--v->slot_fault_irets)
		v->nr_slot_faults = 0;
}

static void deliver_fault(struct vcpu *v, const struct insn *in)
{
	bool in_slot = v->cpl == 0 && (in->advance > in->length || in->slot_off);
	bool has_error = v->fault.has_error;

	interrupt_fault(v);
	if (in_slot && v->cpl == 0)
		note_slot_fault(v, has_error);
}

bool step_execute(struct vcpu *v, const struct insn *in)
{
	bool tf = v->eflags & FLAG_TF, shadow = v->shadow;
	uint32_t rf = v->eflags & FLAG_RF, start = v->eip;
	enum emulate_result result;

	v->shadow = false;
	v->eflags &= ~FLAG_RF;
	trace_begin(v);
	result = emulate(v, in);
	trace_end(v);
	switch (result) {
	case EMULATE_FAULT:
		deliver_fault(v, in);
		return true;
	case EMULATE_UNSUPPORTED:
		v->shadow = shadow;
		v->eflags |= rf;
		return false;
	case EMULATE_DONE:
		break;
	}
	if ((tf && traps_by_tf(in)) || padding_traps(v, in, start)) {
		v->dr[6] |= DR6_BS;
		v->debug_trap = true;
	}
	return true;
}

/* Behind a site's instruction the CPU goes on behind its slot, and so do the calls and interrupts
 * it makes. */
static const struct insn *site_insn(struct site *s)
{
	s->insn.advance = (uint8_t)(s->slot_len - s->insn_off);
	s->insn.slot_off = s->insn_off;
	return &s->insn;
}

/* Is this the jump that stands in a site's slot? In ring 3 other code may stand at the same
 * address. */
static bool is_patch(const struct vcpu *v, const struct site *s, const struct insn *in)
{
	return s->rewritten && linear_eip(v) == s->slot && in->mnemonic == ZYDIS_MNEMONIC_JMP &&
	       in->op[0].type == OP_IMM &&
	       linear_eip(v) + in->length + in->op[0].imm == s->trampoline;
}

bool step_fetch(struct vcpu *v, struct insn *in)
{
	struct site *s = machine_site_at(v->machine, linear_eip(v));

	if (s && v->cpl == 0 && s->rewritten && linear_eip(v) == s->slot + s->insn_off) {
		*in = *site_insn(s);
		return true;
	}
	if (!emulate_fetch(v, in))
		return false;
	if (s && is_patch(v, s, in)) {
		v->eip += s->insn_off;
		*in = *site_insn(s);
	}
	return true;
}

void step_site(struct vcpu *v, struct site *s)
{
	char text[64];

	s->exits++;
	if (s->kind == AB_MEM)
		sensitive_judge(v, &s->insn);
	if (!step_execute(v, site_insn(s)))
		guest_unsupported(v, "site %s: %s", "instruction not emulated",
				  insn_format(&s->insn, v->eip, text, sizeof(text)));
}

_Noreturn void step_cannot(struct vcpu *v, const struct insn *in, const char *why)
{
	char text[64];

	guest_unsupported(v, "%s at %08x: %s", why, v->eip,
			  insn_format(in, v->eip, text, sizeof(text)));
}

void step_here(struct vcpu *v, const char *why)
{
	struct insn in;

	if (!step_fetch(v, &in))
		interrupt_fault(v);
	else if (!step_execute(v, &in))
		step_cannot(v, &in, why);
}

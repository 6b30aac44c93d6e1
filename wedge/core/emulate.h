/* SPDX-License-Identifier: MIT */
/* Decode and emulate: what the monitor does for a site without fast path and for whatever traps. */
#ifndef WEDGE_CORE_EMULATE_H
#define WEDGE_CORE_EMULATE_H

#include "wedge/core/machine.h"

enum emulate_result {
	EMULATE_DONE,        /* executed; v->eip is where the CPU goes on */
	EMULATE_FAULT,       /* v->fault is set, nothing else changed (except rep progress) */
	EMULATE_UNSUPPORTED, /* not known to the emulator */
};

/*
 * Execute one instruction that stands at v->eip, exactly as the CPU would at v->cpl: privilege
 * checks, registers, flags, memory through segments and page tables, devices. v->shadow is set by
 * sti and loads of ss. TF and debug traps are the caller's business.
 */
enum emulate_result emulate(struct vcpu *v, const struct insn *in);

/*
 * Fetch and decode at v->eip. False: v->fault holds the #PF or #GP of the fetch, or #UD. Decoding
 * uses the SSE registers, see insn.h.
 */
bool emulate_fetch(struct vcpu *v, struct insn *in);

/* Can emulate() do this instruction? */
bool emulate_knows(const struct insn *in);

/* Fetch, decode and emulate at v->eip. */
enum emulate_result emulate_at_eip(struct vcpu *v);

/* Offset of a memory operand (before segmentation), from the present registers. */
uint32_t operand_offset(const struct vcpu *v, const struct insn *in, const struct operand *op);

#endif

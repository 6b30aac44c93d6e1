/* SPDX-License-Identifier: MIT */
/* One instruction of the guest by the emulator, for exit.c, resume.c and return.c. */
#ifndef WEDGE_CORE_STEP_H
#define WEDGE_CORE_STEP_H

#include "wedge/core/machine.h"

#define DR6_BS 0x4000u

static inline uint32_t linear_eip(const struct vcpu *v)
{
	return v->seg[SEG_CS].base + v->eip;
}

/*
 * Read and decode the instruction at eip. A site's own bytes have been overwritten by its jump: its
 * instruction comes from the record, and eip goes to where it stood. False: v->fault is set (#PF or
 * #GP of the fetch, or #UD).
 */
bool step_fetch(struct vcpu *v, struct insn *in);
/* Emulate one instruction at v->eip; a fault of its own is delivered. False: not known to the
 * emulator, nothing changed. */
bool step_execute(struct vcpu *v, const struct insn *in);
/* A site's instruction, v->eip standing at it. */
void step_site(struct vcpu *v, struct site *s);
/* Fetch and execute; what the emulator does not know ends the machine, and `why` it was needed is
 * told. */
void step_here(struct vcpu *v, const char *why);
/* An iret in ring 0 is about to pop the frame at esp. */
void step_returns(struct vcpu *v, uint32_t esp);
/* What the CPU has run into is beyond the emulator. */
_Noreturn void step_cannot(struct vcpu *v, const struct insn *in, const char *why);

/* Everything between the handling of an exit and the guest: traps, devices, interrupts, halt.
 * guard: CR0.TS and EM as they were at the exit. */
void resume_guest(struct vcpu *v, uint32_t guard);

#endif

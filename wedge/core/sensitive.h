/* SPDX-License-Identifier: MIT */
/*
 * Which linear addresses are sensitive: a byte for each granule of 64 KiB, not 0 where memory
 * operations are worth a call of the monitor. Trampolines of memory sites test it before they
 * access (wedge/stubs/templates.S). It is a hint: where it says too much, the monitor does a plain
 * access; where it says too little, the access traps.
 */
#ifndef WEDGE_CORE_SENSITIVE_H
#define WEDGE_CORE_SENSITIVE_H

#include "wedge/core/machine.h"

#define SENSITIVE_SIZE 0x10000u /* of machine.sensitive, in bytes */

/* An access there has trapped, because there is no RAM or a page table is watched. */
void sensitive_mark(struct machine *m, uint32_t linear);
/* A memory site is about to be emulated: forget its granule if it keeps asking for RAM. */
void sensitive_judge(struct vcpu *v, const struct insn *in);
/* Nothing is sensitive until it traps. */
void sensitive_reset(struct machine *m);

#endif

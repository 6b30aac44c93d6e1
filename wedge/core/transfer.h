/* SPDX-License-Identifier: MIT */
/* What the transfers of control share; for interrupt.c, far.c, return.c and task.c alone. */
#ifndef WEDGE_CORE_TRANSFER_H
#define WEDGE_CORE_TRANSFER_H

#include "wedge/core/vcpu.h"

/* A stack being pushed to or popped from, before it becomes (or without becoming) the CPU's. */
struct stack {
	struct segment ss;
	uint32_t esp;
	unsigned cpl;   /* whose rights the accesses have */
	uint32_t error; /* error code of #SS when the limit is exceeded */
};

struct stack stack_current(const struct vcpu *v);
/* The stack of an inner level, from the TSS, checked (SDM vol. 3, 5.8.5); errors are #TS and #SS.
 */
bool stack_inner(struct vcpu *v, unsigned dpl, uint32_t ext, struct stack *s);
/* The stack that an outer return pops, checked; errors are #GP and #SS. */
bool stack_outer(struct vcpu *v, uint16_t sel, uint32_t esp, unsigned rpl, struct stack *s);
/* Make it the CPU's. The privilege level must have been set. */
void stack_use(struct vcpu *v, const struct stack *s);

/* Push n values of 2 or 4 bytes, the first one first. On false v->fault is set and s->esp of no
 * use. */
bool stack_push(struct vcpu *v, struct stack *s, const uint32_t *values, unsigned n, unsigned size);
bool stack_pop(struct vcpu *v, struct stack *s, uint32_t *value, unsigned size);
/* Move the pointer without an access. */
void stack_skip(struct stack *s, uint32_t bytes);

/* A code segment that control goes to. */
struct code {
	uint16_t sel; /* RPL already what CPL becomes */
	uint64_t desc;
	uint32_t eip;
};

/* Read the descriptor of a code segment: null -> vector(ext), beyond the table -> vector(sel +
 * ext). */
bool code_read(struct vcpu *v, uint16_t sel, uint8_t vector, uint32_t ext, uint64_t *desc);
/* Is the instruction pointer within the segment? Else #GP(ext). Marks the segment accessed. */
bool code_check(struct vcpu *v, struct code *c, uint32_t ext);
/* Load cs:eip; the privilege level becomes the selector's RPL. */
void code_use(struct vcpu *v, const struct code *c);

#endif

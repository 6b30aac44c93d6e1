/* SPDX-License-Identifier: MIT */
/* Hardware task switches, SDM vol. 3, chapter 7. */
#ifndef WEDGE_CORE_TASK_H
#define WEDGE_CORE_TASK_H

#include "wedge/core/vcpu.h"

enum task_switch {
	TASK_JUMP, /* jmp to a TSS or a task gate */
	TASK_CALL, /* call, exception or interrupt: the new task links back */
	TASK_IRET, /* iret with NT set */
};

/*
 * Switch to the task of an available (TASK_IRET: busy) TSS that the caller has checked. saved_eip
 * goes into the old TSS. False with v->fault set: either nothing changed, or *switched is true and
 * the fault is to be delivered in the new task (SDM vol. 3, 7.3, step 13 and after). ext is the EXT
 * bit of error codes.
 */
bool task_switch(struct vcpu *v, uint16_t sel, uint64_t desc, enum task_switch how,
		 uint32_t saved_eip, uint32_t ext, bool *switched);

/* The stack for an inner privilege level from the present TSS. False: #TS is set. */
bool task_inner_stack(struct vcpu *v, unsigned dpl, uint32_t ext, uint16_t *ss, uint32_t *esp);

/*
 * What a jmp or call through a task gate or to a TSS, and a task gate in the IDT, have in common:
 * check the TSS and switch.
 */
bool task_enter(struct vcpu *v, uint16_t sel, enum task_switch how, uint32_t saved_eip,
		uint32_t ext, bool *switched);
/* iret with NT set: back to the task that the link of the present TSS names. */
bool task_return(struct vcpu *v, uint32_t saved_eip);

#endif

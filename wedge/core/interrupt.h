/* SPDX-License-Identifier: MIT */
/* Exceptions, interrupts and the far transfers of control, SDM vol. 3, chapter 6, and vol. 2. */
#ifndef WEDGE_CORE_INTERRUPT_H
#define WEDGE_CORE_INTERRUPT_H

#include "wedge/core/vcpu.h"

enum event_source {
	EVENT_EXCEPTION,
	EVENT_EXTERNAL,
	EVENT_SOFTWARE /* int n, int3, into: DPL is checked */
};

/* Record an exception in v->fault; always returns false so that callers can `return
 * vcpu_raise(...)`. */
bool vcpu_raise(struct vcpu *v, uint8_t vector,
		uint32_t error); /* with error code if the vector has one */
bool vcpu_raise_pf(struct vcpu *v, uint32_t linear, uint32_t error);

/* Deliver v->fault through the guest's IDT: double and triple faults included. Clears v->fault. */
void interrupt_fault(struct vcpu *v);
/* Deliver an event. For EVENT_SOFTWARE v->eip must already be behind the instruction;
 * if delivery faults, that fault is delivered with eip = insn_eip. */
void interrupt_deliver(struct vcpu *v, uint8_t vector, enum event_source source, uint32_t insn_eip);

/* The instructions. Each: true when done (v->eip is set), false with v->fault set and no state
 * changed. next_eip: address behind the instruction (what a call or a task switch saves). opsize: 2
 * or 4. A task switch may end in the new task with a fault of its own delivered already. */
bool interrupt_iret(struct vcpu *v, unsigned opsize, uint32_t next_eip);
bool far_jump(struct vcpu *v, uint16_t sel, uint32_t offset, unsigned opsize, uint32_t next_eip);
bool far_call(struct vcpu *v, uint16_t sel, uint32_t offset, unsigned opsize, uint32_t next_eip);
bool far_return(struct vcpu *v, unsigned opsize, uint16_t pop_bytes);
/* sysenter and sysexit by the MSRs; privilege is checked here. */
bool far_sysenter(struct vcpu *v);
bool far_sysexit(struct vcpu *v);

/* No way to go on: print registers, control registers, last events, backtrace; end the machine with
 * WEDGE_EXIT_TRIPLE_FAULT. */
_Noreturn void triple_fault(struct vcpu *v, const char *why);
/* The guest did what the wedge does not support: name it, report as above, exit
 * WEDGE_EXIT_UNSUPPORTED. */
_Noreturn void __attribute__((format(printf, 2, 3)))
guest_unsupported(struct vcpu *v, const char *fmt, ...);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Between the handling of an exit and the guest, in this order: traps of the instruction that was
 * emulated, devices that are due, external interrupts, halt, what must not run in ring 3 as it is.
 */
#include <Zydis/Mnemonic.h>
#include "wedge/core/fpu.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/step.h"
#include "wedge/platform.h"

/* The rewritten slot that eip stands in, behind its first byte; null if there is none. */
static struct site *inside_slot(struct vcpu *v, uint32_t *offset)
{
	struct site *s;

	if (v->cpl || !(v->machine->nr_sites + v->machine->nr_late))
		return NULL;
	s = machine_site_at(v->machine, linear_eip(v));
	if (!s || !s->rewritten)
		return NULL;
	*offset = linear_eip(v) - s->slot;
	return *offset ? s : NULL;
}

/*
 * An address inside a rewritten slot, as a handler makes it that steps over an instruction by its
 * length or comes back to one behind its padding: there the jump's bytes stand. Behind the
 * instruction only padding is left; before it or at it, the instruction is executed here, after the
 * traps that are due.
 */
static void leave_slot(struct vcpu *v)
{
	struct site *s;
	uint32_t offset;

	while ((s = inside_slot(v, &offset))) {
		if (offset > s->insn_off) {
			v->eip += s->slot_len - offset;
			return;
		}
		if (v->debug_trap)
			return;
		v->eip += s->insn_off - offset;
		step_site(v, s);
	}
}

static void deliver_traps(struct vcpu *v)
{
	if (!v->debug_trap)
		return;
	v->debug_trap = false;
	interrupt_deliver(v, VEC_DB, EVENT_EXCEPTION, 0);
}

static void deliver_external(struct vcpu *v)
{
	struct bus *b = &v->machine->bus;

	bus_run(b, platform_now());
	while (vcpu_interruptible(v) && irq_pending(b)) {
		v->halted = false;
		interrupt_deliver(v, irq_acknowledge(b), EVENT_EXTERNAL, 0);
	}
}

static void wait_halted(struct vcpu *v)
{
	struct bus *b = &v->machine->bus;

	if (v->halted)
		v->hold = false;
	while (v->halted && !v->stop) {
		if (!(v->eflags & FLAG_IF)) {
			platform_message(
			    "the guest halted with interrupts off at %08x: nothing can wake it",
			    v->eip);
			platform_exit(v->machine, WEDGE_EXIT_HALTED);
		}
		platform_idle(bus_deadline(b));
		deliver_external(v);
	}
}

/*
 * Ring 3 cannot be made to trap FPU instructions here: with CR0.TS set #NM comes before the first
 * instruction in ring 3 rather than at the first FPU instruction. An operating system that switches
 * the FPU lazily sees more #NMs than on a real CPU and no other difference. It comes once for an
 * address: a handler that leaves TS set meets no second one there. CR0.EM is not treated so, since
 * no handler could make sense of it.
 */
static void deliver_nm(struct vcpu *v)
{
	if (!(v->cr0 & CR0_TS))
		v->nm_injected =
		    false; /* handled: the same address may be another thread's next time */
	if (v->cpl != 3 || !(v->cr0 & CR0_TS))
		return;
	if (v->nm_injected && v->nm_eip == v->eip)
		return;
	v->nm_injected = true;
	v->nm_eip = v->eip;
	vcpu_raise(v, VEC_NM, 0);
	interrupt_fault(v);
}

/*
 * Ring 3 is about to go on above the user limit, where no real %cs for it reaches: an interrupt
 * came between its jump there and the fetch, and the guest's iret leads back. The fetch is made
 * here: it faults, or it raises the limit.
 */
static void reach_eip(struct vcpu *v)
{
	uint32_t limit = v->machine->user_limit;
	uint8_t byte;

	if (v->cpl != 3 || !limit || linear_eip(v) < limit)
		return;
	if (!mmu_fetch(v, linear_eip(v), &byte, 1, v->cpl))
		interrupt_fault(v);
}

#define AHEAD 16 /* instructions */

/*
 * Ring 0 has just set TS or EM. Nothing on the host traps its FPU instructions either, so the next
 * few instructions are looked at one by one: an FPU instruction among them gets its exception, as a
 * kernel expects that tries whether it is there. What comes later runs unguarded in ring 0.
 */
static void run_ahead(struct vcpu *v)
{
	struct insn in;

	for (unsigned n = 0; n < AHEAD && v->cpl == 0 && fpu_guarded(v); n++) {
		if (v->halted || v->debug_trap || v->hold ||
		    (vcpu_interruptible(v) && irq_pending(&v->machine->bus)))
			return;
		if (!step_fetch(v, &in)) {
			v->fault.raised = false; /* it will fault by itself */
			return;
		}
		if (!fpu_allowed(v, &in)) {
			interrupt_fault(v);
			return;
		}
		if (in.mnemonic == ZYDIS_MNEMONIC_INT3)
			return; /* it may be a debugger's */
		if (!step_execute(v, &in))
			return;
	}
}

void resume_guest(struct vcpu *v, uint32_t guard)
{
	if ((v->cr0 & (CR0_TS | CR0_EM)) & ~guard)
		run_ahead(v);
	leave_slot(v);
	deliver_traps(v);
	deliver_external(v);
	wait_halted(v);
	reach_eip(v);
	deliver_nm(v);
	platform_timer(bus_deadline(&v->machine->bus));
}

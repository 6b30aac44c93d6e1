/* SPDX-License-Identifier: MIT */
/*
 * vcpu_exit: from why the guest stopped to where it goes on. A site's instruction is emulated; a
 * page fault fills the shadow; #GP and its like are looked into for what the guest's own CPU would
 * have done; other exceptions and system calls are delivered. Then come traps, devices, external
 * interrupts, halt and the timer.
 */
#include <Zydis/Zydis.h>
#include "wedge/core/control.h"
#include "wedge/core/emulate.h"
#include "wedge/core/fpu.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/machine.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/platform.h"

#define DR6_BS 0x4000u

static uint32_t linear_eip(const struct vcpu *v)
{
	return v->seg[SEG_CS].base + v->eip;
}

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

/* Emulate one instruction at v->eip; a fault of its own is delivered. False: not known to the
 * emulator, nothing changed. */
static bool execute(struct vcpu *v, const struct insn *in)
{
	bool tf = v->eflags & FLAG_TF, shadow = v->shadow;
	uint32_t rf = v->eflags & FLAG_RF, start = v->eip;

	v->shadow = false;
	v->eflags &= ~FLAG_RF;
	switch (emulate(v, in)) {
	case EMULATE_FAULT:
		interrupt_fault(v);
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

/*
 * Read and decode the instruction at eip. A site's own bytes have been overwritten by its jump: its
 * instruction comes from the record, and eip goes to where it stood. False: v->fault is set (#PF or
 * #GP of the fetch, or #UD).
 */
static bool fetch(struct vcpu *v, struct insn *in)
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

static void execute_site(struct vcpu *v, struct site *s)
{
	char text[64];

	s->exits++;
	if (!execute(v, site_insn(s)))
		guest_unsupported(v, "site %s: %s", "instruction not emulated",
				  insn_format(&s->insn, v->eip, text, sizeof(text)));
}

/* What the CPU has run into is beyond the emulator. */
static _Noreturn void cannot_emulate(struct vcpu *v, const struct insn *in, const char *why)
{
	char text[64];

	guest_unsupported(v, "%s at %08x: %s", why, v->eip,
			  insn_format(in, v->eip, text, sizeof(text)));
}

static void emulate_here(struct vcpu *v, const char *why)
{
	struct insn in;

	if (!fetch(v, &in))
		interrupt_fault(v);
	else if (!execute(v, &in))
		cannot_emulate(v, &in, why);
}

/* #NM comes before any fault of an operand. True: it was delivered. */
static bool fpu_fault(struct vcpu *v)
{
	struct insn in;

	if (!fpu_guarded(v))
		return false;
	if (!fetch(v, &in) || fpu_allowed(v, &in)) {
		v->fault.raised = false;
		return false;
	}
	interrupt_fault(v);
	return true;
}

static void page_fault(struct vcpu *v, const struct exit *x)
{
	if (!(x->error & PF_FETCH) && fpu_fault(v))
		return;
	switch (shadow_fault(v, x->address, x->error & (PF_WRITE | PF_FETCH))) {
	case SHADOW_FILLED:
		return;
	case SHADOW_FAULT:
		interrupt_fault(v);
		return;
	case SHADOW_EMULATE:
		emulate_here(v, "access to memory that the host cannot map");
		return;
	}
}

/* Which ModRM.reg of the x87 opcodes d8-df with a memory operand store to it: SDM vol. 2, A.5.2. */
static const uint8_t x87_stores[8] = {0, 0xcc, 0, 0x8e, 0, 0xce, 0, 0xce};

/* Does an instruction that the emulator does not know write its memory operand? */
static bool writes_memory(const struct insn *in, unsigned operand)
{
	unsigned i = 0;

	if (operand)
		return false;
	while (i + 1 < in->length && (in->bytes[i] & 0xf8) != 0xd8 && in->bytes[i] != 0x0f)
		i++;
	if ((in->bytes[i] & 0xf8) == 0xd8)
		return x87_stores[in->bytes[i] & 7] >> (in->bytes[i + 1] >> 3 & 7) & 1;
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_CMP:
	case ZYDIS_MNEMONIC_TEST:
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_XRSTOR:
	case ZYDIS_MNEMONIC_LDMXCSR:
	case ZYDIS_MNEMONIC_VLDMXCSR:
		return false;
	default:
		return true;
	}
}

/*
 * Check the explicit memory operands of an instruction against the guest's own segments and tables.
 * False: v->fault is set. *beyond: one of them is fine for the guest, yet beyond the highest user
 * limit there can be.
 */
static bool check_operands(struct vcpu *v, const struct insn *in, bool *beyond)
{
	for (unsigned i = 0; i < in->nr_operands; i++) {
		const struct operand *op = &in->op[i];
		bool write = writes_memory(in, i);
		uint32_t linear, size = op->size ? op->size : 1;
		struct translation t;

		if (op->type != OP_MEM)
			continue;
		if (!segment_linear(v, op->seg, operand_offset(v, in, op), size, write, &linear) ||
		    !mmu_translate(v, linear, write ? ACCESS_WRITE : ACCESS_READ, v->cpl, &t) ||
		    !mmu_translate(v, linear + size - 1, write ? ACCESS_WRITE : ACCESS_READ, v->cpl,
				   &t))
			return false;
		*beyond = *beyond || (v->cpl == 3 && linear + size - 1 >= v->machine->user_limit);
	}
	return true;
}

static void deliver_host(struct vcpu *v, const struct exit *x)
{
	vcpu_raise(v, x->vector, x->error);
	interrupt_fault(v);
}

/*
 * #GP, #SS, #NP, #TS and #UD of the host. Its segments and its ring are not the guest's: what the
 * guest's CPU would have done is found by doing it. In ring 0 that is a privileged instruction
 * which nobody padded. In ring 3 it is int n, a segment load, a port, an access above the user
 * limit. Only when the emulator has no opinion is it the guest's own fault.
 */
static void protection_fault(struct vcpu *v, const struct exit *x)
{
	uint32_t address = linear_eip(v), limit = v->machine->user_limit;
	bool beyond = false, kernel = v->cpl == 0;
	struct insn in;

	if (!fetch(v, &in) || !fpu_allowed(v, &in)) {
		interrupt_fault(v);
		return;
	}
	if (execute(v, &in)) {
		if (kernel)
			machine_count_trap(v->machine, address);
		return;
	}
	if (x->vector == VEC_UD) {
		deliver_host(v, x);
		return;
	}
	if (!check_operands(v, &in, &beyond)) {
		interrupt_fault(v);
		return;
	}
	if (v->machine->user_limit != limit)
		return; /* checking has moved the limit: let it run again */
	if (beyond)
		cannot_emulate(v, &in, "user access above the user limit");
	deliver_host(v, x);
}

/* int3, int 3, into and int 4 run natively and trap behind the instruction. */
static void software_trap(struct vcpu *v, uint8_t vector)
{
	uint8_t opcode[2] = {0};
	uint32_t length = 1;

	if (mmu_fetch(v, linear_eip(v) - 2, opcode, 2, v->cpl) == 2 && opcode[0] == 0xcd &&
	    opcode[1] == vector)
		length = 2;
	v->fault.raised = false;
	interrupt_deliver(v, vector, EVENT_SOFTWARE, v->eip - length);
}

/* A single step by the guest's TF (which the instruction may have cleared), or int1, which sets
 * nothing in DR6. */
static void debug_exception(struct vcpu *v)
{
	uint8_t opcode = 0;

	if (!(v->eflags & FLAG_TF) && !mmu_fetch(v, linear_eip(v) - 1, &opcode, 1, v->cpl))
		v->fault.raised = false;
	if (opcode != 0xf1)
		v->dr[6] |= DR6_BS;
	interrupt_deliver(v, VEC_DB, EVENT_EXCEPTION, 0);
}

/* The host checks alignment in every ring, the guest only in ring 3 with CR0.AM. */
static void alignment_fault(struct vcpu *v, const struct exit *x)
{
	if (v->cpl == 3 && (v->cr0 & CR0_AM) && (v->eflags & FLAG_AC))
		deliver_host(v, x);
	else
		emulate_here(v, "misaligned access");
}

static void exception_exit(struct vcpu *v, const struct exit *x)
{
	v->machine->exceptions[x->vector & 31]++;
	switch (x->vector) {
	case VEC_PF:
		page_fault(v, x);
		break;
	case VEC_GP:
	case VEC_SS:
	case VEC_NP:
	case VEC_TS:
	case VEC_UD:
		protection_fault(v, x);
		break;
	case VEC_BP:
	case VEC_OF:
		software_trap(v, x->vector);
		break;
	case VEC_DB:
		debug_exception(v);
		break;
	case VEC_AC:
		alignment_fault(v, x);
		break;
	case VEC_MF:
		if (!(v->cr0 & CR0_NE))
			guest_unsupported(v, "x87 errors by IRQ 13 (CR0.NE clear)");
		deliver_host(v, x);
		break;
	default:
		deliver_host(v, x);
	}
}

/* The system call instructions by the bytes before eip; the host leaves eip elsewhere after
 * sysenter. */
static void syscall_exit(struct vcpu *v, const struct exit *x)
{
	uint8_t opcode[2] = {0};

	v->shadow = false;
	if (x->fast && selector_null(v->msr.sysenter_cs)) { /* neither is in CPUID */
		vcpu_raise(v, VEC_UD, 0);
		interrupt_fault(v);
		return;
	}
	if (mmu_fetch(v, linear_eip(v) - 2, opcode, 2, v->cpl) != 2)
		v->fault.raised = false;
	if (opcode[0] == 0xcd) {
		interrupt_deliver(v, opcode[1], EVENT_SOFTWARE, v->eip - 2);
		return;
	}
	if (opcode[0] == 0x0f && opcode[1] == 0x05) { /* syscall: not in CPUID, EFER.SCE clear */
		v->eip -= 2;
		vcpu_raise(v, VEC_UD, 0);
		interrupt_fault(v);
		return;
	}
	if (!far_sysenter(v))
		interrupt_fault(v);
}

/*
 * An address inside a rewritten slot, as a handler makes it that steps over an instruction by its
 * length or comes back to one behind its padding: there the jump's bytes stand. True: something was
 * executed.
 */
static bool leave_slot(struct vcpu *v)
{
	struct site *s;
	uint32_t offset;

	if (v->cpl || !v->machine->nr_sites)
		return false;
	s = machine_site_at(v->machine, linear_eip(v));
	if (!s || !s->rewritten || linear_eip(v) == s->slot)
		return false;
	offset = linear_eip(v) - s->slot;
	if (offset > s->insn_off) {
		v->eip += s->slot_len - offset;
		return false;
	}
	v->eip += s->insn_off - offset;
	execute_site(v, s);
	return true;
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

	while (v->halted) {
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
		if (v->halted || v->debug_trap ||
		    (vcpu_interruptible(v) && irq_pending(&v->machine->bus)))
			return;
		if (!fetch(v, &in)) {
			v->fault.raised = false; /* it will fault by itself */
			return;
		}
		if (!fpu_allowed(v, &in)) {
			interrupt_fault(v);
			return;
		}
		if (!execute(v, &in))
			return;
	}
}

static void finish(struct vcpu *v)
{
	do
		deliver_traps(v);
	while (leave_slot(v));
	deliver_external(v);
	wait_halted(v);
	reach_eip(v);
	deliver_nm(v);
	platform_timer(bus_deadline(&v->machine->bus));
}

void vcpu_exit(struct vcpu *v, const struct exit *x)
{
	struct machine *m = v->machine;
	uint32_t guard = v->cr0 & (CR0_TS | CR0_EM);

	m->exits[x->kind]++;
	switch (x->kind) {
	case EXIT_SITE:
		execute_site(v, &m->sites[x->site]);
		break;
	case EXIT_EXCEPTION:
		exception_exit(v, x);
		break;
	case EXIT_SYSCALL:
		syscall_exit(v, x);
		break;
	case EXIT_EMULATE:
		emulate_here(v, "instruction with a stack segment that is not flat");
		break;
	case EXIT_INTERRUPT:
	case NR_EXIT_KINDS:
		break;
	}
	if ((v->cr0 & (CR0_TS | CR0_EM)) & ~guard)
		run_ahead(v);
	finish(v);
}

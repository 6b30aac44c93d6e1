/* SPDX-License-Identifier: MIT */
/*
 * vcpu_exit: from why the guest stopped to where it goes on. A site's instruction is emulated; a
 * page fault fills the shadow; #GP and its like are looked into for what the guest's own CPU would
 * have done; other exceptions and system calls are delivered. resume.c does the rest.
 */
#include <Zydis/Mnemonic.h>
#include "wedge/core/emulate.h"
#include "wedge/core/fpu.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/core/step.h"
#include "wedge/core/trace.h"
#include "wedge/platform.h"

/* #NM comes before any fault of an operand. True: it was delivered. */
static bool fpu_fault(struct vcpu *v)
{
	struct insn in;

	if (!fpu_guarded(v))
		return false;
	if (!step_fetch(v, &in) || fpu_allowed(v, &in)) {
		v->fault.raised = false;
		return false;
	}
	interrupt_fault(v);
	return true;
}

/* There is nothing that the host could map, or it must not. */
static void emulate_access(struct vcpu *v, uint32_t linear)
{
	struct insn in;

	if (!step_fetch(v, &in))
		interrupt_fault(v);
	else if (!step_execute(v, &in) && !trace_release(v, linear))
		step_cannot(v, &in, "access to memory that the host cannot map");
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
		if (v->cpl == 0)
			machine_count_trap(v->machine, linear_eip(v));
		emulate_access(v, x->address);
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

	if (!step_fetch(v, &in) || !fpu_allowed(v, &in)) {
		interrupt_fault(v);
		return;
	}
	if (!kernel && platform_segment_fault(v, &in))
		return;
	if (step_execute(v, &in)) {
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
		step_cannot(v, &in, "user access above the user limit");
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
		step_here(v, "misaligned access");
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

void vcpu_exit(struct vcpu *v, const struct exit *x)
{
	struct machine *m = v->machine;
	uint32_t guard = v->cr0 & (CR0_TS | CR0_EM);

	m->exits[x->kind]++;
	switch (x->kind) {
	case EXIT_SITE:
		step_site(v, &m->sites[x->site]);
		break;
	case EXIT_EXCEPTION:
		exception_exit(v, x);
		break;
	case EXIT_SYSCALL:
		syscall_exit(v, x);
		break;
	case EXIT_EMULATE:
		step_here(v, "instruction with a stack segment that is not flat");
		break;
	case EXIT_INTERRUPT:
	case NR_EXIT_KINDS:
		break;
	}
	resume_guest(v, guard);
}

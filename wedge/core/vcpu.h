/* SPDX-License-Identifier: MIT */
/*
 * The virtual CPU: everything the Intel manual calls processor state, as the guest believes it to
 * be. While the guest runs, part of this state lives in real registers and in the window
 * (wedge/stubs/window.h); whenever C code of the wedge runs, this structure is complete and true.
 */
#ifndef WEDGE_CORE_VCPU_H
#define WEDGE_CORE_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gpr { R_EAX, R_ECX, R_EDX, R_EBX, R_ESP, R_EBP, R_ESI, R_EDI, NR_GPRS };
enum segreg {
	SEG_ES,
	SEG_CS,
	SEG_SS,
	SEG_DS,
	SEG_FS,
	SEG_GS,
	NR_SEGS
}; /* encoding order, SDM vol. 2, 3.1.1.3 */

/* EFLAGS, SDM vol. 1, 3.4.3 */
#define FLAG_CF 0x1u
#define FLAG_1 0x2u /* reads as one */
#define FLAG_PF 0x4u
#define FLAG_AF 0x10u
#define FLAG_ZF 0x40u
#define FLAG_SF 0x80u
#define FLAG_TF 0x100u
#define FLAG_IF 0x200u
#define FLAG_DF 0x400u
#define FLAG_OF 0x800u
#define FLAG_IOPL 0x3000u
#define FLAG_NT 0x4000u
#define FLAG_RF 0x10000u
#define FLAG_VM 0x20000u
#define FLAG_AC 0x40000u
#define FLAG_VIF 0x80000u
#define FLAG_VIP 0x100000u
#define FLAG_ID 0x200000u
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* Control registers, SDM vol. 3, 2.5 */
#define CR0_PE 0x1u
#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_VME 0x1u
#define CR4_PVI 0x2u
#define CR4_TSD 0x4u
#define CR4_DE 0x8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_MCE 0x40u
#define CR4_PGE 0x80u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_OSXSAVE 0x40000u

/* Exceptions, SDM vol. 3, 6.15 */
enum vector {
	VEC_DE = 0,
	VEC_DB = 1,
	VEC_NMI = 2,
	VEC_BP = 3,
	VEC_OF = 4,
	VEC_BR = 5,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_DF = 8,
	VEC_TS = 10,
	VEC_NP = 11,
	VEC_SS = 12,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_MF = 16,
	VEC_AC = 17,
	VEC_MC = 18,
	VEC_XM = 19,
};

/* Page-fault error code, SDM vol. 3, 4.7 */
#define PF_PRESENT 0x1u
#define PF_WRITE 0x2u
#define PF_USER 0x4u
#define PF_RSVD 0x8u
#define PF_FETCH 0x10u

/* A segment register: the visible selector and the hidden descriptor cache, SDM vol. 3, 3.4.3. */
struct segment {
	uint16_t sel;
	uint16_t host; /* selector the platform really loads; its business alone */
	uint32_t base;
	uint32_t
	    limit; /* last valid offset, in bytes, after granularity (expand-down: SDM 3.4.5.1) */
	uint64_t
	    desc; /* the descriptor as it stood in the table when loaded; 0 for a null selector */
	bool usable; /* false after loading a null selector */
};

struct table {
	uint32_t base;
	uint16_t limit;
};

/* An exception that an operation raised and that is still to be delivered. */
struct fault {
	bool raised;
	bool has_error;
	uint8_t vector;
	uint32_t error;
	uint32_t cr2; /* meaningful for VEC_PF: becomes CR2 at delivery */
};

/* One event as the triple-fault report lists them. */
struct event_log {
	uint8_t vector;
	uint8_t cpl;
	uint32_t eip, error, cr2;
};
#define NR_EVENT_LOG 16

struct machine;

struct vcpu {
	uint32_t gpr[NR_GPRS];
	uint32_t eip;
	uint32_t eflags; /* the guest's: IF, IOPL and so on are the virtual ones */
	struct segment seg[NR_SEGS];
	struct segment ldtr, tr;
	struct table gdtr, idtr;
	uint32_t cr0, cr2, cr3, cr4;
	uint32_t dr[8];
	uint64_t pdpte[4]; /* PAE: loaded by mov to cr3, SDM vol. 3, 4.4.1 */
	uint8_t cpl;
	bool halted;
	bool shadow; /* one instruction must run before an interrupt: after sti, mov/pop ss */
	bool hold;   /* a debugger steps: external interrupts wait, unless for hlt */
	bool stop; /* a debugger or console wants a word: vcpu_exit returns though the CPU is halted
		    */
	bool nmi_blocked;
	/*
	 * Where the frames of faults lie whose handlers, by iret, may lead into a rewritten slot:
	 * they step over an instruction by its length, or come back to one behind its padding.
	 * While there are any the platform lets no iret in ring 0 pass by the monitor.
	 */
	uint32_t slot_fault[4];
	uint8_t nr_slot_faults;
	uint16_t slot_fault_irets; /* irets until they are given up: a handler need not return */
	bool nm_injected; /* an eager #NM was delivered for nm_eip: not again before it moved on */
	uint32_t nm_eip;
	bool debug_trap; /* a #DB trap is due before the next instruction; DR6 says why */
	struct fault fault;
	uint64_t tsc_offset;
	struct {
		uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
		uint64_t efer, pat, misc_enable, apic_base, tsc_aux;
		uint64_t xcr0;
	} msr;
	struct event_log events[NR_EVENT_LOG];
	uint32_t nr_events; /* total; the log is a ring */
	struct machine *machine;
};

/* Why the guest's own code stopped and the monitor runs. */
enum exit_kind {
	EXIT_SITE,      /* a rewritten slot without a fast path; site = index */
	EXIT_EXCEPTION, /* the host CPU raised an exception in guest code */
	EXIT_SYSCALL,   /* guest code executed int 0x80, sysenter or syscall; eip is behind it */
	EXIT_INTERRUPT, /* nothing of the guest's doing: a timer, I/O */
	EXIT_EMULATE,   /* the platform cannot run the instruction at eip: emulate it */
	NR_EXIT_KINDS,
};

struct exit {
	enum exit_kind kind;
	uint32_t site;
	uint8_t vector;   /* EXIT_EXCEPTION: enum vector as the host CPU reported it */
	uint32_t error;   /* EXIT_EXCEPTION: error code */
	uint32_t address; /* EXIT_EXCEPTION of VEC_PF: faulting linear address */
	bool fast; /* EXIT_SYSCALL by sysenter or syscall: where from is not known, eip is 0 */
};

/* Set the state that the CPU has after reset, except that boot protocols then change what they
 * need. */
void vcpu_reset(struct vcpu *v);

/* Change the privilege level; every change goes through here, before the segments are loaded. */
void vcpu_set_cpl(struct vcpu *v, unsigned cpl);

/*
 * Handle one exit: emulate, deliver, or fill a shadow mapping; run devices that are due; deliver a
 * pending interrupt if the guest can take it. On return the guest may be resumed at v->eip.
 *
 * The interrupt shadow (SDM vol. 3, 6.8.3): emulate() sets v->shadow; vcpu_exit clears it as soon
 * as the next instruction is emulated or faults, and keeps it when that instruction is only to be
 * tried again (a shadow mapping was filled). When vcpu_exit returns with v->shadow set, the
 * platform runs exactly one instruction at v->eip (by single step; a rewritten slot there leaves by
 * its trampoline as ever). Whatever exit that ends in is passed on with v->shadow still set; only
 * when the instruction was retired without an exit of its own does the platform clear v->shadow,
 * and then calls vcpu_exit(EXIT_INTERRUPT), which delivers what has been waiting.
 */
void vcpu_exit(struct vcpu *v, const struct exit *x);

/* May an external interrupt be delivered right now? IF, shadow, not held. */
static inline bool vcpu_interruptible(const struct vcpu *v)
{
	return (v->eflags & FLAG_IF) && !v->shadow && !v->hold;
}

static inline bool paging(const struct vcpu *v)
{
	return v->cr0 & CR0_PG;
}

#endif

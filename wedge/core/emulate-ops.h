/* SPDX-License-Identifier: MIT */
/*
 * Inside the emulator: what its files share. An instruction is a row of the table in emulate.c,
 * indexed by mnemonic: a function that runs it and, for families that differ only in the arithmetic
 * or in a number, that arithmetic or number.
 */
#ifndef WEDGE_CORE_EMULATE_OPS_H
#define WEDGE_CORE_EMULATE_OPS_H

#include "wedge/core/access.h"
#include "wedge/core/alu.h"
#include "wedge/core/emulate.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/segment.h"

struct emu;

struct op {
	/* True: done. False: v->fault is set and nothing has changed. */
	bool (*run)(struct emu *e);
	alu_fn alu;
	uint8_t arg;
};

/* One instruction under way. */
struct emu {
	struct vcpu *v;
	const struct insn *in;
	const struct op *op;
	uint32_t next; /* where the CPU goes on: behind the instruction unless it branches */
	bool shadow;   /* interrupts wait until the next instruction has run */
	bool keep_rf;  /* the instruction has loaded EFLAGS.RF itself */
	bool unsupported;
};

/* Registers by encoding and size in bytes; with size 1 the encodings 4-7 are ah ch dh bh. */
uint32_t reg_get(const struct vcpu *v, unsigned reg, unsigned size);
void reg_set(struct vcpu *v, unsigned reg, unsigned size, uint32_t value);

/* Operands of up to 4 bytes, by position. */
bool emu_get(struct emu *e, unsigned n, uint32_t *value);
bool emu_set(struct emu *e, unsigned n, uint32_t value);
/* Before a read-modify-write: the fault of a forbidden write comes first, and as a write. */
bool emu_check_set(struct emu *e, unsigned n);
/* A memory operand's offset in its segment. */
uint32_t emu_offset(const struct emu *e, unsigned n);
/* A far pointer, immediate or in memory. */
bool emu_far_pointer(struct emu *e, unsigned n, uint16_t *sel, uint32_t *offset);

/* The stack, with the pointer width of SS.B (stack_mask in segment.h). Pushes and pops change ESP
 * only when they succeed. */
bool emu_push(struct vcpu *v, uint32_t value, unsigned size);
bool stack_peek(struct vcpu *v, uint32_t depth, void *out, unsigned size);
void stack_move(struct vcpu *v, uint32_t by);

/* Privilege checks: raise #GP(0) or #UD and return false. */
bool need_cpl0(struct emu *e);
bool raise_gp(struct emu *e);
bool raise_ud(struct emu *e);
/* A near branch: #GP(0) beyond the limit of cs. */
bool branch_to(struct emu *e, uint32_t target);

/* emulate-data.c */
bool run_nop(struct emu *e);
bool run_mov(struct emu *e);
bool run_movsx(struct emu *e);
bool run_lea(struct emu *e);
bool run_xchg(struct emu *e);
bool run_bswap(struct emu *e);
bool run_movbe(struct emu *e);
bool run_xlat(struct emu *e);
bool run_cbw(struct emu *e);
bool run_cwde(struct emu *e);
bool run_cwd(struct emu *e);
bool run_cdq(struct emu *e);
bool run_cmov(struct emu *e);
bool run_set(struct emu *e);

/* emulate-arith.c */
bool run_binary(struct emu *e);
bool run_compare(struct emu *e);
bool run_unary(struct emu *e);
bool run_shift_double(struct emu *e);
bool run_scan(struct emu *e);
bool run_bit(struct emu *e);
bool run_imul(struct emu *e);
bool run_mul(struct emu *e);
bool run_div(struct emu *e);
bool run_idiv(struct emu *e);
bool run_xadd(struct emu *e);
bool run_cmpxchg(struct emu *e);
bool run_cmpxchg8b(struct emu *e);
bool run_aam(struct emu *e);
bool run_aad(struct emu *e);
bool run_aaa(struct emu *e);
bool run_daa(struct emu *e);

/* emulate-stack.c */
bool run_push(struct emu *e);
bool run_pop(struct emu *e);
bool run_pusha(struct emu *e);
bool run_popa(struct emu *e);
bool run_enter(struct emu *e);
bool run_leave(struct emu *e);
bool run_pushf(struct emu *e);
bool run_popf(struct emu *e);

/* emulate-branch.c; op->arg of conditions is the condition code of the encoding */
bool condition(const struct vcpu *v, unsigned cc);
bool run_jcc(struct emu *e);
bool run_jmp(struct emu *e);
bool run_call(struct emu *e);
bool run_ret(struct emu *e);
bool run_loop(struct emu *e);
bool run_jecxz(struct emu *e);
bool run_int(struct emu *e);
bool run_into(struct emu *e);
bool run_bound(struct emu *e);
bool run_iret(struct emu *e);
bool run_ud(struct emu *e);
bool run_sysenter(struct emu *e);
bool run_sysexit(struct emu *e);

/* emulate-string.c */
bool run_movs(struct emu *e);
bool run_cmps(struct emu *e);
bool run_stos(struct emu *e);
bool run_lods(struct emu *e);
bool run_scas(struct emu *e);
bool run_ins(struct emu *e);
bool run_outs(struct emu *e);

/* emulate-flags.c */
bool run_cli(struct emu *e);
bool run_sti(struct emu *e);
bool run_flag(struct emu *e); /* op->arg: see emulate-flags.c */
bool run_lahf(struct emu *e);
bool run_sahf(struct emu *e);
bool run_salc(struct emu *e);

/* emulate-system.c */
bool port_permitted(struct emu *e, uint16_t port, unsigned size);
bool run_in(struct emu *e);
bool run_out(struct emu *e);
bool run_hlt(struct emu *e);
bool run_clts(struct emu *e);
bool run_lmsw(struct emu *e);
bool run_smsw(struct emu *e);
bool run_invlpg(struct emu *e);
bool run_privileged_nop(struct emu *e);
bool run_rdmsr(struct emu *e);
bool run_wrmsr(struct emu *e);
bool run_rdtsc(struct emu *e);
bool run_rdtscp(struct emu *e);
bool run_rdpid(struct emu *e);
bool run_rdpmc(struct emu *e);
bool run_cpuid(struct emu *e);
bool run_xgetbv(struct emu *e);
bool run_xsetbv(struct emu *e);
bool mov_control(struct emu *e);

/* emulate-segment.c */
bool mov_segment(struct emu *e);
bool push_segment(struct emu *e);
bool pop_segment(struct emu *e);
bool run_load_far(struct emu *e);
bool run_store_table(struct emu *e);
bool run_load_table(struct emu *e);
bool run_lldt(struct emu *e);
bool run_ltr(struct emu *e);
bool run_sldt(struct emu *e);
bool run_str(struct emu *e);
bool run_lar(struct emu *e);
bool run_lsl(struct emu *e);
bool run_verify(struct emu *e);
bool run_arpl(struct emu *e);

#endif

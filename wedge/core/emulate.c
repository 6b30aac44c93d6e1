/* SPDX-License-Identifier: MIT */
/* The instruction table, and how one instruction runs. */
#include "wedge/core/emulate-ops.h"
#include "wedge/core/mmu.h"

#include <Zydis/Mnemonic.h>

#define PLAIN(mnemonic, function) [ZYDIS_MNEMONIC_##mnemonic] = {.run = function}
#define ARG(mnemonic, function, n) [ZYDIS_MNEMONIC_##mnemonic] = {.run = function, .arg = n}
#define ALU(mnemonic, function, f) [ZYDIS_MNEMONIC_##mnemonic] = {.run = function, .alu = f}
#define ALL_CONDITIONS(prefix, function)                                                           \
	ARG(prefix##O, function, 0), ARG(prefix##NO, function, 1), ARG(prefix##B, function, 2),    \
	    ARG(prefix##NB, function, 3), ARG(prefix##Z, function, 4),                             \
	    ARG(prefix##NZ, function, 5), ARG(prefix##BE, function, 6),                            \
	    ARG(prefix##NBE, function, 7), ARG(prefix##S, function, 8),                            \
	    ARG(prefix##NS, function, 9), ARG(prefix##P, function, 10),                            \
	    ARG(prefix##NP, function, 11), ARG(prefix##L, function, 12),                           \
	    ARG(prefix##NL, function, 13), ARG(prefix##LE, function, 14),                          \
	    ARG(prefix##NLE, function, 15)

static const struct op table[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
    /* Data */
    PLAIN(MOV, run_mov),
    PLAIN(MOVZX, run_mov),
    PLAIN(MOVNTI, run_mov),
    PLAIN(MOVSX, run_movsx),
    PLAIN(LEA, run_lea),
    PLAIN(XCHG, run_xchg),
    PLAIN(BSWAP, run_bswap),
    PLAIN(MOVBE, run_movbe),
    PLAIN(XLAT, run_xlat),
    PLAIN(CBW, run_cbw),
    PLAIN(CWDE, run_cwde),
    PLAIN(CWD, run_cwd),
    PLAIN(CDQ, run_cdq),
    ALL_CONDITIONS(CMOV, run_cmov),
    ALL_CONDITIONS(SET, run_set),

    /* Arithmetic */
    ALU(ADD, run_binary, alu_add),
    ALU(OR, run_binary, alu_or),
    ALU(ADC, run_binary, alu_adc),
    ALU(SBB, run_binary, alu_sbb),
    ALU(AND, run_binary, alu_and),
    ALU(SUB, run_binary, alu_sub),
    ALU(XOR, run_binary, alu_xor),
    ALU(CMP, run_compare, alu_cmp),
    ALU(TEST, run_compare, alu_test),
    ALU(INC, run_unary, alu_inc),
    ALU(DEC, run_unary, alu_dec),
    ALU(NOT, run_unary, alu_not),
    ALU(NEG, run_unary, alu_neg),
    ALU(ROL, run_binary, alu_rol),
    ALU(ROR, run_binary, alu_ror),
    ALU(RCL, run_binary, alu_rcl),
    ALU(RCR, run_binary, alu_rcr),
    ALU(SHL, run_binary, alu_shl),
    ALU(SHR, run_binary, alu_shr),
    ALU(SAR, run_binary, alu_sar),
    ARG(SHLD, run_shift_double, 0),
    ARG(SHRD, run_shift_double, 1),
    ALU(BT, run_bit, alu_bt),
    ALU(BTS, run_bit, alu_bts),
    ALU(BTR, run_bit, alu_btr),
    ALU(BTC, run_bit, alu_btc),
    ALU(BSF, run_scan, alu_bsf),
    ALU(BSR, run_scan, alu_bsr),
    ALU(TZCNT, run_scan, alu_tzcnt),
    ALU(LZCNT, run_scan, alu_lzcnt),
    ALU(POPCNT, run_scan, alu_popcnt),
    ARG(MUL, run_mul, 0),
    ARG(IMUL, run_imul, 1),
    PLAIN(DIV, run_div),
    PLAIN(IDIV, run_idiv),
    PLAIN(XADD, run_xadd),
    PLAIN(CMPXCHG, run_cmpxchg),
    PLAIN(CMPXCHG8B, run_cmpxchg8b),
    PLAIN(AAM, run_aam),
    PLAIN(AAD, run_aad),
    ARG(AAA, run_aaa, 0),
    ARG(AAS, run_aaa, 1),
    ARG(DAA, run_daa, 0),
    ARG(DAS, run_daa, 1),

    /* Stack */
    PLAIN(PUSH, run_push),
    PLAIN(POP, run_pop),
    PLAIN(PUSHA, run_pusha),
    PLAIN(PUSHAD, run_pusha),
    PLAIN(POPA, run_popa),
    PLAIN(POPAD, run_popa),
    PLAIN(ENTER, run_enter),
    PLAIN(LEAVE, run_leave),
    PLAIN(PUSHF, run_pushf),
    PLAIN(PUSHFD, run_pushf),
    PLAIN(POPF, run_popf),
    PLAIN(POPFD, run_popf),

    /* Branches and software interrupts */
    ALL_CONDITIONS(J, run_jcc),
    PLAIN(JMP, run_jmp),
    PLAIN(CALL, run_call),
    PLAIN(RET, run_ret),
    ARG(LOOP, run_loop, 0),
    ARG(LOOPE, run_loop, 1),
    ARG(LOOPNE, run_loop, 2),
    PLAIN(JCXZ, run_jecxz),
    PLAIN(JECXZ, run_jecxz),
    ARG(INT, run_int, 0),
    ARG(INT1, run_int, VEC_DB),
    ARG(INT3, run_int, VEC_BP),
    PLAIN(INTO, run_into),
    PLAIN(BOUND, run_bound),
    PLAIN(IRET, run_iret),
    PLAIN(IRETD, run_iret),
    PLAIN(SYSENTER, run_sysenter),
    PLAIN(SYSEXIT, run_sysexit),

    /* Strings */
    PLAIN(MOVSB, run_movs),
    PLAIN(MOVSW, run_movs),
    PLAIN(MOVSD, run_movs),
    PLAIN(CMPSB, run_cmps),
    PLAIN(CMPSW, run_cmps),
    PLAIN(CMPSD, run_cmps),
    PLAIN(STOSB, run_stos),
    PLAIN(STOSW, run_stos),
    PLAIN(STOSD, run_stos),
    PLAIN(LODSB, run_lods),
    PLAIN(LODSW, run_lods),
    PLAIN(LODSD, run_lods),
    PLAIN(SCASB, run_scas),
    PLAIN(SCASW, run_scas),
    PLAIN(SCASD, run_scas),
    PLAIN(INSB, run_ins),
    PLAIN(INSW, run_ins),
    PLAIN(INSD, run_ins),
    PLAIN(OUTSB, run_outs),
    PLAIN(OUTSW, run_outs),
    PLAIN(OUTSD, run_outs),

    /* Flags */
    PLAIN(CLI, run_cli),
    PLAIN(STI, run_sti),
    ARG(CLC, run_flag, 0),
    ARG(STC, run_flag, 1),
    ARG(CMC, run_flag, 2),
    ARG(CLD, run_flag, 3),
    ARG(STD, run_flag, 4),
    PLAIN(LAHF, run_lahf),
    PLAIN(SAHF, run_sahf),
    PLAIN(SALC, run_salc),

    /* Segments and descriptor tables */
    ARG(LDS, run_load_far, SEG_DS),
    ARG(LES, run_load_far, SEG_ES),
    ARG(LFS, run_load_far, SEG_FS),
    ARG(LGS, run_load_far, SEG_GS),
    ARG(LSS, run_load_far, SEG_SS),
    ARG(SGDT, run_store_table, 0),
    ARG(SIDT, run_store_table, 1),
    ARG(LGDT, run_load_table, 0),
    ARG(LIDT, run_load_table, 1),
    PLAIN(LLDT, run_lldt),
    PLAIN(LTR, run_ltr),
    PLAIN(SLDT, run_sldt),
    PLAIN(STR, run_str),
    PLAIN(LAR, run_lar),
    PLAIN(LSL, run_lsl),
    ARG(VERR, run_verify, 0),
    ARG(VERW, run_verify, 1),
    PLAIN(ARPL, run_arpl),

    /* Ports and ring 0 */
    PLAIN(IN, run_in),
    PLAIN(OUT, run_out),
    PLAIN(HLT, run_hlt),
    PLAIN(CLTS, run_clts),
    PLAIN(LMSW, run_lmsw),
    PLAIN(SMSW, run_smsw),
    PLAIN(INVLPG, run_invlpg),
    PLAIN(INVD, run_privileged_nop),
    PLAIN(WBINVD, run_privileged_nop),
    PLAIN(RDMSR, run_rdmsr),
    PLAIN(WRMSR, run_wrmsr),
    PLAIN(RDTSC, run_rdtsc),
    PLAIN(RDTSCP, run_rdtscp),
    PLAIN(RDPID, run_rdpid),
    PLAIN(RDPMC, run_rdpmc),
    PLAIN(CPUID, run_cpuid),
    PLAIN(XGETBV, run_xgetbv),
    PLAIN(XSETBV, run_xsetbv),

    /* No effect that the guest could see */
    PLAIN(NOP, run_nop),
    PLAIN(PAUSE, run_nop),
    PLAIN(ENDBR32, run_nop),
    PLAIN(LFENCE, run_nop),
    PLAIN(MFENCE, run_nop),
    PLAIN(SFENCE, run_nop),
    PLAIN(PREFETCH, run_nop),
    PLAIN(PREFETCHW, run_nop),
    PLAIN(PREFETCHNTA, run_nop),
    PLAIN(PREFETCHT0, run_nop),
    PLAIN(PREFETCHT1, run_nop),
    PLAIN(PREFETCHT2, run_nop),

    /* Undefined by design, or because CPUID does not offer them */
    PLAIN(UD0, run_ud),
    PLAIN(UD1, run_ud),
    PLAIN(UD2, run_ud),
    PLAIN(CLAC, run_ud),
    PLAIN(STAC, run_ud),
    PLAIN(INVPCID, run_ud),
    PLAIN(MONITOR, run_ud),
    PLAIN(MWAIT, run_ud),
    PLAIN(RSM, run_ud),
    PLAIN(SYSCALL, run_ud),
    PLAIN(SYSRET, run_ud),
    PLAIN(GETSEC, run_ud),
    PLAIN(VMCALL, run_ud),
    PLAIN(VMMCALL, run_ud),
    PLAIN(RDPKRU, run_ud),
    PLAIN(WRPKRU, run_ud),
    PLAIN(XSAVES, run_ud),
    PLAIN(XRSTORS, run_ud),
};

static bool has_vector_operand(const struct insn *in)
{
	for (unsigned i = 0; i < in->nr_operands; i++) {
		if (in->op[i].type == OP_XMM || in->op[i].type == OP_MMX)
			return true;
	}
	return false;
}

bool emulate_knows(const struct insn *in)
{
	return table[in->mnemonic].run && !has_vector_operand(in);
}

enum emulate_result emulate(struct vcpu *v, const struct insn *in)
{
	struct emu e = {.v = v, .in = in, .op = &table[in->mnemonic], .next = v->eip + in->advance};

	v->fault.raised = false;
	if (!emulate_knows(in))
		return EMULATE_UNSUPPORTED;
	if (!e.op->run(&e))
		return e.unsupported ? EMULATE_UNSUPPORTED : EMULATE_FAULT;
	v->eip = e.next;
	v->shadow = e.shadow;
	if (!e.keep_rf)
		v->eflags &= ~FLAG_RF;
	return EMULATE_DONE;
}

#define MAX_LENGTH 15u

bool emulate_fetch(struct vcpu *v, struct insn *in)
{
	const struct segment *cs = &v->seg[SEG_CS];
	uint8_t bytes[MAX_LENGTH] = {0}; /* an instruction cut off is completed by zeroes */
	uint32_t linear = cs->base + v->eip, size = MAX_LENGTH, n;

	if (!(cs->desc & DESC_DB)) /* of ring 3, as code_check sees to: refused to the program */
		return vcpu_raise(v, VEC_GP, 0);
	if (v->eip > cs->limit)
		return vcpu_raise(v, VEC_GP, 0);
	if (cs->limit - v->eip < size)
		size = cs->limit - v->eip + 1;
	n = mmu_fetch(v, linear, bytes, size, v->cpl);
	if (!n)
		return false;
	if (!insn_decode(bytes, MAX_LENGTH, in))
		return vcpu_raise(v, VEC_UD, 0);
	if (in->length <= n)
		return true;
	if (n == size) /* it goes on beyond the segment */
		return vcpu_raise(v, VEC_GP, 0);
	mmu_fetch(v, linear + n, bytes, 1, v->cpl); /* or in a page that cannot be fetched */
	return false;
}

enum emulate_result emulate_at_eip(struct vcpu *v)
{
	struct insn in;

	return emulate_fetch(v, &in) ? emulate(v, &in) : EMULATE_FAULT;
}

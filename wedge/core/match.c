/* SPDX-License-Identifier: MIT */
/*
 * Which instructions a kind of site may hold, by the decoder's mnemonics. sites.def tells the same
 * by the assembler's: the two are independent, and a record must agree with both.
 */
#include "wedge/core/match.h"

#include "afterburner/kinds.h"
#include "wedge/core/vcpu.h"

#include <Zydis/Zydis.h>

/* What the operands must be, where the mnemonic does not tell. */
enum shape { ANY, FAR_ONLY, FROM_SEG, TO_SEG, TO_SS, FROM_CR, TO_CR, FROM_DR, TO_DR, SEG, SS };

static const struct match {
	uint16_t mnemonics[5];
	uint8_t shape;
} matches[AB_NR_KINDS] = {
#define M(name) ZYDIS_MNEMONIC_##name
    [AB_CLI] = {{M(CLI)}, ANY},
    [AB_STI] = {{M(STI)}, ANY},
    [AB_PUSHF] = {{M(PUSHF), M(PUSHFD)}, ANY},
    [AB_POPF] = {{M(POPF), M(POPFD)}, ANY},
    [AB_IRET] = {{M(IRET), M(IRETD)}, ANY},
    [AB_INT] = {{M(INT)}, ANY},
    [AB_HLT] = {{M(HLT)}, ANY},
    [AB_IN] = {{M(IN)}, ANY},
    [AB_OUT] = {{M(OUT)}, ANY},
    [AB_INS] = {{M(INSB), M(INSW), M(INSD)}, ANY},
    [AB_OUTS] = {{M(OUTSB), M(OUTSW), M(OUTSD)}, ANY},
    [AB_LGDT] = {{M(LGDT)}, ANY},
    [AB_LIDT] = {{M(LIDT)}, ANY},
    [AB_LLDT] = {{M(LLDT)}, ANY},
    [AB_LTR] = {{M(LTR)}, ANY},
    [AB_SGDT] = {{M(SGDT)}, ANY},
    [AB_SIDT] = {{M(SIDT)}, ANY},
    [AB_SLDT] = {{M(SLDT)}, ANY},
    [AB_STR] = {{M(STR)}, ANY},
    [AB_LAR] = {{M(LAR)}, ANY},
    [AB_LSL] = {{M(LSL)}, ANY},
    [AB_VERR] = {{M(VERR)}, ANY},
    [AB_VERW] = {{M(VERW)}, ANY},
    [AB_MOV_FROM_SEG] = {{M(MOV)}, FROM_SEG},
    [AB_MOV_TO_SEG] = {{M(MOV)}, TO_SEG},
    [AB_MOV_TO_SS] = {{M(MOV)}, TO_SS},
    [AB_PUSH_SEG] = {{M(PUSH)}, SEG},
    [AB_POP_SEG] = {{M(POP)}, TO_SEG},
    [AB_POP_SS] = {{M(POP)}, SS},
    [AB_LSEG] = {{M(LDS), M(LES), M(LFS), M(LGS)}, ANY},
    [AB_LSS] = {{M(LSS)}, ANY},
    [AB_FAR_JMP] = {{M(JMP)}, FAR_ONLY},
    [AB_FAR_CALL] = {{M(CALL)}, FAR_ONLY},
    [AB_FAR_RET] = {{M(RET)}, FAR_ONLY},
    [AB_MOV_FROM_CR] = {{M(MOV)}, FROM_CR},
    [AB_MOV_TO_CR] = {{M(MOV)}, TO_CR},
    [AB_MOV_FROM_DR] = {{M(MOV)}, FROM_DR},
    [AB_MOV_TO_DR] = {{M(MOV)}, TO_DR},
    [AB_SMSW] = {{M(SMSW)}, ANY},
    [AB_LMSW] = {{M(LMSW)}, ANY},
    [AB_CLTS] = {{M(CLTS)}, ANY},
    [AB_RDMSR] = {{M(RDMSR)}, ANY},
    [AB_WRMSR] = {{M(WRMSR)}, ANY},
    [AB_XGETBV] = {{M(XGETBV)}, ANY},
    [AB_XSETBV] = {{M(XSETBV)}, ANY},
    [AB_XSAVES] = {{M(XSAVES)}, ANY},
    [AB_XRSTORS] = {{M(XRSTORS)}, ANY},
    [AB_CLAC] = {{M(CLAC)}, ANY},
    [AB_STAC] = {{M(STAC)}, ANY},
    [AB_RDPKRU] = {{M(RDPKRU)}, ANY},
    [AB_WRPKRU] = {{M(WRPKRU)}, ANY},
    [AB_INVD] = {{M(INVD)}, ANY},
    [AB_WBINVD] = {{M(WBINVD)}, ANY},
    [AB_INVLPG] = {{M(INVLPG)}, ANY},
    [AB_INVPCID] = {{M(INVPCID)}, ANY},
    [AB_CPUID] = {{M(CPUID)}, ANY},
    [AB_RDTSC] = {{M(RDTSC)}, ANY},
    [AB_RDTSCP] = {{M(RDTSCP)}, ANY},
    [AB_RDPID] = {{M(RDPID)}, ANY},
    [AB_RDPMC] = {{M(RDPMC)}, ANY},
    [AB_MONITOR] = {{M(MONITOR)}, ANY},
    [AB_MWAIT] = {{M(MWAIT)}, ANY},
    [AB_RSM] = {{M(RSM)}, ANY},
    [AB_SYSENTER] = {{M(SYSENTER)}, ANY},
    [AB_SYSEXIT] = {{M(SYSEXIT)}, ANY},
    [AB_SYSCALL] = {{M(SYSCALL)}, ANY},
    [AB_SYSRET] = {{M(SYSRET)}, ANY},
#undef M
};

static bool has_shape(const struct insn *in, enum shape shape)
{
	const struct operand *to = &in->op[0], *from = &in->op[1];

	switch (shape) {
	case ANY:
		return true;
	case FAR_ONLY:
		return in->far;
	case FROM_SEG:
		return from->type == OP_SEG;
	case TO_SEG:
		return to->type == OP_SEG && to->reg != SEG_SS && to->reg != SEG_CS;
	case TO_SS:
	case SS:
		return to->type == OP_SEG && to->reg == SEG_SS;
	case FROM_CR:
		return from->type == OP_CR;
	case TO_CR:
		return to->type == OP_CR;
	case FROM_DR:
		return from->type == OP_DR;
	case TO_DR:
		return to->type == OP_DR;
	case SEG:
		return to->type == OP_SEG;
	}
	return false;
}

/* Any but those that name memory and do not access it, or leave the flow of code. */
static bool accesses_memory(const struct insn *in)
{
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_LEA:
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
		return false;
	default:
		break;
	}
	for (unsigned i = 0; i < in->nr_operands; i++)
		if (in->op[i].type == OP_MEM)
			return true;
	return false;
}

bool instruction_is(const struct insn *in, unsigned kind)
{
	const struct match *m = &matches[kind];

	if (kind == AB_MEM) {
		for (unsigned k = AB_KIND_NONE + 1; k < AB_MEM; k++)
			if (instruction_is(in, k))
				return false;
		return accesses_memory(in);
	}
	for (unsigned i = 0; i < 5 && m->mnemonics[i]; i++)
		if (m->mnemonics[i] == in->mnemonic)
			return has_shape(in, m->shape);
	return false;
}

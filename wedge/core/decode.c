/* SPDX-License-Identifier: MIT */
/*
 * Zydis to struct insn. The only file that knows Zydis beyond its mnemonics.
 *
 * libZydis is built with SSE: platform_fpu_save and platform_fpu_restore stand around it.
 */
#include "wedge/core/insn.h"
#include "wedge/core/vcpu.h"

#include <Zydis/Zydis.h>
#include "wedge/platform.h"

/* General registers only: encoding order, and -1 for none. */
static int8_t gpr_or_none(ZydisRegister r)
{
	return r == ZYDIS_REGISTER_NONE ? -1 : ZydisRegisterGetId(r);
}

static void convert_register(ZydisRegister r, struct operand *out)
{
	out->reg = ZydisRegisterGetId(r);
	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
		out->type = OP_REG;
		break;
	case ZYDIS_REGCLASS_SEGMENT:
		out->type = OP_SEG;
		break;
	case ZYDIS_REGCLASS_CONTROL:
		out->type = OP_CR;
		break;
	case ZYDIS_REGCLASS_DEBUG:
		out->type = OP_DR;
		break;
	case ZYDIS_REGCLASS_MMX:
		out->type = OP_MMX;
		break;
	default: /* vector, mask and x87 registers: nothing the emulator touches */
		out->type = OP_XMM;
		break;
	}
}

static void convert_memory(const ZydisDecodedOperand *z, struct operand *out)
{
	out->type = OP_MEM;
	out->seg =
	    z->mem.segment == ZYDIS_REGISTER_NONE ? SEG_DS : ZydisRegisterGetId(z->mem.segment);
	out->base = gpr_or_none(z->mem.base);
	out->index = gpr_or_none(z->mem.index);
	out->scale = z->mem.scale ? z->mem.scale : 1;
	out->imm = (uint32_t)z->mem.disp.value;
}

static void convert_operand(const ZydisDecodedOperand *z, struct operand *out)
{
	out->size = (uint8_t)(z->size / 8);
	switch (z->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		convert_register(z->reg.value, out);
		break;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		convert_memory(z, out);
		break;
	case ZYDIS_OPERAND_TYPE_POINTER:
		out->type = OP_FAR;
		out->imm = z->ptr.offset;
		out->far_sel = z->ptr.segment;
		break;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		out->type = OP_IMM;
		out->imm = (uint32_t)z->imm.value.u;
		break;
	default:
		break;
	}
}

/* The string instructions and xlat: their memory operands are implicit, yet have a segment. */
static bool implicit_memory(const ZydisDecodedInstruction *z)
{
	return z->meta.category == ZYDIS_CATEGORY_STRINGOP ||
	       z->meta.category == ZYDIS_CATEGORY_IOSTRINGOP || z->mnemonic == ZYDIS_MNEMONIC_XLAT;
}

static void convert_operands(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops,
			     struct insn *out)
{
	bool strings = implicit_memory(z);

	for (unsigned i = 0; i < z->operand_count && out->nr_operands < 4; i++) {
		if (i < z->operand_count_visible ||
		    (strings && ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY))
			convert_operand(&ops[i], &out->op[out->nr_operands++]);
	}
}

/* The last repeat prefix counts, and any of the two repeats movs, lods, stos, ins and outs. */
static uint8_t repeat_prefix(const ZydisDecodedInstruction *z)
{
	uint8_t rep = REP_NONE;

	for (unsigned i = 0; i < z->raw.prefix_count; i++) {
		if (z->raw.prefixes[i].value == 0xf3)
			rep = REP_E;
		else if (z->raw.prefixes[i].value == 0xf2)
			rep = REP_NE;
	}
	return rep;
}

static bool zydis_decode(const uint8_t *bytes, size_t size, ZydisDecodedInstruction *z,
			 ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT])
{
	ZydisDecoder decoder;
	bool ok;

	platform_fpu_save();
	ok = ZYAN_SUCCESS(
		 ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32)) &&
	     ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, z, ops));
	platform_fpu_restore();
	return ok;
}

bool insn_decode(const uint8_t *bytes, size_t size, struct insn *out)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	*out = (struct insn){0};
	if (!zydis_decode(bytes, size, &z, ops))
		return false;
	out->mnemonic = (uint16_t)z.mnemonic;
	out->length = z.length;
	out->advance = z.length;
	out->opsize =
	    z.operand_width == 16 || (z.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) ? 2 : 4;
	out->adsize = z.address_width / 8;
	out->lock = z.attributes & ZYDIS_ATTRIB_HAS_LOCK;
	out->far = z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
	if (z.meta.category == ZYDIS_CATEGORY_STRINGOP ||
	    z.meta.category == ZYDIS_CATEGORY_IOSTRINGOP)
		out->rep = repeat_prefix(&z);
	convert_operands(&z, ops, out);
	for (unsigned i = 0; i < z.length; i++)
		out->bytes[i] = bytes[i];
	return true;
}

const char *insn_format(const struct insn *in, uint32_t eip, char *buf, size_t size)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisFormatter formatter;

	if (!size)
		return buf;
	buf[0] = '\0';
	if (zydis_decode(in->bytes, in->length, &z, ops) &&
	    ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)))
		ZydisFormatterFormatInstruction(&formatter, &z, ops, z.operand_count_visible, buf,
						size, eip, NULL);
	return buf;
}

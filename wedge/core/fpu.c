/* SPDX-License-Identifier: MIT */
/*
 * Which instructions CR0.TS, EM and MP forbid, by opcode: SDM vol. 3, table 2-2 and 13.1, opcode
 * maps in vol. 2, A.3.
 */
#include "wedge/core/fpu.h"
#include "wedge/core/interrupt.h"

enum unit {
	UNIT_NONE,
	UNIT_WAIT,
	UNIT_X87, /* fxsave and fxrstor too */
	UNIT_SSE, /* MMX and SSE: EM makes them undefined */
	UNIT_AVX, /* xsave and xrstor too: EM does not matter */
};

#define TWO_BYTE 0x0f
#define VEX3 0xc4
#define VEX2 0xc5
#define EVEX 0x62

static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* 0f ae by ModRM: memory forms of /0-/6 but for clwb (66 /6) and clflush (/7); register forms are
 * fences and the like. */
static enum unit group_15(uint8_t modrm, bool prefix_66)
{
	static const uint8_t units[8] = {UNIT_X87, UNIT_X87, UNIT_SSE, UNIT_SSE,
					 UNIT_AVX, UNIT_AVX, UNIT_AVX, UNIT_NONE};

	if (modrm >= 0xc0 || prefix_66)
		return UNIT_NONE;
	return units[modrm >> 3 & 7];
}

static bool within(uint8_t byte, uint8_t first, uint8_t last)
{
	return byte >= first && byte <= last;
}

static enum unit two_byte(const uint8_t *b, bool prefix_66)
{
	switch (b[0]) {
	case 0x38: /* movbe, crc32, adcx and adox work on general registers */
		return within(b[1], 0xf0, 0xff) ? UNIT_NONE : UNIT_SSE;
	case 0x3a:
	case 0x0f: /* 3DNow! */
	case 0x0e: /* femms */
	case 0xc2:
		return UNIT_SSE;
	case 0xae:
		return group_15(b[1], prefix_66);
	default:
		break;
	}
	return within(b[0], 0x10, 0x17) || within(b[0], 0x28, 0x2f) || within(b[0], 0x50, 0x77) ||
		       within(b[0], 0x7c, 0x7f) || within(b[0], 0xc4, 0xc6) ||
		       within(b[0], 0xd0, 0xfe)
		   ? UNIT_SSE
		   : UNIT_NONE;
}

/* In 32-bit code c4, c5 and 62 are VEX and EVEX where les, lds and bound would have a register. BMI
 * is VEX-encoded and works on general registers: map 2, opcodes f2-f7, and rorx, map 3, f0. */
static enum unit vector_prefix(const uint8_t *b)
{
	unsigned map = b[1] & 3;

	if (b[1] < 0xc0)
		return UNIT_NONE;
	if (b[0] == VEX3 && ((map == 2 && within(b[3], 0xf2, 0xf7)) || (map == 3 && b[3] == 0xf0)))
		return UNIT_NONE;
	return UNIT_AVX;
}

static enum unit unit_of(const struct insn *in)
{
	const uint8_t *b = in->bytes;
	bool prefix_66 = false;
	unsigned i = 0;

	for (; i + 1 < in->length && is_prefix(b[i]); i++)
		prefix_66 = prefix_66 || b[i] == 0x66;
	if (b[i] == 0x9b)
		return UNIT_WAIT;
	if ((b[i] & 0xf8) == 0xd8)
		return UNIT_X87;
	if (i + 2 > in->length)
		return UNIT_NONE;
	if (b[i] == TWO_BYTE)
		return two_byte(b + i + 1, prefix_66);
	if ((b[i] == VEX2 || b[i] == VEX3 || b[i] == EVEX) && i + 4 <= in->length)
		return vector_prefix(b + i);
	return UNIT_NONE;
}

bool fpu_allowed(struct vcpu *v, const struct insn *in)
{
	bool ts = v->cr0 & CR0_TS, em = v->cr0 & CR0_EM;

	switch (unit_of(in)) {
	case UNIT_WAIT:
		return !(ts && (v->cr0 & CR0_MP)) || vcpu_raise(v, VEC_NM, 0);
	case UNIT_X87:
		return !(ts || em) || vcpu_raise(v, VEC_NM, 0);
	case UNIT_SSE:
		if (em)
			return vcpu_raise(v, VEC_UD, 0);
		return !ts || vcpu_raise(v, VEC_NM, 0);
	case UNIT_AVX:
		return !ts || vcpu_raise(v, VEC_NM, 0);
	default:
		return true;
	}
}

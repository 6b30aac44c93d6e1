/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Instructions written as bytes, because some assembler did not know them: `.byte 0x0f,0x01,0xca`.
 * Only the two-byte opcodes of sensitive instructions are recognized, and only if the statement is
 * exactly one instruction; opcodes from SDM vol. 2, appendix A, table A-3.
 */
#include "afterburner/operands.h"

#define ANY (-1)

/* After 0x0f: opcode, then what the ModRM byte must be. */
static const struct pattern {
	uint8_t opcode;
	int8_t reg;    /* ModRM.reg, ANY, or NO_MODRM */
	int8_t memory; /* 1 memory operand, 0 register, ANY */
	int8_t rm;     /* ModRM.rm of a register form, or ANY */
	uint8_t kind;
} patterns[] = {
#define NO_MODRM (-2)
    {0x00, 0, ANY, ANY, AB_SLDT},
    {0x00, 1, ANY, ANY, AB_STR},
    {0x00, 2, ANY, ANY, AB_LLDT},
    {0x00, 3, ANY, ANY, AB_LTR},
    {0x00, 4, ANY, ANY, AB_VERR},
    {0x00, 5, ANY, ANY, AB_VERW},
    {0x01, 0, 1, ANY, AB_SGDT},
    {0x01, 1, 1, ANY, AB_SIDT},
    {0x01, 2, 1, ANY, AB_LGDT},
    {0x01, 3, 1, ANY, AB_LIDT},
    {0x01, 4, ANY, ANY, AB_SMSW},
    {0x01, 6, ANY, ANY, AB_LMSW},
    {0x01, 7, 1, ANY, AB_INVLPG},
    {0x01, 1, 0, 0, AB_MONITOR},
    {0x01, 1, 0, 1, AB_MWAIT},
    {0x01, 1, 0, 2, AB_CLAC},
    {0x01, 1, 0, 3, AB_STAC},
    {0x01, 2, 0, 0, AB_XGETBV},
    {0x01, 2, 0, 1, AB_XSETBV},
    {0x01, 5, 0, 6, AB_RDPKRU},
    {0x01, 5, 0, 7, AB_WRPKRU},
    {0x01, 7, 0, 0, AB_SWAPGS},
    {0x01, 7, 0, 1, AB_RDTSCP},
    {0x02, ANY, ANY, ANY, AB_LAR},
    {0x03, ANY, ANY, ANY, AB_LSL},
    {0x05, NO_MODRM, ANY, ANY, AB_SYSCALL},
    {0x06, NO_MODRM, ANY, ANY, AB_CLTS},
    {0x07, NO_MODRM, ANY, ANY, AB_SYSRET},
    {0x08, NO_MODRM, ANY, ANY, AB_INVD},
    {0x09, NO_MODRM, ANY, ANY, AB_WBINVD},
    {0x20, ANY, ANY, ANY, AB_MOV_FROM_CR},
    {0x21, ANY, ANY, ANY, AB_MOV_FROM_DR},
    {0x22, ANY, ANY, ANY, AB_MOV_TO_CR},
    {0x23, ANY, ANY, ANY, AB_MOV_TO_DR},
    {0x30, NO_MODRM, ANY, ANY, AB_WRMSR},
    {0x31, NO_MODRM, ANY, ANY, AB_RDTSC},
    {0x32, NO_MODRM, ANY, ANY, AB_RDMSR},
    {0x33, NO_MODRM, ANY, ANY, AB_RDPMC},
    {0x34, NO_MODRM, ANY, ANY, AB_SYSENTER},
    {0x35, NO_MODRM, ANY, ANY, AB_SYSEXIT},
    {0xa0, NO_MODRM, ANY, ANY, AB_PUSH_SEG},
    {0xa1, NO_MODRM, ANY, ANY, AB_POP_SEG},
    {0xa2, NO_MODRM, ANY, ANY, AB_CPUID},
    {0xa8, NO_MODRM, ANY, ANY, AB_PUSH_SEG},
    {0xa9, NO_MODRM, ANY, ANY, AB_POP_SEG},
    {0xaa, NO_MODRM, ANY, ANY, AB_RSM},
    {0xb2, ANY, 1, ANY, AB_LSS},
    {0xb4, ANY, 1, ANY, AB_LSEG},
    {0xb5, ANY, 1, ANY, AB_LSEG},
    {0xc7, 3, 1, ANY, AB_XRSTORS},
    {0xc7, 5, 1, ANY, AB_XSAVES},
};

/* The same behind the prefix 0xf3. */
static const struct pattern patterns_f3[] = {
    {0x09, NO_MODRM, ANY, ANY, AB_WBINVD}, {0xae, 0, 0, ANY, AB_RDFSBASE},
    {0xae, 1, 0, ANY, AB_RDGSBASE},        {0xae, 2, 0, ANY, AB_WRFSBASE},
    {0xae, 3, 0, ANY, AB_WRGSBASE},        {0xc7, 7, 0, ANY, AB_RDPID},
};

#define MAX_BYTES 15

static int parse_bytes(struct span s, uint8_t bytes[MAX_BYTES])
{
	int n = 0;

	while (s.start < s.end) {
		struct span value = s;
		unsigned long v;

		while (s.start < s.end && *s.start != ',')
			s.start++;
		value.end = s.start++;
		if (n == MAX_BYTES || !span_number(value, &v) || v > 0xff)
			return 0;
		bytes[n++] = (uint8_t)v;
	}
	return n;
}

/* Bytes of ModRM, SIB and displacement with 32- or 64-bit addresses, SDM vol. 2, table 2-2; 0: too
 * few. */
static int modrm_length(const uint8_t *p, int n)
{
	int mod = p[0] >> 6, rm = p[0] & 7, length = 1;

	if (mod == 3)
		return 1;
	if (rm == 4) {
		if (n < 2)
			return 0;
		length++;
		if (mod == 0 && (p[1] & 7) == 5)
			length += 4;
	} else if (mod == 0 && rm == 5) {
		length += 4;
	}
	return length + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static bool matches(const struct pattern *t, const uint8_t *p, int n)
{
	int reg, mod;

	if (t->opcode != p[0])
		return false;
	if (t->reg == NO_MODRM)
		return n == 1;
	if (n < 2)
		return false;
	mod = p[1] >> 6;
	reg = p[1] >> 3 & 7;
	if (t->reg != ANY && t->reg != reg)
		return false;
	if (t->memory != ANY && t->memory != (mod != 3))
		return false;
	if (t->rm != ANY && t->rm != (p[1] & 7))
		return false;
	if (t->opcode >= 0x20 && t->opcode <= 0x23) /* mod is ignored: always a register */
		return n == 2;
	return n == 1 + modrm_length(p + 1, n - 1);
}

enum ab_kind bytes_kind(struct span values, bool x64)
{
	uint8_t bytes[MAX_BYTES];
	int n = parse_bytes(values, bytes), i = 0;
	const struct pattern *t = patterns,
			     *end = patterns + sizeof(patterns) / sizeof(patterns[0]);

	for (; i < n; i++) {
		if (bytes[i] == 0xf3) {
			t = patterns_f3;
			end = patterns_f3 + sizeof(patterns_f3) / sizeof(patterns_f3[0]);
		} else if (bytes[i] != 0x66 && !(x64 && (bytes[i] & 0xf0) == 0x40)) {
			break;
		}
	}
	if (n - i < 2 || bytes[i] != 0x0f)
		return AB_KIND_NONE;
	for (; t < end; t++)
		if (matches(t, bytes + i + 1, n - i - 1))
			return t->kind;
	return AB_KIND_NONE;
}

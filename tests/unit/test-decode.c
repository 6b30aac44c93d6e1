/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Zydis says, as struct insn: operands, sizes, segments, prefixes. */
#include "tests/unit/unit.h"
#include "wedge/core/insn.h"
#include "wedge/core/vcpu.h"

#include <stdio.h>

/* An instruction and its decoding in the notation of `show`. */
struct row {
	const char *bytes;
	uint8_t length;
	const char *text;
};

static const struct row rows[] = {
    {"\x89\xd8", 2, "mov eax, ebx | 4/4 r0.4 r3.4"},
    {"\x66\x89\xd8", 3, "mov ax, bx | 2/4 r0.2 r3.2"},
    {"\x88\xfc", 2, "mov ah, bh | 4/4 r4.1 r7.1"},
    {"\x8b\x44\x98\x10", 4, "mov eax, [eax+ebx*4+0x10] | 4/4 r0.4 m3:0+3*4+10.4"},
    {"\x8b\x45\x08", 3, "mov eax, [ebp+0x08] | 4/4 r0.4 m2:5+-1*1+8.4"},
    {"\x64\x8b\x45\xf8", 4, "mov eax, fs:[ebp-0x08] | 4/4 r0.4 m4:5+-1*1+fffffff8.4"},
    {"\x67\x8b\x02", 3, "mov eax, [bp+si*1] | 4/2 r0.4 m2:5+6*1+0.4"},
    {"\xa1\x04\x03\x02\x01", 5, "mov eax, [0x01020304] | 4/4 r0.4 m3:-1+-1*1+1020304.4"},
    {"\x83\xc0\xff", 3, "add eax, 0xFFFFFFFF | 4/4 r0.4 iffffffff"},
    {"\x8c\xd8", 2, "mov eax, ds | 4/4 r0.4 s3"},
    {"\x8c\x18", 2, "mov [eax], ds | 4/4 m3:0+-1*1+0.2 s3"},
    {"\x8e\xd0", 2, "mov ss, ax | 4/4 s2 r0.2"},
    {"\x1e", 1, "push ds | 4/4 s3"},
    {"\x66\x06", 2, "push es | 2/4 s0"},
    {"\x0f\x20\xe0", 3, "mov eax, cr4 | 4/4 r0.4 c4"},
    {"\x0f\x23\xf8", 3, "mov dr7, eax | 4/4 d7 r0.4"},
    {"\xcd\x80", 2, "int 0x80 | 4/4 i80"},
    {"\xe4\xf4", 2, "in al, 0xF4 | 4/4 r0.1 if4"},
    {"\x66\xef", 2, "out dx, ax | 2/4 r2.2 r0.2"},
    {"\xd3\xe0", 2, "shl eax, cl | 4/4 r0.4 r1.1"},
    {"\xd1\xe0", 2, "shl eax, 0x01 | 4/4 r0.4 i1"},
    {"\xe8\xfb\xff\xff\xff", 5, "call 0x00001000 | 4/4 ifffffffb"},
    {"\xea\x04\x03\x02\x01\x08\x00", 7, "jmp far 0x0008:0x01020304 | 4/4 far f8:1020304"},
    {"\xff\x28", 2, "jmp far [eax] | 4/4 far m3:0+-1*1+0.6"},
    {"\xff\x20", 2, "jmp [eax] | 4/4 m3:0+-1*1+0.4"},
    {"\xcb", 1, "ret far | 4/4 far"},
    {"\xc2\x08\x00", 3, "ret 0x08 | 4/4 i8"},
    {"\xf3\xa5", 2, "rep movsd | 4/4 rep m0:7+-1*1+0.4 m3:6+-1*1+0.4"},
    {"\x64\xf2\xa6", 3, "repne cmpsb | 4/4 repne m4:6+-1*1+0.1 m0:7+-1*1+0.1"},
    {"\xf3\x6e", 2, "rep outsb | 4/4 rep m3:6+-1*1+0.1"},
    {"\x65\xd7", 2, "xlat | 4/4 m5:3+-1*1+0.1"},
    {"\xf0\x0f\xb1\x0b", 4, "lock cmpxchg [ebx], ecx | 4/4 lock m3:3+-1*1+0.4 r1.4"},
    {"\x0f\x01\x38", 3, "invlpg [eax] | 4/4 m3:0+-1*1+0.1"},
    {"\x66\x0f\x01\x10", 4, "lgdt [eax] | 2/4 m3:0+-1*1+0.6"},
    {"\x0f\xb2\x20", 3, "lss esp, fword ptr [eax] | 4/4 r4.4 m3:0+-1*1+0.6"},
    {"\x0f\x10\x00", 3, "movups xmm0, [eax] | 4/4 x m3:0+-1*1+0.16"},
    {"\xf3\xc3", 2, "ret | 4/4"},
};

static int show_operand(char *to, size_t room, const struct operand *op)
{
	switch (op->type) {
	case OP_REG:
		return snprintf(to, room, " r%u.%u", op->reg, op->size);
	case OP_SEG:
		return snprintf(to, room, " s%u", op->reg);
	case OP_CR:
		return snprintf(to, room, " c%u", op->reg);
	case OP_DR:
		return snprintf(to, room, " d%u", op->reg);
	case OP_MEM:
		return snprintf(to, room, " m%u:%d+%d*%u+%x.%u", op->seg, op->base, op->index,
				op->scale, op->imm, op->size);
	case OP_IMM:
		return snprintf(to, room, " i%x", op->imm);
	case OP_FAR:
		return snprintf(to, room, " f%x:%x", op->far_sel, op->imm);
	default:
		return snprintf(to, room, " x");
	}
}

static void show(char *to, size_t room, const struct insn *in)
{
	static const char *const reps[] = {"", " rep", " repne"};
	char text[96];
	int n;

	n = snprintf(to, room, "%s | %u/%u%s%s%s", insn_format(in, 0x1000, text, sizeof(text)),
		     in->opsize, in->adsize, in->lock ? " lock" : "", in->far ? " far" : "",
		     reps[in->rep]);
	for (unsigned i = 0; i < in->nr_operands; i++)
		n += show_operand(to + n, room - (size_t)n, &in->op[i]);
}

START_TEST(test_table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct insn in;
		char text[256];

		ck_assert_msg(insn_decode((const uint8_t *)rows[i].bytes, rows[i].length, &in),
			      "%s: not decoded", rows[i].text);
		show(text, sizeof(text), &in);
		ck_assert_str_eq(text, rows[i].text);
		ck_assert_uint_eq(in.length, rows[i].length);
		ck_assert_mem_eq(in.bytes, rows[i].bytes, rows[i].length);
		/* One byte less is no instruction. */
		ck_assert(!insn_decode((const uint8_t *)rows[i].bytes, rows[i].length - 1u, &in) ||
			  in.length < rows[i].length);
	}
}
END_TEST

/* What the CPU answers with #UD. */
START_TEST(test_undefined)
{
	static const struct row bad[] = {
	    {"\x8e\xc8", 2, "mov cs"},
	    {"\xf0\x89\x18", 3, "lock mov"},
	    {"\xf0\x01\xd8", 3, "lock add to a register"},
	    {"\xf0\xfa", 2, "lock cli"},
	    {"\x0f\x20\x08", 3, "mov from cr1"},
	    {"\x0f\xff", 1, "cut off"},
	    {"\x8d\xc0", 2, "lea of a register"},
	    {"", 0, "nothing"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct insn in;

		ck_assert_msg(!insn_decode((const uint8_t *)bad[i].bytes, bad[i].length, &in),
			      "%s: decoded", bad[i].text);
		ck_assert_uint_eq(in.length, 0);
	}
}
END_TEST

UNIT_MAIN("decode", test_table, test_undefined)

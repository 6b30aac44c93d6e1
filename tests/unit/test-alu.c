/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The emulator against the CPU: random instructions on random operands, emulated and executed, and
 * every register, flag and byte compared. The instructions chosen mean the same in 64-bit mode,
 * where this program runs. Guest memory is this program's own below 2 GiB, at the same addresses.
 */
#define _GNU_SOURCE
#include "tests/unit/unit.h"
#include "tests/unit/guest.h"
#include "wedge/core/emulate.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#define ROUNDS 400 /* of each form */
#define BUFFER 4096

enum form_flags {
	F_BYTE = 1,     /* 8-bit operands */
	F_MEMORY = 2,   /* memory operand only */
	F_REGISTER = 4, /* register operand only */
	F_NO_MODRM = 8,
	F_BITS = 16,   /* the register is a bit offset that reaches beyond memory */
	F_STRING = 32, /* takes rep prefixes */
	F_NO_66 = 64,
	F_BYTE_SOURCE = 128, /* the r/m operand is of 8 bits */
};

struct form {
	const char *name;
	uint8_t opcode[4];
	uint8_t length;
	int8_t ext;  /* ModRM.reg if fixed, else -1 */
	uint8_t imm; /* bytes of immediate; 4 means operand size */
	uint16_t flags;
	uint32_t undefined; /* flags not compared */
};

#define ALL_BUT_CF_OF (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF)

#define ALU_FORMS(name, base, ext)                                                                 \
	{name, {base}, 1, -1, 0, F_BYTE, 0}, {name, {base + 1}, 1, -1, 0, 0, 0},                   \
	    {name, {base + 2}, 1, -1, 0, F_BYTE, 0}, {name, {base + 3}, 1, -1, 0, 0, 0},           \
	    {name, {base + 4}, 1, -1, 1, F_BYTE | F_NO_MODRM, 0},                                  \
	    {name, {base + 5}, 1, -1, 4, F_NO_MODRM, 0}, {name, {0x80}, 1, ext, 1, F_BYTE, 0},     \
	    {name, {0x81}, 1, ext, 4, 0, 0},                                                       \
	{                                                                                          \
		name, {0x83}, 1, ext, 1, 0, 0                                                      \
	}

#define SHIFT_FORMS(name, ext)                                                                     \
	{name, {0xc0}, 1, ext, 1, F_BYTE, 0}, {name, {0xc1}, 1, ext, 1, 0, 0},                     \
	    {name, {0xd0}, 1, ext, 0, F_BYTE, 0}, {name, {0xd1}, 1, ext, 0, 0, 0},                 \
	    {name, {0xd2}, 1, ext, 0, F_BYTE, 0},                                                  \
	{                                                                                          \
		name, {0xd3}, 1, ext, 0, 0, 0                                                      \
	}

#define CC_FORMS(cc)                                                                               \
	{"setcc", {0x0f, 0x90 + cc}, 2, 0, 0, F_BYTE, 0},                                          \
	{                                                                                          \
		"cmovcc", {0x0f, 0x40 + cc}, 2, -1, 0, 0, 0                                        \
	}

static const struct form forms[] = {
    ALU_FORMS("add", 0x00, 0),
    ALU_FORMS("or", 0x08, 1),
    ALU_FORMS("adc", 0x10, 2),
    ALU_FORMS("sbb", 0x18, 3),
    ALU_FORMS("and", 0x20, 4),
    ALU_FORMS("sub", 0x28, 5),
    ALU_FORMS("xor", 0x30, 6),
    ALU_FORMS("cmp", 0x38, 7),
    SHIFT_FORMS("rol", 0),
    SHIFT_FORMS("ror", 1),
    SHIFT_FORMS("rcl", 2),
    SHIFT_FORMS("rcr", 3),
    SHIFT_FORMS("shl", 4),
    SHIFT_FORMS("shr", 5),
    SHIFT_FORMS("sal", 6),
    SHIFT_FORMS("sar", 7),
    {"test", {0x84}, 1, -1, 0, F_BYTE, 0},
    {"test", {0x85}, 1, -1, 0, 0, 0},
    {"test", {0xa8}, 1, -1, 1, F_BYTE | F_NO_MODRM, 0},
    {"test", {0xa9}, 1, -1, 4, F_NO_MODRM, 0},
    {"test", {0xf6}, 1, 0, 1, F_BYTE, 0},
    {"test", {0xf7}, 1, 0, 4, 0, 0},
    {"not", {0xf6}, 1, 2, 0, F_BYTE, 0},
    {"not", {0xf7}, 1, 2, 0, 0, 0},
    {"neg", {0xf6}, 1, 3, 0, F_BYTE, 0},
    {"neg", {0xf7}, 1, 3, 0, 0, 0},
    {"mul", {0xf6}, 1, 4, 0, F_BYTE, ALL_BUT_CF_OF},
    {"mul", {0xf7}, 1, 4, 0, 0, ALL_BUT_CF_OF},
    {"imul", {0xf6}, 1, 5, 0, F_BYTE, ALL_BUT_CF_OF},
    {"imul", {0xf7}, 1, 5, 0, 0, ALL_BUT_CF_OF},
    {"imul", {0x0f, 0xaf}, 2, -1, 0, 0, ALL_BUT_CF_OF},
    {"imul", {0x69}, 1, -1, 4, 0, ALL_BUT_CF_OF},
    {"imul", {0x6b}, 1, -1, 1, 0, ALL_BUT_CF_OF},
    {"div", {0xf6}, 1, 6, 0, F_BYTE, FLAGS_ARITH},
    {"div", {0xf7}, 1, 6, 0, 0, FLAGS_ARITH},
    {"idiv", {0xf6}, 1, 7, 0, F_BYTE, FLAGS_ARITH},
    {"idiv", {0xf7}, 1, 7, 0, 0, FLAGS_ARITH},
    {"inc", {0xfe}, 1, 0, 0, F_BYTE, 0},
    {"inc", {0xff}, 1, 0, 0, 0, 0},
    {"dec", {0xfe}, 1, 1, 0, F_BYTE, 0},
    {"dec", {0xff}, 1, 1, 0, 0, 0},
    {"shld", {0x0f, 0xa4}, 2, -1, 1, 0, 0},
    {"shld", {0x0f, 0xa5}, 2, -1, 0, 0, 0},
    {"shrd", {0x0f, 0xac}, 2, -1, 1, 0, 0},
    {"shrd", {0x0f, 0xad}, 2, -1, 0, 0, 0},
    {"bt", {0x0f, 0xa3}, 2, -1, 0, F_BITS, 0},
    {"bts", {0x0f, 0xab}, 2, -1, 0, F_BITS, 0},
    {"btr", {0x0f, 0xb3}, 2, -1, 0, F_BITS, 0},
    {"btc", {0x0f, 0xbb}, 2, -1, 0, F_BITS, 0},
    {"bt", {0x0f, 0xba}, 2, 4, 1, 0, 0},
    {"bts", {0x0f, 0xba}, 2, 5, 1, 0, 0},
    {"btr", {0x0f, 0xba}, 2, 6, 1, 0, 0},
    {"btc", {0x0f, 0xba}, 2, 7, 1, 0, 0},
    {"bsf", {0x0f, 0xbc}, 2, -1, 0, 0, 0},
    {"bsr", {0x0f, 0xbd}, 2, -1, 0, 0, 0},
    {"popcnt", {0xf3, 0x0f, 0xb8}, 3, -1, 0, 0, 0},
    {"tzcnt", {0xf3, 0x0f, 0xbc}, 3, -1, 0, 0, 0},
    {"lzcnt", {0xf3, 0x0f, 0xbd}, 3, -1, 0, 0, 0},
    {"xadd", {0x0f, 0xc0}, 2, -1, 0, F_BYTE, 0},
    {"xadd", {0x0f, 0xc1}, 2, -1, 0, 0, 0},
    {"cmpxchg", {0x0f, 0xb0}, 2, -1, 0, F_BYTE, 0},
    {"cmpxchg", {0x0f, 0xb1}, 2, -1, 0, 0, 0},
    {"cmpxchg8b", {0x0f, 0xc7}, 2, 1, 0, F_MEMORY | F_NO_66, 0},
    {"xchg", {0x86}, 1, -1, 0, F_BYTE, 0},
    {"xchg", {0x87}, 1, -1, 0, 0, 0},
    {"mov", {0x88}, 1, -1, 0, F_BYTE, 0},
    {"mov", {0x89}, 1, -1, 0, 0, 0},
    {"mov", {0x8a}, 1, -1, 0, F_BYTE, 0},
    {"mov", {0x8b}, 1, -1, 0, 0, 0},
    {"mov", {0xc6}, 1, 0, 1, F_BYTE, 0},
    {"mov", {0xc7}, 1, 0, 4, 0, 0},
    {"movnti", {0x0f, 0xc3}, 2, -1, 0, F_MEMORY | F_NO_66, 0},
    {"movzx", {0x0f, 0xb6}, 2, -1, 0, F_BYTE_SOURCE, 0},
    {"movzx", {0x0f, 0xb7}, 2, -1, 0, F_NO_66, 0},
    {"movsx", {0x0f, 0xbe}, 2, -1, 0, F_BYTE_SOURCE, 0},
    {"movsx", {0x0f, 0xbf}, 2, -1, 0, F_NO_66, 0},
    {"lea", {0x8d}, 1, -1, 0, F_MEMORY, 0},
    {"bswap", {0x0f, 0xcb}, 2, -1, 0, F_NO_MODRM | F_NO_66, 0},
    {"cwde", {0x98}, 1, -1, 0, F_NO_MODRM, 0},
    {"cdq", {0x99}, 1, -1, 0, F_NO_MODRM, 0},
    {"lahf", {0x9f}, 1, -1, 0, F_NO_MODRM, 0},
    {"sahf", {0x9e}, 1, -1, 0, F_NO_MODRM, 0},
    {"cmc", {0xf5}, 1, -1, 0, F_NO_MODRM, 0},
    {"clc", {0xf8}, 1, -1, 0, F_NO_MODRM, 0},
    {"stc", {0xf9}, 1, -1, 0, F_NO_MODRM, 0},
    {"cld", {0xfc}, 1, -1, 0, F_NO_MODRM, 0},
    {"std", {0xfd}, 1, -1, 0, F_NO_MODRM, 0},
    {"xlat", {0xd7}, 1, -1, 0, F_NO_MODRM, 0},
    {"movsb", {0xa4}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"movsd", {0xa5}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"cmpsb", {0xa6}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"cmpsd", {0xa7}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"stosb", {0xaa}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"stosd", {0xab}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"lodsb", {0xac}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"lodsd", {0xad}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"scasb", {0xae}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    {"scasd", {0xaf}, 1, -1, 0, F_NO_MODRM | F_STRING, 0},
    CC_FORMS(0),
    CC_FORMS(1),
    CC_FORMS(2),
    CC_FORMS(3),
    CC_FORMS(4),
    CC_FORMS(5),
    CC_FORMS(6),
    CC_FORMS(7),
    CC_FORMS(8),
    CC_FORMS(9),
    CC_FORMS(10),
    CC_FORMS(11),
    CC_FORMS(12),
    CC_FORMS(13),
    CC_FORMS(14),
    CC_FORMS(15),
};

static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* Random, with a liking for the values where arithmetic goes wrong. */
static uint32_t rnd_value(void)
{
	static const uint32_t edges[] = {0,          1,          2,          0x7f,      0x80,
					 0xff,       0x7fff,     0x8000,     0xffff,    0x10000,
					 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe};

	if (rnd() % 3)
		return rnd() % 4 ? rnd() : rnd() % 64;
	return edges[rnd() % (sizeof(edges) / sizeof(*edges))];
}

/* State in and out of run_native; the offsets are in the assembly. */
struct native {
	uint64_t gpr[NR_GPRS];
	uint64_t flags;
	const uint8_t *code;
	uint64_t rsp;
};

/*
 * Load everything from *state, run its code, which ends with `jmp *%r14`, and store everything. esp
 * is the host's all along.
 */
void run_native(struct native *state);
asm(".text\n"
    "run_native:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rdi, %r15\n"
    "	mov 0(%r15), %rax; mov 8(%r15), %rcx; mov 16(%r15), %rdx; mov 24(%r15), %rbx\n"
    "	mov 40(%r15), %rbp; mov 48(%r15), %rsi; mov 56(%r15), %rdi\n"
    "	lea 1f(%rip), %r14\n"
    "	push 64(%r15); popf\n"
    "	jmp *72(%r15)\n"
    "1:	pushf; pop 64(%r15)\n"
    "	cld\n"
    "	mov %rax, 0(%r15); mov %rcx, 8(%r15); mov %rdx, 16(%r15); mov %rbx, 24(%r15)\n"
    "	mov %rbp, 40(%r15); mov %rsi, 48(%r15); mov %rdi, 56(%r15)\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "	ret\n");

static sigjmp_buf divide_error;

static void on_sigfpe(int sig)
{
	siglongjmp(divide_error, sig);
}

/* A register number that is not esp (4), unless it names a byte register. */
static unsigned rnd_register(bool byte)
{
	unsigned r = rnd() % 8;

	return r == 4 && !byte ? 5 : r;
}

static size_t put_modrm(const struct form *f, uint8_t *code)
{
	bool byte = f->flags & F_BYTE;
	unsigned reg = f->ext >= 0 ? (unsigned)f->ext : rnd_register(byte);
	bool memory = f->flags & F_MEMORY || (!(f->flags & F_REGISTER) && rnd() % 2);

	if ((f->flags & F_BITS) && reg == R_ESI)
		reg = R_EDX;
	if (!memory) {
		code[0] =
		    (uint8_t)(0xc0 | reg << 3 | rnd_register(byte || (f->flags & F_BYTE_SOURCE)));
		return 1;
	}
	code[0] = (uint8_t)(0x46 | reg << 3); /* disp8(%esi) */
	code[1] = (uint8_t)(rnd() & 0x7c);
	if (rnd() % 4 == 0)
		code[1] += rnd() % 4;
	return 2;
}

/* Encode a random instance of a form; returns its length. */
static size_t encode(const struct form *f, uint8_t *code)
{
	size_t n = 0;
	unsigned opsize = 4;

	if (!(f->flags & (F_BYTE | F_NO_66)) && rnd() % 3 == 0) {
		code[n++] = 0x66;
		opsize = 2;
	}
	if ((f->flags & F_STRING) && rnd() % 4)
		code[n++] = rnd() % 2 ? 0xf3 : 0xf2;
	for (unsigned i = 0; i < f->length; i++)
		code[n++] = f->opcode[i];
	if (!(f->flags & F_NO_MODRM))
		n += put_modrm(f, code + n);
	for (unsigned i = 0; i < (f->imm == 4 ? opsize : f->imm); i++)
		code[n++] = (uint8_t)rnd_value();
	return n;
}

struct arena {
	uint8_t data[BUFFER];
	uint8_t code[64];
};

static void random_state(struct vcpu *v, struct arena *a, const struct form *f, const uint8_t *insn)
{
	uint32_t middle = (uint32_t)(uintptr_t)a->data + BUFFER / 2;

	for (unsigned i = 0; i < BUFFER; i++)
		a->data[i] = rnd() % 2 ? (uint8_t)rnd() : 0x55;
	for (unsigned r = 0; r < NR_GPRS; r++)
		v->gpr[r] = rnd_value();
	v->gpr[R_ESI] = middle;
	if (f->flags & F_STRING) {
		v->gpr[R_EDI] = middle - 64 + rnd() % 128;
		v->gpr[R_ECX] = rnd() % 20;
	}
	if (f->opcode[0] == 0xd7)
		v->gpr[R_EBX] = middle;
	if (f->flags & F_BITS) {
		const uint8_t *modrm = insn + (insn[0] == 0x66) + f->length;

		if (*modrm < 0xc0)
			v->gpr[*modrm >> 3 & 7] = rnd() % 8000 - 4000;
	}
	v->eflags = (rnd() & (FLAGS_ARITH | (f->flags & F_STRING ? FLAG_DF : 0))) | FLAG_1;
}

static void describe(char *to, size_t room, const uint8_t *code, const struct vcpu *before)
{
	struct insn in;
	int n;

	insn_decode(code, 15, &in);
	insn_format(&in, 0, to, room);
	n = (int)strlen(to);
	n += snprintf(to + n, room - n, " eax %x ecx %x edx %x ebx %x ebp %x esi %x edi %x fl %x",
		      before->gpr[0], before->gpr[1], before->gpr[2], before->gpr[3],
		      before->gpr[5], before->gpr[6], before->gpr[7], before->eflags);
}

/* One instruction both ways. Returns whether it divided badly. */
static bool compare(struct vcpu *v, struct arena *a, const struct form *f, const uint8_t *code)
{
	static uint8_t before[BUFFER], emulated[BUFFER];
	struct vcpu start = *v;
	struct native n = {.flags = v->eflags | FLAG_IF, .code = a->code};
	enum emulate_result result;
	struct insn in;
	char what[256];

	for (unsigned r = 0; r < NR_GPRS; r++)
		n.gpr[r] = v->gpr[r];
	describe(what, sizeof(what), code, &start);
	memcpy(before, a->data, BUFFER);
	ck_assert_msg(insn_decode(code, 15, &in), "%s: not decoded", f->name);
	result = emulate(v, &in);
	memcpy(emulated, a->data, BUFFER);
	memcpy(a->data, before, BUFFER);
	if (sigsetjmp(divide_error, 1)) {
		ck_assert_msg(result == EMULATE_FAULT && v->fault.vector == VEC_DE, "%s: no #DE",
			      what);
		return true;
	}
	run_native(&n);
	ck_assert_msg(result == EMULATE_DONE, "%s: result %d", what, result);
	for (unsigned r = 0; r < NR_GPRS; r++)
		ck_assert_msg(r == R_ESP || v->gpr[r] == (uint32_t)n.gpr[r],
			      "%s: register %u is %x, should be %x", what, r, v->gpr[r],
			      (uint32_t)n.gpr[r]);
	ck_assert_msg(!((v->eflags ^ n.flags) & (FLAGS_ARITH | FLAG_DF) & ~f->undefined),
		      "%s: flags are %x, should be %x", what, v->eflags, (uint32_t)n.flags);
	ck_assert_msg(!memcmp(emulated, a->data, BUFFER), "%s: memory differs", what);
	ck_assert_uint_eq(v->eip, start.eip + in.length);
	return false;
}

START_TEST(test_against_cpu)
{
	struct machine *m = stub_machine(4096);
	struct arena *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	static const uint8_t back[] = {0x41, 0xff, 0xe6}; /* jmp *%r14 */
	uint8_t *ram = m->ram;
	unsigned divided = 0;

	ck_assert_ptr_ne(a, MAP_FAILED);
	signal(SIGFPE, on_sigfpe);
	m->ram = (uint8_t *)a;
	m->ram_size = (sizeof(*a) + 4095) & ~4095u;
	guest_flat(&m->cpu, 0);
	for (unsigned s = 0; s < NR_SEGS; s++)
		m->cpu.seg[s].base = -(uint32_t)(uintptr_t)a;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		for (unsigned n = 0; n < ROUNDS; n++) {
			uint8_t code[32] = {0};
			size_t length = encode(&forms[i], code);

			random_state(&m->cpu, a, &forms[i], code);
			memcpy(a->code, code, length);
			memcpy(a->code + length, back, sizeof(back));
			divided += compare(&m->cpu, a, &forms[i], code);
		}
	}
	ck_assert_uint_gt(divided, 0);
	m->ram = ram;
	stub_machine_free(m);
}
END_TEST

/* Packed decimal: daa after an addition and das after a subtraction of all pairs. */
START_TEST(test_decimal)
{
	struct machine *m = stub_machine(4096);
	struct vcpu *v = &m->cpu;
	struct insn add, sub, daa, das;

	guest_flat(v, 0);
	ck_assert(insn_decode((const uint8_t *)"\x00\xd8", 2, &add));
	ck_assert(insn_decode((const uint8_t *)"\x28\xd8", 2, &sub));
	ck_assert(insn_decode((const uint8_t *)"\x27", 1, &daa));
	ck_assert(insn_decode((const uint8_t *)"\x2f", 1, &das));
	for (unsigned a = 0; a < 100; a++) {
		for (unsigned b = 0; b < 100; b++) {
			unsigned difference = (100 + a - b) % 100;

			v->gpr[R_EAX] = a / 10 << 4 | a % 10;
			v->gpr[R_EBX] = b / 10 << 4 | b % 10;
			ck_assert(emulate(v, &add) == EMULATE_DONE &&
				  emulate(v, &daa) == EMULATE_DONE);
			ck_assert_uint_eq(v->gpr[R_EAX], (a + b) % 100 / 10 << 4 | (a + b) % 10);
			ck_assert_uint_eq(!!(v->eflags & FLAG_CF), a + b > 99);
			v->gpr[R_EAX] = a / 10 << 4 | a % 10;
			ck_assert(emulate(v, &sub) == EMULATE_DONE &&
				  emulate(v, &das) == EMULATE_DONE);
			ck_assert_uint_eq(v->gpr[R_EAX], difference / 10 << 4 | difference % 10);
			ck_assert_uint_eq(!!(v->eflags & FLAG_CF), a < b);
		}
	}
	stub_machine_free(m);
}
END_TEST

UNIT_MAIN("alu", test_against_cpu, test_decimal)

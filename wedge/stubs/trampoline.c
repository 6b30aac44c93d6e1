/* SPDX-License-Identifier: MIT */
/*
 * Trampolines: which templates make up the code of a site.
 *
 *	cli, sti, pushf, popf, iret, rdtsc	one template each
 *	push %ds			push_seg
 *	mov %ds, %eax; mov %cr2, %eax	a load of the window's word, jump
 *	pop %ds, mov %eax, %ds		load_save, selector into %ecx, load_check, load_ds,
 *					load_done
 *	memory operations		mem_save, address into %ecx, mem_check, the instruction
 *	everything else			monitor
 */
#include "wedge/stubs/trampoline.h"

#include <Zydis/Mnemonic.h>

#include "afterburner/kinds.h"
#include "wedge/core/emulate.h"
#include "wedge/stubs/template.h"
#include "wedge/stubs/window.h"

#define FLAGS_SAVED_AFTER 10 /* bytes of load_check and iret that put the flags into their slot */
#define IRET_SAVES 13        /* bytes of iret before those */
#define JUMP 0xe9
#define JUMP_LENGTH 5u
#define INT3 0xcc
#define BIT(n) (1u << (n))

struct builder {
	const struct machine *m;
	struct template_symbols symbols;
	uint8_t *out;
	size_t length;
	uint32_t at; /* linear address of out */
	bool failed;
};

static void add(struct builder *b, const char *name)
{
	size_t n = template_copy(name, &b->symbols, b->at + (uint32_t)b->length, b->out + b->length,
				 TRAMPOLINE_MAX - b->length);

	b->failed = b->failed || n == 0;
	b->length += n;
}

static void add_bytes(struct builder *b, const uint8_t *bytes, size_t n)
{
	if (b->length + n > TRAMPOLINE_MAX) {
		b->failed = true;
		return;
	}
	__builtin_memcpy(b->out + b->length, bytes, n);
	b->length += n;
}

static void use_segment(struct builder *b, unsigned s)
{
	b->symbols.seg_sel = b->m->window + WIN_SEL + 4 * s;
	b->symbols.seg_host = b->m->window + WIN_HOST + 4 * s;
	b->symbols.seg_user_host = b->m->window + WIN_USER_HOST + 4 * s;
}

/* mov WORD, %r32 or %r16, where WORD is one of the window's: [66] 36 8b /r disp32. */
static void add_read_window(struct builder *b, const struct operand *to, uint32_t offset)
{
	const uint32_t address = b->m->window + offset;
	uint8_t code[4], n = 0;

	if (to->size == 2)
		code[n++] = 0x66;
	code[n++] = 0x36;
	code[n++] = 0x8b;
	code[n++] = (uint8_t)(to->reg << 3 | 5);
	add_bytes(b, code, n);
	add_bytes(b, (const uint8_t *)&address, sizeof address);
	add(b, "end");
}

/* From where the flags are in their save slot, once load_check begins. */
static void add_load_segment(struct builder *b, struct site *s, unsigned seg)
{
	static const char *const load[] = {
	    [SEG_ES] = "load_es", [SEG_DS] = "load_ds", [SEG_FS] = "load_fs", [SEG_GS] = "load_gs"};

	use_segment(b, seg);
	s->flags_saved = (uint16_t)(b->length + FLAGS_SAVED_AFTER);
	s->scratch = BIT(R_EAX) | BIT(R_ECX) | BIT(R_EDX);
	add(b, "load_check");
	add(b, load[seg]);
	add(b, "load_done");
}

static bool is_data_segment(const struct operand *op)
{
	return op->type == OP_SEG && op->reg != SEG_CS && op->reg != SEG_SS && op->reg < NR_SEGS;
}

static void add_mov(struct builder *b, struct site *s)
{
	const struct insn *in = &s->insn;

	if (in->op[0].type == OP_REG && in->op[1].type == OP_SEG && in->op[1].reg < NR_SEGS) {
		add_read_window(b, &in->op[0], WIN_SEL + 4u * in->op[1].reg);
	} else if (in->op[0].type == OP_REG && in->op[1].type == OP_CR && in->op[1].reg <= 4 &&
		   in->op[1].reg != 1) {
		add_read_window(b, &in->op[0], WIN_CR + 4u * in->op[1].reg);
	} else if (is_data_segment(&in->op[0]) && in->op[1].type == OP_REG) {
		const uint8_t movzwl[3] = {0x0f, 0xb7,
					   (uint8_t)(0xc8 | in->op[1].reg)}; /* %r16, %ecx */
		add(b, "load_save");
		add_bytes(b, movzwl, sizeof movzwl);
		add_load_segment(b, s, in->op[0].reg);
		add(b, "end");
	} else {
		add(b, "monitor");
	}
}

static void add_pop(struct builder *b, struct site *s)
{
	if (!is_data_segment(&s->insn.op[0]) || s->insn.opsize != 4) {
		add(b, "monitor");
		return;
	}
	add(b, "load_save");
	add(b, "load_pop");
	add_load_segment(b, s, s->insn.op[0].reg);
	add(b, "load_drop");
	add(b, "end");
}

static void add_push(struct builder *b, const struct site *s)
{
	if (s->insn.op[0].type != OP_SEG || s->insn.op[0].reg >= NR_SEGS || s->insn.opsize != 4) {
		add(b, "monitor");
		return;
	}
	use_segment(b, s->insn.op[0].reg);
	add(b, "push_seg");
}

static void add_iret(struct builder *b, struct site *s)
{
	s->scratch = BIT(R_EAX) | BIT(R_ECX);
	s->flags_saved = (uint16_t)(b->length + IRET_SAVES + FLAGS_SAVED_AFTER);
	add(b, "iret");
}

static bool is_prefix(uint8_t byte)
{
	return (byte & 0xe7) == 0x26 || (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 ||
	       byte == 0xf2 || byte == 0xf3;
}

/* Strings and xlat: SDM vol. 2, table A-2. */
static bool implicit_operand(const struct insn *in)
{
	unsigned i = 0;

	while (i + 1 < in->length && is_prefix(in->bytes[i]))
		i++;
	return (in->bytes[i] >= 0xa4 && in->bytes[i] <= 0xaf && (in->bytes[i] & 0xfe) != 0xa8) ||
	       in->bytes[i] == 0xd7;
}

/*
 * May an instruction run in a trampoline as it stands in its slot, and the emulator do it? Not what
 * changes %esp or eip, whose operand is implicit (strings), or whose segment may have any base.
 */
static bool can_move(const struct insn *in)
{
	const struct operand *memory = NULL;

	if (!emulate_knows(in) || in->adsize != 4 || implicit_operand(in) ||
	    in->mnemonic == ZYDIS_MNEMONIC_PUSH || in->mnemonic == ZYDIS_MNEMONIC_POP)
		return false;
	for (unsigned i = 0; i < in->nr_operands; i++) {
		const struct operand *op = &in->op[i];

		if (op->type == OP_REG && op->reg == R_ESP && op->size > 1)
			return false;
		if (op->type == OP_MEM && memory)
			return false;
		if (op->type == OP_MEM)
			memory = op;
	}
	return memory && memory->seg != SEG_FS && memory->seg != SEG_GS;
}

static const struct operand *memory_operand(const struct insn *in)
{
	unsigned i = 0;

	while (in->op[i].type != OP_MEM)
		i++;
	return &in->op[i];
}

/* lea OPERAND, %ecx, with a SIB byte and 32 bits of displacement (SDM vol. 2, 2.1.5). */
static void add_lea(struct builder *b, const struct operand *op)
{
	const uint8_t mod = op->base < 0 ? 0 : 0x80, base = op->base < 0 ? 5 : (uint8_t)op->base;
	const uint8_t index = op->index < 0 ? 4 : (uint8_t)op->index;
	const uint8_t scale = op->index < 0 ? 0 : (uint8_t)__builtin_ctz(op->scale);
	const uint8_t code[3] = {0x8d, mod | R_ECX << 3 | 4,
				 (uint8_t)(scale << 6 | index << 3 | base)};

	add_bytes(b, code, sizeof code);
	add_bytes(b, (const uint8_t *)&op->imm, sizeof op->imm);
}

static void add_memory(struct builder *b, struct site *s)
{
	s->scratch = BIT(R_ECX);
	add(b, "mem_save");
	add_lea(b, memory_operand(&s->insn));
	add(b, "mem_check");
	add_bytes(b, s->insn.bytes, s->insn.length);
	add(b, "end");
}

static void build(struct builder *b, struct site *s)
{
	s->scratch = 0;
	s->flags_saved = 0;
	if (s->kind == AB_MEM) {
		add_memory(b, s);
		return;
	}
	switch (s->insn.lock ? ZYDIS_MNEMONIC_INVALID : s->insn.mnemonic) {
	case ZYDIS_MNEMONIC_CLI:
		add(b, "cli");
		break;
	case ZYDIS_MNEMONIC_STI:
		add(b, "sti");
		break;
	case ZYDIS_MNEMONIC_PUSHFD:
		add(b, "pushf");
		break;
	case ZYDIS_MNEMONIC_POPFD:
		s->scratch = BIT(R_ECX);
		add(b, "popf");
		break;
	case ZYDIS_MNEMONIC_IRETD:
		add_iret(b, s);
		break;
	case ZYDIS_MNEMONIC_RDTSC:
		add(b, "rdtsc");
		break;
	case ZYDIS_MNEMONIC_MOV:
		add_mov(b, s);
		break;
	case ZYDIS_MNEMONIC_PUSH:
		add_push(b, s);
		break;
	case ZYDIS_MNEMONIC_POP:
		add_pop(b, s);
		break;
	default:
		add(b, "monitor");
	}
}

static struct builder start(const struct machine *m, uint32_t at, uint8_t *out)
{
	return (struct builder){
	    .m = m,
	    .out = out,
	    .at = at,
	    .symbols = {.win = m->window, .gate = m->window + WINDOW_GATE},
	};
}

enum trampoline_result trampoline_emit(const struct machine *m, struct site *s, uint32_t id,
				       uint32_t at, uint8_t *out, size_t *length, const char **why)
{
	struct builder b = start(m, at, out);

	if (s->kind == AB_MEM && !can_move(&s->insn))
		return TRAMPOLINE_KEEP;
	b.symbols.site_id = id;
	b.symbols.site_end = s->slot + s->slot_len;
	b.symbols.counter = m->window + WINDOW_COUNTERS + 4 * id;
	if (m->ran && id < m->nr_ran)
		add(&b, "count");
	build(&b, s);
	if (b.failed) {
		*why = "its trampoline does not fit";
		return TRAMPOLINE_BAD;
	}
	s->trampoline = at;
	*length = b.length;
	return TRAMPOLINE_EMITTED;
}

uint32_t trampoline_patch(const struct site *s, uint8_t *out)
{
	uint32_t rel = s->trampoline - (s->slot + JUMP_LENGTH);
	uint32_t length = s->insn_off >= JUMP_LENGTH ? s->insn_off : s->slot_len;

	out[0] = JUMP;
	__builtin_memcpy(out + 1, &rel, sizeof(rel));
	for (uint32_t i = JUMP_LENGTH; i < length; i++)
		out[i] = INT3;
	return length;
}

enum trampoline_result trampoline_emit_int80(const struct machine *m, uint32_t at, uint8_t *out,
					     size_t *length)
{
	struct builder b = start(m, at, out);

	add(&b, "int80");
	*length = b.length;
	return b.failed ? TRAMPOLINE_BAD : TRAMPOLINE_EMITTED;
}

void trampoline_write_call(uint8_t call[TRAMPOLINE_CALL], uint32_t at, uint16_t cs)
{
	call[0] = 0x9a; /* lcall ptr16:32 */
	__builtin_memcpy(call + 1, &at, 4);
	__builtin_memcpy(call + 5, &cs, 2);
}

/* The site whose trampoline holds eip. */
static bool find_site(const struct machine *m, uint32_t eip, uint32_t *site)
{
	uint32_t count = m->nr_sites + m->nr_late, best = count;

	for (uint32_t i = 0; i < count; i++)
		if (m->sites[i].trampoline && m->sites[i].trampoline <= eip &&
		    eip - m->sites[i].trampoline < TRAMPOLINE_MAX &&
		    (best == count || m->sites[i].trampoline > m->sites[best].trampoline))
			best = i;
	*site = best;
	return best < count;
}

/* SDM vol. 2, LAHF. */
uint32_t trampoline_flags(uint32_t eflags, uint32_t word)
{
	const uint32_t low = FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF;

	return (eflags & ~(low | FLAG_OF)) | (word >> 8 & low) | (word & 0xff ? FLAG_OF : 0);
}

bool trampoline_rollback(const struct machine *m, const struct window *win, uint32_t eip,
			 uint32_t gpr[NR_GPRS], uint32_t *eflags, uint32_t *site)
{
	const uint32_t saved[] = {
	    [R_EAX] = win->save_eax, [R_ECX] = win->save_ecx, [R_EDX] = win->save_edx};
	const struct site *s;

	if (!find_site(m, eip, site))
		return false;
	s = &m->sites[*site];
	if (eip == s->trampoline)
		return true; /* %ss is not flat: not even the first save came through */
	for (int r = R_EAX; r <= R_EDX; r++)
		if (s->scratch & BIT(r))
			gpr[r] = saved[r];
	if (s->flags_saved && eip - s->trampoline >= s->flags_saved)
		*eflags = trampoline_flags(*eflags, win->save_flags);
	return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/disassemble.h"

#include <dis-asm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disassembler {
	disassemble_info info;
	disassembler_ftype print;
	struct code_insn *out; /* while one instruction is decoded */
	size_t used;
};

static void add(struct disassembler *d, const char *fmt, va_list ap)
{
	size_t room = sizeof(d->out->text) - d->used;
	int n = vsnprintf(d->out->text + d->used, room, fmt, ap);

	d->used += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static int __attribute__((format(printf, 2, 3))) add_plain(void *stream, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(stream, fmt, ap);
	va_end(ap);
	return 0;
}

static int __attribute__((format(printf, 3, 4)))
add_styled(void *stream, enum disassembler_style style, const char *fmt, ...)
{
	va_list ap;

	(void)style;
	va_start(ap, fmt);
	add(stream, fmt, ap);
	va_end(ap);
	return 0;
}

static void print_address(bfd_vma address, struct disassemble_info *info)
{
	struct disassembler *d = info->stream;

	d->out->target = address;
	add_plain(d, "0x%llx", (unsigned long long)address);
}

static void ignore_error(int status, bfd_vma address, struct disassemble_info *info)
{
	(void)status;
	(void)address;
	(void)info;
}

struct disassembler *disassembler_new(enum code_mode mode)
{
	static const unsigned long machines[] = {bfd_mach_i386_i8086, bfd_mach_i386_i386,
						 bfd_mach_x86_64};
	struct disassembler *d = calloc(1, sizeof(*d));

	if (!d) {
		fputs("afterburn: out of memory\n", stderr);
		exit(2);
	}
	init_disassemble_info(&d->info, d, add_plain, add_styled);
	d->info.arch = bfd_arch_i386;
	d->info.mach = machines[mode];
	d->info.endian = BFD_ENDIAN_LITTLE;
	d->info.read_memory_func = buffer_read_memory;
	d->info.memory_error_func = ignore_error;
	d->info.print_address_func = print_address;
	disassemble_init_for_target(&d->info);
	d->print = disassembler(bfd_arch_i386, false, machines[mode], NULL);
	if (!d->print) {
		fputs("afterburn: this libopcodes cannot disassemble x86\n", stderr);
		exit(2);
	}
	return d;
}

void disassembler_free(struct disassembler *d)
{
	disassemble_free_target(&d->info);
	free(d);
}

/* Single blanks, none at the end, no comment. */
static void tidy(char *text)
{
	char *to = text;

	for (char *from = text; *from && *from != '#'; from++)
		if (*from != ' ' && *from != '\t')
			*to++ = *from;
		else if (to != text && to[-1] != ' ')
			*to++ = ' ';
	while (to != text && to[-1] == ' ')
		to--;
	*to = '\0';
}

/* Prefixes that libopcodes prints as words of their own. */
static bool is_prefix(const char *word, size_t size)
{
	static const char *const prefixes[] = {
	    "rep", "repz", "repnz", "lock", "data16", "data32",  "addr16", "addr32",   "cs",
	    "ds",  "es",   "fs",    "gs",   "ss",     "notrack", "bnd",    "xacquire", "xrelease"};

	if (size >= 3 && strncmp(word, "rex", 3) == 0)
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strlen(prefixes[i]) == size && strncmp(word, prefixes[i], size) == 0)
			return true;
	return false;
}

/* The mnemonic of a line, prefixes skipped. */
static const char *mnemonic(const char *text, size_t *size)
{
	for (;;) {
		*size = strcspn(text, " ,");
		if (text[*size] != ' ' || !is_prefix(text, *size))
			return text;
		text += *size + 1;
	}
}

/* The mnemonics of sites.def, sorted, and those whose operands tell. */
struct entry {
	const char *name;
	size_t size;
	unsigned kind; /* AB_NR_KINDS and up: by operands */
};
enum { BY_MOV = AB_NR_KINDS, BY_PUSH, BY_POP };
static struct entry entries[512];
static size_t nr_entries;

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = memcmp(x->name, y->name, x->size < y->size ? x->size : y->size);

	return c ? c : (x->size > y->size) - (x->size < y->size);
}

static void add_entries(const char *names, unsigned kind)
{
	while (*names && nr_entries < sizeof(entries) / sizeof(entries[0])) {
		size_t size = strcspn(names, " ");

		entries[nr_entries++] = (struct entry){names, size, kind};
		names += size + (names[size] == ' ');
	}
}

static unsigned find_entry(const char *name, size_t size)
{
	struct entry key = {name, size, 0}, *e;

	if (!nr_entries) {
		for (unsigned kind = AB_KIND_NONE + 1; kind < AB_NR_KINDS; kind++)
			add_entries(ab_kind_info[kind].mnemonics, kind);
		add_entries("mov movl movw movq", BY_MOV);
		add_entries("push pushl pushw pushq", BY_PUSH);
		add_entries("pop popl popw popq", BY_POP);
		qsort(entries, nr_entries, sizeof(*entries), compare_entries);
	}
	e = bsearch(&key, entries, nr_entries, sizeof(*entries), compare_entries);
	return e ? e->kind : AB_KIND_NONE;
}

enum register_class { NO_REGISTER, SEGMENT, STACK_SEGMENT, CONTROL, DEBUG };

/* What kind of register an operand is; memory through %ds: is none. */
static enum register_class register_class(const char *operand)
{
	size_t size = strcspn(operand, ",");

	if (operand[0] != '%' || size < 3)
		return NO_REGISTER;
	if (size == 3 && operand[2] == 's' && strchr("cdefg", operand[1]))
		return SEGMENT;
	if (size == 3 && strncmp(operand, "%ss", 3) == 0)
		return STACK_SEGMENT;
	if (strncmp(operand, "%cr", 3) == 0)
		return CONTROL;
	return strncmp(operand, "%db", 3) == 0 || strncmp(operand, "%dr", 3) == 0 ? DEBUG
										  : NO_REGISTER;
}

static enum ab_kind mov_kind(const char *operands)
{
	int depth = 0;
	const char *p = operands;

	switch (register_class(operands)) {
	case SEGMENT:
	case STACK_SEGMENT:
		return AB_MOV_FROM_SEG;
	case CONTROL:
		return AB_MOV_FROM_CR;
	case DEBUG:
		return AB_MOV_FROM_DR;
	default:
		break;
	}
	for (; *p && (*p != ',' || depth); p++)
		depth += (*p == '(') - (*p == ')');
	switch (*p ? register_class(p + 1) : NO_REGISTER) {
	case SEGMENT:
		return AB_MOV_TO_SEG;
	case STACK_SEGMENT:
		return AB_MOV_TO_SS;
	case CONTROL:
		return AB_MOV_TO_CR;
	case DEBUG:
		return AB_MOV_TO_DR;
	default:
		return AB_KIND_NONE;
	}
}

enum ab_kind sensitive_kind(const char *text)
{
	size_t size;
	const char *m = mnemonic(text, &size), *operands = m[size] == ' ' ? m + size + 1 : "";
	unsigned kind = find_entry(m, size);

	switch (kind) {
	case BY_MOV:
		return mov_kind(operands);
	case BY_PUSH:
		return register_class(operands) == NO_REGISTER ? AB_KIND_NONE : AB_PUSH_SEG;
	case BY_POP:
		switch (register_class(operands)) {
		case NO_REGISTER:
			return AB_KIND_NONE;
		case STACK_SEGMENT:
			return AB_POP_SS;
		default:
			return AB_POP_SEG;
		}
	default:
		return kind;
	}
}

static bool is_nop(const char *text)
{
	size_t size;
	const char *m = mnemonic(text, &size);

	return strncmp(m, "nop", 3) == 0 || strcmp(m, "xchg %ax,%ax") == 0;
}

/* jmp, call, jcc, loop, jcxz with a direct target: libopcodes printed the address as the operand.
 */
static bool is_branch(const char *text)
{
	size_t size;
	const char *m = mnemonic(text, &size);

	if (*m != 'j' && strncmp(m, "call", 4) != 0 && strncmp(m, "loop", 4) != 0)
		return false;
	return strncmp(m + size, " 0x", 3) == 0;
}

/* Words that have a memory operand, but access no memory by it or leave the flow of code. */
static bool only_names_memory(const char *word)
{
	static const char *const words[] = {"lea", "prefetch", "call", "loop", "xbegin", "clflush"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(word, words[i], strlen(words[i])) == 0)
			return true;
	return *word == 'j';
}

/* Has it a memory operand: neither a register nor an immediate, or with a segment? */
static bool has_memory(const char *text)
{
	size_t size;
	const char *m = mnemonic(text, &size), *p = m[size] == ' ' ? m + size + 1 : "";

	if (only_names_memory(m))
		return false;
	while (*p) {
		int depth = 0;
		const char *start = p;
		bool segment = false;

		for (; *p && (*p != ',' || depth); p++) {
			depth += (*p == '(') - (*p == ')');
			segment |= *p == ':';
		}
		if (*start != '$' && (*start != '%' || segment))
			return true;
		p += *p == ',';
	}
	return false;
}

void disassemble(struct disassembler *d, const uint8_t *bytes, size_t size, uint64_t base,
		 size_t offset, struct code_insn *out)
{
	int length;

	memset(out, 0, offsetof(struct code_insn, text) + 1);
	d->out = out;
	d->used = 0;
	d->info.buffer = (bfd_byte *)bytes;
	d->info.buffer_vma = base;
	d->info.buffer_length = size;
	length = d->print(base + offset, &d->info);
	tidy(out->text);
	out->valid = length > 0 && !strstr(out->text, "(bad)");
	out->length = out->valid ? (unsigned)length : 1;
	if (!out->valid)
		return;
	out->kind = sensitive_kind(out->text);
	out->nop = out->kind == AB_KIND_NONE && is_nop(out->text);
	out->branch = is_branch(out->text);
	out->memory = out->kind == AB_KIND_NONE && !out->nop && has_memory(out->text);
}

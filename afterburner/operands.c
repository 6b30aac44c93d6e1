/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/operands.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* The mnemonics of sites.def and the words below, in a hash table with open addressing. */
#define SLOTS 1024

struct word {
	const char *name;
	uint8_t size, class, kind;
};

static struct word table[SLOTS];

static const struct {
	enum word_class class;
	const char *names;
} classes[] = {
    {WORD_PREFIX,
     "rep repe repz repne repnz lock data16 data32 addr16 addr32 cs ds es fs gs ss rex64 rex "
     "rex.w rex.wb rex.wr rex.wx rex.wrx rex.wrb rex.wxb rex.wrxb rex.b rex.r rex.x"},
    {WORD_MOV, "mov movl movw movq mov.s movl.s movw.s movq.s"},
    {WORD_PUSH, "push pushl pushw pushq"},
    {WORD_POP, "pop popl popw popq"},
    {WORD_JMP, "jmp jmpl jmpw"},
    {WORD_CALL, "call calll callw"},
    {WORD_SECTION, ".section .pushsection"},
    {WORD_TEXT, ".text"},
    {WORD_DATA, ".data .bss"},
    {WORD_PREVIOUS, ".previous"},
    {WORD_POPSECTION, ".popsection"},
    {WORD_SUBSECTION, ".subsection"},
    {WORD_CODE, ".code16 .code16gcc .code32 .code64"},
    {WORD_SET, ".set .equ"},
    {WORD_SWITCH, ".lafterburner_off .lafterburner_user"},
    {WORD_MEMORY, ".lafterburner_memory"},
    {WORD_BYTE, ".byte"},
    {WORD_MACRO, ".macro"},
    {WORD_REPEAT, ".rept .rep .irp .irpc .irep .irepc"},
    {WORD_ENDBODY, ".endm .endr"},
    {WORD_ALTMACRO, ".altmacro"},
    {WORD_NOALTMACRO, ".noaltmacro"},
    {WORD_INTEL, ".intel_syntax"},
    {WORD_ATT, ".att_syntax"},
    {WORD_END, ".end"},
    {WORD_MRI, ".mri"},
};

static unsigned hash(const char *s, size_t size)
{
	unsigned h = 2166136261u;

	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char)(s[i] | 0x20)) * 16777619u;
	return h;
}

static void insert_all(const char *names, enum word_class class, unsigned kind)
{
	while (*names) {
		size_t size = strcspn(names, " ");
		unsigned h = hash(names, size);

		while (table[h % SLOTS].name)
			h++;
		table[h % SLOTS] =
		    (struct word){names, (uint8_t)size, (uint8_t) class, (uint8_t)kind};
		names += size + (names[size] == ' ');
	}
}

static void build_table(void)
{
	for (unsigned kind = AB_KIND_NONE + 1; kind < AB_NR_KINDS; kind++)
		insert_all(ab_kind_info[kind].mnemonics, WORD_SITE, kind);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		insert_all(classes[i].names, classes[i].class, AB_KIND_NONE);
}

enum word_class word_class(struct span w, enum ab_kind *kind)
{
	static bool built;
	size_t size = (size_t)(w.end - w.start);

	if (!built)
		build_table();
	built = true;
	for (unsigned h = hash(w.start, size); table[h % SLOTS].name; h++) {
		const struct word *e = &table[h % SLOTS];

		if (e->size == size && strncasecmp(e->name, w.start, size) == 0) {
			*kind = e->kind;
			return e->class;
		}
	}
	return WORD_OTHER;
}

int split_operands(struct span s, struct span operand[4])
{
	int n = 0, depth = 0;

	s = span_trim(s);
	if (s.start == s.end)
		return 0;
	operand[0].start = s.start;
	for (const char *p = s.start; p < s.end; p++) {
		if (*p == '(' || *p == '[')
			depth++;
		else if (*p == ')' || *p == ']')
			depth--;
		else if (*p == ',' && depth == 0) {
			operand[n].end = p;
			operand[n] = span_trim(operand[n]);
			if (++n == 4)
				return -1;
			operand[n].start = p + 1;
		}
	}
	operand[n].end = s.end;
	operand[n] = span_trim(operand[n]);
	return n + 1;
}

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static enum operand_class register_class(struct span s)
{
	size_t size = (size_t)(s.end - s.start);
	char a, b;

	if (size < 2 || size > 4)
		return OPERAND_OTHER;
	a = (char)tolower((unsigned char)s.start[0]);
	b = (char)tolower((unsigned char)s.start[1]);
	if (size == 2 && b == 's' && strchr("cdefg", a))
		return OPERAND_SEG;
	if (size == 2 && b == 's' && a == 's')
		return OPERAND_SS;
	if (size < 3 || !isdigit((unsigned char)s.start[2]))
		return OPERAND_OTHER;
	if (a == 'c' && b == 'r')
		return OPERAND_CR;
	return a == 'd' && (b == 'r' || b == 'b') ? OPERAND_DR : OPERAND_OTHER;
}

/* \name, \name\(), %\name, and in .altmacro a bare name; but no memory operand and no immediate. */
static bool is_argument(struct span s, bool names)
{
	bool backslash = false;

	if (s.start < s.end && *s.start == '%')
		s.start++;
	if (s.start == s.end || isdigit((unsigned char)*s.start) || *s.start == '$')
		return false;
	for (; s.start < s.end; s.start++) {
		if (*s.start == '\\')
			backslash = true;
		else if (backslash && s.end - s.start >= 2 && s.start[0] == '(' &&
			 s.start[1] == ')')
			s.start++;
		else if (!is_name_character(*s.start) && *s.start != '&' && *s.start != '@')
			return false;
	}
	return backslash || names;
}

enum operand_class operand_class(struct span s, bool bare, bool names)
{
	struct span name = s;
	enum operand_class c = OPERAND_OTHER;

	if (s.start == s.end)
		return OPERAND_OTHER;
	if (*name.start == '%')
		name.start++;
	if (name.start != s.start || bare)
		c = register_class(span_trim(name));
	if (c == OPERAND_OTHER && is_argument(s, names && *s.start != '%'))
		return OPERAND_ARGUMENT;
	return c;
}

/* Integer instructions without the suffix for their size; and how families of them begin. */
static const char *const integer[] = {
    "adc",     "add",   "and",  "bsf",  "bsr",  "bt",   "btc",   "btr",  "bts",    "cmp",
    "cmpxchg", "dec",   "div",  "idiv", "imul", "inc",  "lzcnt", "mov",  "movabs", "movbe",
    "movnti",  "mul",   "neg",  "not",  "or",   "pop",  "push",  "rcl",  "rcr",    "rol",
    "ror",     "sal",   "sar",  "sbb",  "shl",  "shld", "shr",   "shrd", "sub",    "test",
    "popcnt",  "tzcnt", "xadd", "xchg", "xor",  NULL,
};
static const char *const families[] = {"cmov", "cmpxchg", "movs", "movz", "set", NULL};
static const char *const strings[] = {"cmps", "lods", "movs", "scas", "stos", NULL};

static bool is_one_of(struct span w, const char *const *words)
{
	while (*words && !span_is(w, *words))
		words++;
	return *words;
}

static bool is_of_family(struct span w)
{
	for (const char *const *f = families; *f; f++)
		if ((size_t)(w.end - w.start) > strlen(*f) && !strncasecmp(w.start, *f, strlen(*f)))
			return true;
	return false;
}

static bool contains(struct span s, const char *what)
{
	for (size_t n = strlen(what); (size_t)(s.end - s.start) >= n; s.start++)
		if (strncasecmp(s.start, what, n) == 0)
			return true;
	return false;
}

/* As accesses_memory() returns. */
static int is_memory(struct span o, bool intel)
{
	if (o.start == o.end || *o.start == '$' || *o.start == '*')
		return 0;
	if (intel && (contains(o, "[") || contains(o, " ptr ")))
		return 1;
	if (contains(o, ":"))
		return 1;
	if (*o.start == '%')
		return 0;
	if (!intel && contains(o, "("))
		return 1;
	return contains(o, "\\") ? -1 : !intel;
}

int accesses_memory(struct span word, struct span args, bool intel)
{
	struct span operand[4], stem = {word.start, word.end - 1};
	bool suffix = word.end - word.start > 1 && strchr("bwlqdBWLQD", *stem.end);
	bool string = suffix && is_one_of(stem, strings);
	int n = split_operands(args, operand);

	if (string && n == 0)
		return 1;
	if (!string && !is_one_of(word, integer) && !(suffix && is_one_of(stem, integer)) &&
	    !is_of_family(word))
		return 0;
	for (int i = 0; i < n; i++) {
		int is = is_memory(operand[i], intel);

		if (is)
			return is;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan's instructions: those that the prelude's macros cannot catch get a macro put in front.
 */
#include "afterburner/prelude.h"
#include "config.h"

#include "afterburner/scan-state.h"

#include <string.h>

/* Take text out without moving what follows: blanks instead. */
static void blank(struct scan *s, struct span what)
{
	scan_insert(s, what.start, "");
	for (; what.start < what.end; what.start++)
		text_puts(s->out, " ");
	s->copied = what.end;
}

/*
 * Put the macro that pads and records in front of an instruction. In sections of data instructions
 * are copied to somewhere else before they run: there, put what keeps the macro of the mnemonic
 * away.
 */
static void insert_site(struct scan *s, const char *at, unsigned kind, unsigned prefixes)
{
	scan_insert(s, at, "");
	if (!s->section.code && !s->body)
		text_puts(s->out, "{nooptimize} ");
	else if (prefixes)
		text_printf(s->out, "ab_prefixed %u,%u,", prefixes, kind);
	else if (ab_kind_info[kind].pad != AB_PAD_BEFORE || s->shadow)
		text_printf(s->out, "ab_site %u,", kind);
	else if (kind == AB_INT)
		text_printf(s->out, "ab_int 7,%u,", kind);
	else
		text_printf(s->out, "ab_before %d,%u,", kind == AB_MOV_TO_SS ? 3 : 4, kind);
}

/*
 * Is a statement that is sensitive by nothing else a site, because memory operations are here? Only
 * in sections of code: elsewhere the words may be anything.
 */
static bool is_memory_site(struct scan *s, const struct statement *st, struct span word,
			   struct span args)
{
	int memory;

	if (!s->memory || !s->section.code || st->quoted || st->all.start == s->joined)
		return false;
	memory = accesses_memory(word, args, s->intel);
	if (memory < 0)
		scan_fail(s, st->all.start,
			  "an operand that is an argument of a macro, where memory operations are "
			  "marked");
	return memory > 0;
}

static bool makes_shadow(unsigned kind)
{
	return kind == AB_STI || kind == AB_MOV_TO_SS || kind == AB_POP_SS;
}

static enum ab_kind mov_kind(enum operand_class from, enum operand_class to)
{
	switch (from) {
	case OPERAND_CR:
		return AB_MOV_FROM_CR;
	case OPERAND_DR:
		return AB_MOV_FROM_DR;
	case OPERAND_SEG:
	case OPERAND_SS:
		return AB_MOV_FROM_SEG;
	default:
		break;
	}
	switch (to) {
	case OPERAND_CR:
		return AB_MOV_TO_CR;
	case OPERAND_DR:
		return AB_MOV_TO_DR;
	case OPERAND_SEG:
		return AB_MOV_TO_SEG;
	case OPERAND_SS:
		return AB_MOV_TO_SS;
	default:
		return AB_KIND_NONE;
	}
}

static bool is_far(const struct scan *s, struct span args)
{
	struct span operand[4];
	bool colon = false;

	if (!s->intel)
		return split_operands(args, operand) == 2 && *operand[0].start == '$';
	for (const char *p = args.start; p < args.end; p++) {
		if (args.end - p > 4 && strncasecmp(p, "far ", 4) == 0)
			return true;
		if (args.end - p > 6 && strncasecmp(p, "fword ", 6) == 0)
			return true;
		if (*p == '[')
			return false;
		if (*p == ':')
			colon = operand_class(span_trim((struct span){args.start, p}), true,
					      false) == OPERAND_OTHER;
	}
	return colon;
}

/*
 * The kind that mnemonic and operands make together. *argument is set if an operand is an argument
 * of a macro, so that gas must decide.
 */
static enum ab_kind operand_kind(struct scan *s, enum word_class class, struct span args,
				 struct span operand[4], bool *argument)
{
	bool names = s->altmacro && s->body;
	enum operand_class a, b;
	int n;

	*argument = false;
	if (class == WORD_JMP || class == WORD_CALL)
		return !is_far(s, args)    ? AB_KIND_NONE
		       : class == WORD_JMP ? AB_FAR_JMP
					   : AB_FAR_CALL;
	n = split_operands(args, operand);
	if (n != (class == WORD_MOV ? 2 : 1))
		return AB_KIND_NONE;
	a = operand_class(operand[0], s->intel, names);
	if (class != WORD_MOV) {
		*argument = a == OPERAND_ARGUMENT;
		if (a == OPERAND_SEG || (a == OPERAND_SS && class == WORD_PUSH))
			return class == WORD_PUSH ? AB_PUSH_SEG : AB_POP_SEG;
		return a == OPERAND_SS ? AB_POP_SS : AB_KIND_NONE;
	}
	b = operand_class(operand[1], s->intel, names);
	*argument = a == OPERAND_ARGUMENT || b == OPERAND_ARGUMENT;
	return s->intel ? mov_kind(b, a) : mov_kind(a, b);
}

/* An operand as one argument of a macro. In .altmacro quotes would become part of it. */
static void quote(const struct scan *s, struct span operand)
{
	text_puts(s->out, s->altmacro ? "<" : "\"");
	text_append(s->out, operand.start, (size_t)(operand.end - operand.start));
	text_puts(s->out, s->altmacro ? ">," : "\",");
}

/* Let gas decide when it has expanded the operands. */
static void insert_dispatch(struct scan *s, const char *at, enum word_class class,
			    struct span operand[4])
{
	scan_insert(s, at,
		    class == WORD_MOV    ? "ab_mov "
		    : class == WORD_PUSH ? "ab_push "
					 : "ab_pop ");
	quote(s, operand[0]);
	if (class == WORD_MOV)
		quote(s, operand[1]);
}

/* A register as it is written, not an argument, not memory in its segment. */
static bool is_register(struct span operand)
{
	return *operand.start == '%' &&
	       !memchr(operand.start, ':', (size_t)(operand.end - operand.start));
}

/*
 * How many redundant prefixes make 5 bytes of an instruction that the operands have told: 0 if the
 * length is not plain from here, or it may fault: handlers step over that by the length they know.
 * A longer one than assumed only makes the slot longer.
 */
static unsigned operand_prefixes(const struct scan *s, const struct span operand[4],
				 enum ab_kind kind)
{
	if (s->x64 || s->intel)
		return 0;
	switch (kind) {
	case AB_MOV_FROM_CR:
		return 2;
	case AB_PUSH_SEG:
		return !is_register(operand[0])                                   ? 0
		       : operand[0].start[1] == 'f' || operand[0].start[1] == 'g' ? 3
										  : 4;
	case AB_MOV_FROM_SEG:
		return is_register(operand[1]) ? 3 : 0;
	default:
		return 0;
	}
}

static void by_operands(struct scan *s, const struct statement *st, enum word_class class,
			struct span word, struct span args)
{
	struct span operand[4];
	bool argument;
	enum ab_kind kind = operand_kind(s, class, args, operand, &argument);

	if (kind == AB_KIND_NONE && is_memory_site(s, st, word, args))
		kind = AB_MEM;
	if (kind != AB_KIND_NONE)
		insert_site(s, st->all.start, kind,
			    args.start == st->args.start ? operand_prefixes(s, operand, kind) : 0);
	else if (argument && !st->quoted)
		insert_dispatch(s, st->all.start, class, operand);
	s->shadow = makes_shadow(kind);
}

/* `int $3` is the breakpoint, which is no site. */
static bool is_breakpoint(struct span args)
{
	unsigned long vector;

	args = span_trim(args);
	if (args.start < args.end && *args.start == '$')
		args.start++;
	return span_number(args, &vector) && vector == 3;
}

/*
 * The macro of the mnemonic would do, except where a prefix or a shadow must be told. To save gas a
 * macro in a macro, name the inner one elsewhere, too; but not in strings, which may be text: "out
 * of memory".
 */
static void by_name(struct scan *s, const struct statement *st, enum ab_kind kind, bool prefixed)
{
	bool must = prefixed || (s->shadow && ab_kind_info[kind].pad == AB_PAD_BEFORE);
	bool may = st->all.start != s->joined && !(kind == AB_INT && is_breakpoint(st->args));

	if (may && (must || !(st->quoted || s->own_macros)))
		insert_site(s, st->all.start, kind,
			    prefixed ? 0
				     : prelude_prefixes(kind, st->word.start,
							(size_t)(st->word.end - st->word.start)));
	s->shadow = makes_shadow(kind);
}

static bool is_blank_between_statements(char c)
{
	return c == ' ' || c == '\t' || c == ';' || c == '\n' || c == '\r';
}

/*
 * A prefix that is a statement of its own: `rep; insb`, also on two lines. If a sensitive
 * instruction follows, the prefix belongs to its slot: move it there.
 */
static void lone_prefix(struct scan *s, const struct statement *st, const char *limit)
{
	const char *p = st->all.end;
	enum ab_kind kind;
	struct span w;

	for (;;) {
		while (p < limit && is_blank_between_statements(*p))
			p++;
		if (p == limit || *p != '#')
			break;
		while (p < limit && *p != '\n')
			p++;
	}
	w = next_word((struct span){p, limit});
	if (word_class(w, &kind) != WORD_SITE) {
		while (p < limit && *p != ';' && *p != '\n' && *p != '#')
			p++;
		if (!is_memory_site(s, st, w, (struct span){w.end, p}))
			return;
		kind = AB_MEM;
	}
	blank(s, st->all);
	insert_site(s, w.start, kind, 0);
	s->joined = w.start;
	text_append(s->out, st->all.start, (size_t)(st->all.end - st->all.start));
	text_puts(s->out, " ");
}

/* What the scan knows no more of than that it may access memory. */
static bool other(struct scan *s, const struct statement *st, struct span word, struct span args)
{
	bool site = is_memory_site(s, st, word, args);

	if (site)
		insert_site(s, st->all.start, AB_MEM, 0);
	s->shadow = false;
	return site;
}

/* Prefixes and the instruction in one statement: `rep insb`, `lock; ...`, `{disp32} lgdt x`. */
static void prefixed(struct scan *s, const struct statement *st, const char *limit)
{
	struct span rest = st->args, w;
	enum ab_kind kind;

	for (;;) {
		enum word_class class;

		w = next_word(rest);
		if (w.start == w.end) {
			lone_prefix(s, st, limit);
			return;
		}
		rest.start = w.end;
		class = word_class(w, &kind);
		if (class == WORD_PREFIX || *w.start == '{')
			continue;
		if (class == WORD_SITE)
			by_name(s, st, kind, true);
		else if (class >= WORD_MOV && class <= WORD_CALL)
			by_operands(s, st, class, w, rest);
		else
			other(s, st, w, rest);
		return;
	}
}

void scan_bytes(struct scan *s, const struct statement *st)
{
	enum ab_kind kind;

	s->shadow = false;
	if (!s->section.code ||
	    !memchr(st->args.start, ',', (size_t)(st->args.end - st->args.start)))
		return;
	kind = bytes_kind(st->args, s->x64);
	if (kind == AB_KIND_NONE)
		return;
	text_append(s->out, s->copied, (size_t)(st->all.start - s->copied));
	s->copied = st->all.start;
	text_printf(s->out, "ab_bytes %d,", kind);
}

/*
 * A statement whose mnemonic is itself an argument of a macro. `\op %cr0, %eax` can only be a mov;
 * for
 * `\op \reg` gas decides when both are known.
 */
static void argument_mnemonic(struct scan *s, const struct statement *st)
{
	struct span operand[4];
	bool argument, one;
	enum ab_kind kind = operand_kind(s, WORD_MOV, st->args, operand, &argument);

	s->shadow = makes_shadow(kind);
	if (kind != AB_KIND_NONE) {
		insert_site(s, st->all.start, kind, 0);
		return;
	}
	one = split_operands(st->args, operand) == 1;
	if (one)
		kind = operand_kind(s, WORD_PUSH, st->args, operand, &argument);
	if ((!argument && kind == AB_KIND_NONE) || st->quoted || s->altmacro)
		return;
	scan_insert(s, st->all.start, one ? "ab_op1 " : "ab_op2 ");
	quote(s, st->word);
	quote(s, operand[0]);
	if (!one)
		quote(s, operand[1]);
}

bool scan_instruction(struct scan *s, const struct statement *st, enum word_class class,
		      enum ab_kind kind, const char *limit)
{
	switch (class) {
	case WORD_SITE:
		by_name(s, st, kind, false);
		return true;
	case WORD_PREFIX:
		prefixed(s, st, limit);
		return true;
	case WORD_OTHER:
		if (*st->word.start == '{')
			prefixed(s, st, limit);
		else if (*st->word.start == '\\')
			argument_mnemonic(s, st);
		else
			return other(s, st, st->word, st->args);
		return true;
	default:
		by_operands(s, st, class, st->word, st->args);
		return true;
	}
}

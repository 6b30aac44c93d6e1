/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/scan.h"

#include "afterburner/operands.h"
#include "afterburner/prelude.h"

#include <string.h>

/* Sections: only whether they hold code matters, and only for `.byte`. */
#define MAX_SECTIONS 256
#define MAX_STACK 32

struct scan {
	struct text *out;
	const char *copied; /* everything before it is in out */
	const char *end;
	bool x64, intel, altmacro;
	bool ranges;   /* the file changes code modes or switches the pass off */
	bool shadow;   /* the last instruction blocks interrupts behind it */
	unsigned body; /* depth of .macro, .rept and .irp */
	bool code, previous_code;
	bool stack[MAX_STACK];
	unsigned depth;
	struct {
		struct span name;
		bool code;
	} sections[MAX_SECTIONS];
	unsigned nr_sections;
	const char *error, *error_at;
};

struct statement {
	struct span all;  /* from the first word to the end, labels skipped */
	struct span word; /* the first word */
	struct span args; /* what follows it */
	bool quoted;      /* part of a string: an argument of a macro */
};

static void insert(struct scan *s, const char *at, const char *string)
{
	text_append(s->out, s->copied, (size_t)(at - s->copied));
	s->copied = at;
	text_puts(s->out, string);
}

/* Take text out without moving what follows: blanks instead. */
static void blank(struct scan *s, struct span what)
{
	insert(s, what.start, "");
	for (; what.start < what.end; what.start++)
		text_puts(s->out, " ");
	s->copied = what.end;
}

static void fail(struct scan *s, const char *at, const char *message)
{
	if (!s->error) {
		s->error = message;
		s->error_at = at;
	}
}

/* Put the macro that pads and records in front of an instruction. */
static void insert_site(struct scan *s, const char *at, unsigned kind)
{
	text_append(s->out, s->copied, (size_t)(at - s->copied));
	s->copied = at;
	if (ab_kind_info[kind].pad == AB_PAD_AFTER || s->shadow)
		text_printf(s->out, "ab_site %u,", kind);
	else if (kind == AB_INT)
		text_printf(s->out, "ab_int 7,%u,", kind);
	else
		text_printf(s->out, "ab_before %d,%u,", kind == AB_MOV_TO_SS ? 3 : 4, kind);
}

static bool makes_shadow(unsigned kind)
{
	return kind == AB_STI || kind == AB_MOV_TO_SS || kind == AB_POP_SS;
}

/* ---- instructions ---- */

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
	insert(s, at, class == WORD_MOV ? "ab_mov " : class == WORD_PUSH ? "ab_push " : "ab_pop ");
	quote(s, operand[0]);
	if (class == WORD_MOV)
		quote(s, operand[1]);
}

static void by_operands(struct scan *s, const struct statement *st, enum word_class class,
			struct span args)
{
	struct span operand[4];
	bool argument;
	enum ab_kind kind = operand_kind(s, class, args, operand, &argument);

	if (kind != AB_KIND_NONE)
		insert_site(s, st->all.start, kind);
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

static void by_name(struct scan *s, const struct statement *st, enum ab_kind kind, bool prefixed)
{
	bool before = ab_kind_info[kind].pad == AB_PAD_BEFORE;

	if (prefixed || (before && s->shadow && !(kind == AB_INT && is_breakpoint(st->args))))
		insert_site(s, st->all.start, kind);
	s->shadow = makes_shadow(kind);
}

/* What ends a word: a mnemonic, a directive, a label. */
static const bool ends_word[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, [','] = true, [';'] = true,
    [':'] = true, ['"'] = true,  ['%'] = true,  ['='] = true,  ['#'] = true, ['\f'] = true,
};

static const char *word_end(const char *p, const char *end)
{
	while (p < end && !ends_word[(unsigned char)*p])
		p++;
	return p;
}

static struct span next_word(struct span s)
{
	struct span w = {span_trim(s).start, s.end};

	w.end = word_end(w.start, s.end);
	return w;
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
	if (word_class(w, &kind) != WORD_SITE)
		return;
	blank(s, st->all);
	insert_site(s, w.start, kind);
	text_append(s->out, st->all.start, (size_t)(st->all.end - st->all.start));
	text_puts(s->out, " ");
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
			by_operands(s, st, class, rest);
		else
			s->shadow = false;
		return;
	}
}

static void byte_directive(struct scan *s, const struct statement *st)
{
	enum ab_kind kind;

	s->shadow = false;
	if (!s->code || !memchr(st->args.start, ',', (size_t)(st->args.end - st->args.start)))
		return;
	kind = bytes_kind(st->args, s->x64);
	if (kind == AB_KIND_NONE)
		return;
	text_append(s->out, s->copied, (size_t)(st->all.start - s->copied));
	s->copied = st->all.start;
	text_printf(s->out, "ab_bytes %d,", kind);
}

/* ---- directives ---- */

static bool *section_entry(struct scan *s, struct span name)
{
	size_t size = (size_t)(name.end - name.start);

	for (unsigned i = 0; i < s->nr_sections; i++)
		if ((size_t)(s->sections[i].name.end - s->sections[i].name.start) == size &&
		    memcmp(s->sections[i].name.start, name.start, size) == 0)
			return &s->sections[i].code;
	if (s->nr_sections == MAX_SECTIONS)
		s->nr_sections--;
	s->sections[s->nr_sections].name = name;
	s->sections[s->nr_sections].code = false;
	return &s->sections[s->nr_sections++].code;
}

static bool starts_with(struct span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return (size_t)(s.end - s.start) >= n && memcmp(s.start, prefix, n) == 0;
}

/* Does the section hold code? By its flags, by its name, or as said when it was seen first. */
static bool section_is_code(struct scan *s, struct span args)
{
	struct span operand[4], name;
	int n = split_operands(args, operand);
	bool *code;

	if (n == 0)
		return true;
	name = operand[0];
	if (starts_with(name, ".gnu.lto_") || starts_with(name, "\".gnu.lto_"))
		fail(s, name.start,
		     "link-time optimization (-flto) is not supported: it assembles no code here");
	code = section_entry(s, name);
	for (int i = 1; i < (n < 0 ? 4 : n); i++)
		if (*operand[i].start == '"') {
			size_t size = (size_t)(operand[i].end - operand[i].start);

			*code = memchr(operand[i].start, 'x', size) ||
				memchr(operand[i].start, '\\', size);
			return *code;
		}
	if (starts_with(name, ".text") || starts_with(name, ".init") ||
	    starts_with(name, ".fini") || memchr(name.start, '\\', (size_t)(name.end - name.start)))
		*code = true;
	return *code;
}

static void change_section(struct scan *s, const struct statement *st, enum word_class class)
{
	bool was = s->code;

	if (s->ranges) {
		insert(s, st->all.start, "ab_leave;");
		insert(s, st->all.end, ";ab_enter");
	}
	switch (class) {
	case WORD_SECTION:
		if (st->word.start[1] == 'p' && s->depth < MAX_STACK)
			s->stack[s->depth++] = was;
		/* Not st->args, which may be a copy: the name is kept. */
		s->code = section_is_code(s, (struct span){st->word.end, st->all.end});
		break;
	case WORD_POPSECTION:
		if (s->depth)
			s->code = s->stack[--s->depth];
		break;
	case WORD_PREVIOUS:
		s->code = s->previous_code;
		break;
	case WORD_TEXT:
	case WORD_DATA:
		s->code = class == WORD_TEXT;
		break;
	default:
		break;
	}
	s->previous_code = was;
}

static void change_code(struct scan *s, const struct statement *st)
{
	char c = st->word.start[5];

	insert(s, st->all.end,
	       c == '1'   ? ";.set .Lab_code,16;ab_switch"
	       : c == '3' ? ";.set .Lab_code,32;ab_switch"
			  : ";.set .Lab_code,64;ab_switch");
}

static void define_macro(struct scan *s, const struct statement *st)
{
	struct span name = next_word(st->args);
	enum ab_kind kind;

	s->body++;
	if (word_class(name, &kind) != WORD_SITE)
		return;
	/* The source has a macro of its own by this name: it takes the place of ours. */
	insert(s, st->all.start, ".purgem ");
	text_append(s->out, name.start, (size_t)(name.end - name.start));
	text_puts(s->out, ";");
}

/* .set SYMBOL, VALUE and SYMBOL = VALUE of our own symbols. */
static void assignment(struct scan *s, const struct statement *st, enum word_class class)
{
	enum ab_kind kind;

	if (class == WORD_SET && word_class(next_word(st->args), &kind) != WORD_SWITCH)
		return;
	insert(s, st->all.end, ";ab_switch");
}

static void directive(struct scan *s, const struct statement *st, enum word_class class)
{
	switch (class) {
	case WORD_CODE:
		change_code(s, st);
		break;
	case WORD_SET:
	case WORD_SWITCH:
		assignment(s, st, class);
		break;
	case WORD_BYTE:
		byte_directive(s, st);
		break;
	case WORD_MACRO:
		define_macro(s, st);
		break;
	case WORD_REPEAT:
		s->body++;
		break;
	case WORD_ENDBODY:
		s->body -= s->body > 0;
		break;
	case WORD_ALTMACRO:
	case WORD_NOALTMACRO:
		s->altmacro = class == WORD_ALTMACRO;
		break;
	case WORD_INTEL:
	case WORD_ATT:
		s->intel = class == WORD_INTEL;
		insert(s, st->all.end, s->intel ? ";.set .Lab_intel,1" : ";.set .Lab_intel,0");
		break;
	case WORD_END:
		if (s->ranges)
			insert(s, st->all.start, "ab_leave;");
		break;
	case WORD_MRI:
		fail(s, st->all.start, "MRI syntax (.mri) is not supported");
		break;
	default:
		change_section(s, st, class);
		break;
	}
}

/* ---- statements ---- */

static void scan_statements(struct scan *s, struct span text, bool quoted);

/* Strings in the arguments of a macro may be instructions: ALTERNATIVE "", "mov %cr0, %eax". */
static void scan_strings(struct scan *s, const struct statement *st)
{
	const char *p = st->args.start;

	while (p < st->args.end && (p = memchr(p, '"', (size_t)(st->args.end - p)))) {
		struct span string = {++p, p};

		while (p < st->args.end && *p != '"')
			p += *p == '\\' && p + 1 < st->args.end ? 2 : 1;
		string.end = p++;
		scan_statements(s, string, true);
	}
	s->shadow = false;
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
		insert_site(s, st->all.start, kind);
		return;
	}
	one = split_operands(st->args, operand) == 1;
	if (one)
		kind = operand_kind(s, WORD_PUSH, st->args, operand, &argument);
	if ((!argument && kind == AB_KIND_NONE) || st->quoted || s->altmacro)
		return;
	insert(s, st->all.start, one ? "ab_op1 " : "ab_op2 ");
	quote(s, st->word);
	quote(s, operand[0]);
	if (!one)
		quote(s, operand[1]);
}

static void statement(struct scan *s, const struct statement *st, const char *limit)
{
	enum ab_kind kind;
	enum word_class class = word_class(st->word, &kind);

	switch (class) {
	case WORD_OTHER:
		if (*st->word.start == '{')
			prefixed(s, st, limit);
		else if (*st->word.start == '\\')
			argument_mnemonic(s, st);
		else if (*st->word.start != '.') {
			s->shadow = false;
			if (!st->quoted)
				scan_strings(s, st);
		}
		break;
	case WORD_SITE:
		by_name(s, st, kind, false);
		break;
	case WORD_PREFIX:
		prefixed(s, st, limit);
		break;
	case WORD_MOV:
	case WORD_PUSH:
	case WORD_POP:
	case WORD_JMP:
	case WORD_CALL:
		by_operands(s, st, class, st->args);
		break;
	default:
		directive(s, st, class);
		break;
	}
}

/* What ends or needs care within a statement. */
enum { PLAIN, NEWLINE, SEMICOLON, HASH, QUOTE, APOSTROPHE, SLASH };
static const unsigned char special[256] = {
    ['\n'] = NEWLINE, [';'] = SEMICOLON,   ['#'] = HASH,
    ['"'] = QUOTE,    ['\''] = APOSTROPHE, ['/'] = SLASH,
};

static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"' && *p != '\n'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end && *p == '"' ? p + 1 : p;
}

static const char *skip_comment(const char *p, const char *end)
{
	const char *close = memmem(p + 2, (size_t)(end - p) - 2, "*/", 2);

	return close ? close + 2 : end;
}

/* 'x is a character constant: the character is no separator. */
static const char *skip_character(const char *p, const char *end)
{
	if (p + 1 < end && p[1] == '\\')
		p++;
	return p + 2 < end ? p + 2 : end;
}

/* The end of the statement that starts at p. *comment is set if there is a comment in it. */
static const char *statement_end(const char *p, const char *end, bool *comment)
{
	while (p < end) {
		switch (special[(unsigned char)*p]) {
		case PLAIN:
			p++;
			break;
		case QUOTE:
			p = skip_string(p, end);
			break;
		case APOSTROPHE:
			p = skip_character(p, end);
			break;
		case SLASH:
			if (p + 1 < end && p[1] == '*') {
				*comment = true;
				p = skip_comment(p, end);
			} else {
				p++;
			}
			break;
		default:
			return p;
		}
	}
	return end;
}

static const char *skip_line(const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	return newline ? newline : end;
}

/* Past blanks, labels and comments to the first word of a statement; or to what ends it. */
static const char *first_word(const char *p, const char *end, struct span *word)
{
	for (;;) {
		const char *start, *q;

		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\f'))
			p++;
		if (p + 1 < end && p[0] == '/' && p[1] == '*') {
			p = skip_comment(p, end);
			continue;
		}
		start = p;
		if (p < end && *p == '"')
			p = skip_string(p, end);
		else
			p = word_end(p, end);
		*word = (struct span){start, p};
		for (q = p; q < end && (*q == ' ' || *q == '\t'); q++)
			;
		if (p == start || q == end || *q != ':')
			return start;
		p = q + 1;
	}
}

/* A copy of the arguments in which comments are blanks, so that operands can be recognized. */
static void without_comments(struct text *copy, struct span s)
{
	while (s.start < s.end) {
		const char *p = memmem(s.start, (size_t)(s.end - s.start), "/*", 2);

		if (!p)
			break;
		text_append(copy, s.start, (size_t)(p - s.start));
		text_puts(copy, " ");
		s.start = skip_comment(p, s.end);
	}
	text_append(copy, s.start, (size_t)(s.end - s.start));
}

static void scan_statements(struct scan *s, struct span text, bool quoted)
{
	const char *p = text.start;

	while (p < text.end) {
		struct statement st = {.quoted = quoted};
		struct text copy = {0};
		bool comment = false;

		st.all.start = first_word(p, text.end, &st.word);
		if (st.word.start == st.word.end && st.all.start < text.end &&
		    special[(unsigned char)*st.all.start] == HASH) {
			p = skip_line(st.all.start, text.end);
			continue;
		}
		st.all.end = statement_end(st.word.end, text.end, &comment);
		p = st.all.end;
		if (p < text.end && *p == '#')
			p = skip_line(p, text.end);
		if (p < text.end)
			p++;
		if (st.word.start == st.word.end || *st.word.start == '/')
			continue;
		st.args = (struct span){st.word.end, st.all.end};
		if (comment) {
			without_comments(&copy, st.args);
			st.args = (struct span){copy.data, copy.data + copy.size};
		}
		statement(s, &st, text.end);
		text_free(&copy);
	}
}

static bool contains(struct span s, const char *word)
{
	return memmem(s.start, (size_t)(s.end - s.start), word, strlen(word)) != NULL;
}

const char *scan(struct text *out, struct span source, const struct scan_options *o, unsigned *line)
{
	struct scan s = {
	    .out = out,
	    .copied = source.start,
	    .end = source.end,
	    .x64 = o->isa == AB_ISA_X86_64,
	    .intel = o->intel,
	    .ranges = o->ranges || contains(source, ".code") || contains(source, ".Lafterburner_"),
	    .code = true,
	    .previous_code = true,
	};

	if (source.start == source.end)
		return NULL;
	scan_statements(&s, source, false);
	insert(&s, source.end, "");
	*line = 1;
	for (const char *p = source.start; s.error && p < s.error_at; p++)
		*line += *p == '\n';
	return s.error;
}

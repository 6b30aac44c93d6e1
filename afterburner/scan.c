/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/scan.h"

#include "afterburner/prelude.h"
#include "afterburner/scan-state.h"

#include <string.h>

void scan_insert(struct scan *s, const char *at, const char *string)
{
	text_append(s->out, s->copied, (size_t)(at - s->copied));
	s->copied = at;
	text_puts(s->out, string);
}

void scan_fail(struct scan *s, const char *at, const char *message)
{
	if (!s->error) {
		s->error = message;
		s->error_at = at;
	}
}

/* What ends a word: a mnemonic, a directive, a label. */
static const bool ends_word[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, [','] = true, [';'] = true,
    [':'] = true, ['"'] = true,  ['%'] = true,  ['='] = true,  ['#'] = true, ['\f'] = true,
};

const char *word_end(const char *p, const char *end)
{
	while (p < end && !ends_word[(unsigned char)*p])
		p++;
	return p;
}

struct span next_word(struct span s)
{
	struct span w = {span_trim(s).start, s.end};

	w.end = word_end(w.start, s.end);
	return w;
}

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

/* `in = 3` is an assignment to a symbol, whatever its name. */
static bool is_assignment(const struct statement *st)
{
	struct span args = span_trim(st->args);

	return args.start < args.end && *args.start == '=';
}

static void statement(struct scan *s, const struct statement *st, const char *limit)
{
	enum ab_kind kind;
	enum word_class class = word_class(st->word, &kind);

	if (class == WORD_SITE && is_assignment(st))
		return;
	if (class > WORD_CALL) {
		scan_directive(s, st, class);
	} else if (!scan_instruction(s, st, class, kind, limit) && *st->word.start != '.') {
		s->shadow = false;
		if (!st->quoted)
			scan_strings(s, st);
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
	    .module = o->module,
	    .ranges = o->ranges || contains(source, ".code") || contains(source, AB_SYMBOL_OFF) ||
		      contains(source, AB_SYMBOL_USER),
	    .section = text_section(),
	    .previous = text_section(),
	    .linked = text_section().link,
	};

	if (source.start == source.end)
		return NULL;
	scan_statements(&s, source, false);
	scan_insert(&s, source.end, "");
	*line = 1;
	for (const char *p = source.start; s.error && p < s.error_at; p++)
		*line += *p == '\n';
	return s.error;
}

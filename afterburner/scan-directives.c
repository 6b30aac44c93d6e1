/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan's directives: sections, code modes, the switches, macros. */
#include "config.h"

#include "afterburner/scan-state.h"

#include <ctype.h>
#include <string.h>

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
		scan_fail(
		    s, name.start,
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

/*
 * The linker takes records for garbage (--gc-sections), or complains that they name what is
 * discarded, unless they are linked to the section that they are of (SHF_LINK_ORDER). The name to
 * link to; empty if it is not known or cannot be written as a symbol.
 */
static struct span link_name(const struct scan *s, struct span args)
{
	struct span operand[4], none = {args.start, args.start};

	if (s->body || !split_operands(args, operand))
		return none;
	for (const char *p = operand[0].start; p < operand[0].end; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.' && *p != '$')
			return none;
	return operand[0];
}

static bool same_span(struct span a, struct span b)
{
	return a.end - a.start == b.end - b.start &&
	       memcmp(a.start, b.start, (size_t)(a.end - a.start)) == 0;
}

static bool named(struct span name, const char *prefix)
{
	size_t n = strlen(prefix);

	return (size_t)(name.end - name.start) >= n && memcmp(name.start, prefix, n) == 0;
}

/*
 * Tell the prelude where records are to be linked to, if that has changed. A section whose name is
 * not known leaves the link as it is: records without any cannot be linked together with those that
 * have one.
 */
static void link_records(struct scan *s, const char *at)
{
	struct span name = s->section.link;

	if (s->body || !s->section.code || name.start == name.end || same_span(name, s->linked))
		return;
	s->linked = name;
	scan_insert(s, at, ";ab_link ");
	text_append(s->out, name.start, (size_t)(name.end - name.start));
	if (s->module && named(name, ".init"))
		text_puts(s->out, ",.init");
	else if (s->module && named(name, ".exit"))
		text_puts(s->out, ",.exit");
}

static struct section_state named_section(struct scan *s, struct span args)
{
	struct section_state new = {.code = section_is_code(s, args)};

	new.link = link_name(s, args);
	return new;
}

static void change_section(struct scan *s, const struct statement *st, enum word_class class)
{
	struct section_state was = s->section;

	if (s->ranges)
		scan_insert(s, st->all.start, "ab_leave;");
	switch (class) {
	case WORD_SECTION:
		if (st->word.start[1] == 'p' && s->depth < MAX_STACK)
			s->stack[s->depth++] = was;
		/* Not st->args, which may be a copy: the name is kept. */
		s->section = named_section(s, (struct span){st->word.end, st->all.end});
		break;
	case WORD_POPSECTION:
		if (s->depth)
			s->section = s->stack[--s->depth];
		break;
	case WORD_PREVIOUS:
		s->section = s->previous;
		break;
	case WORD_TEXT:
		s->section = text_section();
		break;
	case WORD_DATA:
		s->section = (struct section_state){.code = false};
		break;
	default:
		break;
	}
	s->previous = was;
	link_records(s, st->all.end);
	if (s->ranges && (s->section.code || s->body)) /* ranges of data mean nothing */
		scan_insert(s, st->all.end, ";ab_enter");
}

static void change_code(struct scan *s, const struct statement *st)
{
	char c = st->word.start[5];

	scan_insert(s, st->all.end,
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
	s->own_macros = true;
	scan_insert(s, st->all.start, ".purgem ");
	text_append(s->out, name.start, (size_t)(name.end - name.start));
	text_puts(s->out, ";");
}

/* The value is behind the last `,` or `=`. */
static void switch_memory(struct scan *s, const struct statement *st)
{
	struct span value = st->args;
	unsigned long on;

	for (const char *p = st->args.start; p < st->args.end; p++)
		if (*p == ',' || *p == '=')
			value.start = p + 1;
	if (!span_number(value, &on))
		scan_fail(s, st->all.start, ".Lafterburner_memory takes a number, 1 or 0");
	else
		s->memory = on;
}

/* .set SYMBOL, VALUE and SYMBOL = VALUE of our own symbols. */
static void assignment(struct scan *s, const struct statement *st, enum word_class class)
{
	enum ab_kind kind;

	if (class == WORD_SET)
		class = word_class(next_word(st->args), &kind);
	if (class == WORD_MEMORY)
		switch_memory(s, st);
	else if (class == WORD_SWITCH)
		scan_insert(s, st->all.end, ";ab_switch");
}

void scan_directive(struct scan *s, const struct statement *st, enum word_class class)
{
	switch (class) {
	case WORD_CODE:
		change_code(s, st);
		break;
	case WORD_SET:
	case WORD_SWITCH:
	case WORD_MEMORY:
		assignment(s, st, class);
		break;
	case WORD_BYTE:
		scan_bytes(s, st);
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
		scan_insert(s, st->all.end, s->intel ? ";.set .Lab_intel,1" : ";.set .Lab_intel,0");
		break;
	case WORD_END:
		if (s->ranges)
			scan_insert(s, st->all.start, "ab_leave;");
		break;
	case WORD_MRI:
		scan_fail(s, st->all.start, "MRI syntax (.mri) is not supported");
		break;
	default:
		change_section(s, st, class);
		break;
	}
}

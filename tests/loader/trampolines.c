/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trampolines as text. Numbers that depend on where a site happens to stand are printed by the name
 * that templates.S has for them, if they are right: SITE_ID, SITE_END, GATE, COUNTER, SEG_SEL, WIN.
 */
#include "config.h"

#include "afterburner/disassemble.h"
#include "tests/loader/trampolines.h"
#include "wedge/stubs/template.h"
#include "wedge/stubs/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PIECES 2048
#define MAX_SHOWN 1024
#define TEXT 8192

/* A template as it was copied into a trampoline. */
struct piece {
	const char *name;
	struct template_symbols symbols;
	uint32_t at;
	size_t length;
};

/* A template that has been printed, or will be. */
struct shown {
	const char *name;
	char *text;
	unsigned variant; /* the how manieth text under this name: all should be 1 */
};

static struct piece pieces[MAX_PIECES];
static size_t nr_pieces;
static struct shown shown[MAX_SHOWN];
static size_t nr_shown;
uint8_t code[ROOM];
static struct disassembler *disassembler;
/* What the numbers of the trampoline at hand must be; its segment register may be any. */
static struct template_symbols expected;

void expect(uint32_t id, const struct site *s)
{
	expected = (struct template_symbols){
	    .win = WINDOW,
	    .gate = WINDOW + WINDOW_GATE,
	    .site_id = id,
	    .site_end = s ? s->slot + s->slot_len : 0,
	    .counter = WINDOW + WINDOW_COUNTERS + 4 * id,
	};
}

void die(const char *why)
{
	fprintf(stderr, "patches: %s\n", why);
	exit(1);
}

size_t __wrap_template_copy(const char *name, const struct template_symbols *symbols, uint32_t at,
			    uint8_t *out, size_t room);
size_t __real_template_copy(const char *name, const struct template_symbols *symbols, uint32_t at,
			    uint8_t *out, size_t room);

/* The linker puts this between trampoline.c and template.c. */
size_t __wrap_template_copy(const char *name, const struct template_symbols *symbols, uint32_t at,
			    uint8_t *out, size_t room)
{
	size_t n = __real_template_copy(name, symbols, at, out, room);

	if (n == 0)
		die("a template is missing or does not fit");
	if (nr_pieces == MAX_PIECES)
		die("too many templates");
	pieces[nr_pieces++] = (struct piece){name, *symbols, at, n};
	return n;
}

/* The name of a number in the text of a template, or null. rest: what follows the number. */
static const char *name_value(const struct piece *p, uint32_t value, const char *rest)
{
	static char text[32];
	char site[32];

	snprintf(site, sizeof(site), ",%%ss:0x%x", expected.win + WIN_SITE);
	if (value == expected.site_id && !strcmp(rest, site))
		return "SITE_ID";
	if (expected.site_end && value == expected.site_end)
		return "SITE_END";
	if (value == expected.counter)
		return "COUNTER";
	if (value == expected.gate)
		return "GATE";
	if (p->symbols.seg_sel && value == p->symbols.seg_sel)
		return "SEG_SEL";
	if (p->symbols.seg_host && value == p->symbols.seg_host)
		return "SEG_HOST";
	if (p->symbols.seg_user_host && value == p->symbols.seg_user_host)
		return "SEG_USER_HOST";
	if (value >= p->at && value <= p->at + p->length)
		snprintf(text, sizeof(text), ".%x", value - p->at);
	else if (value >= expected.win && value < expected.win + WINDOW_COUNTERS)
		snprintf(text, sizeof(text), "WIN+0x%x", value - expected.win);
	else
		return NULL;
	return text;
}

/* Append a line of disassembly, numbers replaced by their names. */
static void add_names(char *out, const struct piece *p, const char *text)
{
	char *end = out + strlen(out);

	while (*text) {
		const char *number = text + (*text == '-'), *name;
		unsigned long long value;
		char *rest;

		if (strncmp(number, "0x", 2)) {
			*end++ = *text++;
			continue;
		}
		value = strtoull(text, &rest, 16);
		name = name_value(p, (uint32_t)value, rest);
		end += name ? sprintf(end, "%s", name)
			    : sprintf(end, "%.*s", (int)(rest - text), text);
		text = rest;
	}
	*end = '\0';
}

unsigned decode(const uint8_t *bytes, size_t size, uint32_t at, size_t offset, char *text)
{
	struct code_insn insn;

	if (!disassembler)
		disassembler = disassembler_new(CODE_32);
	disassemble(disassembler, bytes, size, at, offset, &insn);
	strcpy(text, insn.text);
	return insn.length;
}

static const uint8_t *code_at(uint32_t at)
{
	return code + (at - TRAMPOLINES);
}

static char *format_template(const struct piece *p)
{
	char *out = malloc(TEXT), line[200];

	if (!out)
		die("no memory");
	*out = '\0';
	for (size_t i = 0; i < p->length;) {
		unsigned n = decode(code_at(p->at), p->length, p->at, i, line);

		if (strlen(out) + 2 * sizeof(line) > TEXT)
			die("a template is too long");
		sprintf(out + strlen(out), "%4zx  ", i);
		add_names(out, p, line);
		strcat(out, "\n");
		i += n;
	}
	return out;
}

static const struct shown *show_template(const struct piece *p)
{
	char *text = format_template(p);
	unsigned variant = 1;

	for (size_t i = 0; i < nr_shown; i++) {
		if (strcmp(shown[i].name, p->name))
			continue;
		if (!strcmp(shown[i].text, text)) {
			free(text);
			return &shown[i];
		}
		variant++;
	}
	if (nr_shown == MAX_SHOWN)
		die("too many different templates");
	shown[nr_shown] = (struct shown){p->name, text, variant};
	return &shown[nr_shown++];
}

/* The segment register that a template was made for. */
static const char *segment_argument(const struct template_symbols *s)
{
	static const char *const names[] = {
	    [SEG_ES] = " %es", [SEG_CS] = " %cs", [SEG_SS] = " %ss",
	    [SEG_DS] = " %ds", [SEG_FS] = " %fs", [SEG_GS] = " %gs"};
	uint32_t index = (s->seg_sel - WINDOW - WIN_SEL) / 4;

	if (index >= NR_SEGS || s->seg_sel != WINDOW + WIN_SEL + 4 * index ||
	    s->seg_host != WINDOW + WIN_HOST + 4 * index ||
	    s->seg_user_host != WINDOW + WIN_USER_HOST + 4 * index)
		return " of no segment register";
	return names[index];
}

/* What trampoline.c wrote itself, between two templates. */
static void print_own_code(const struct piece *frame, uint32_t at, uint32_t end)
{
	char line[200], named[400];

	while (at < end) {
		at += decode(code_at(at), end - at, at, 0, line);
		*named = '\0';
		add_names(named, frame, line);
		printf(" %s;", named);
	}
}

void print_trampoline(uint32_t at, uint32_t limit)
{
	static size_t next;
	uint32_t end = at;

	for (; next < nr_pieces && pieces[next].at < limit; next++) {
		const struct piece *p = &pieces[next];
		const struct shown *t = show_template(p);

		print_own_code(p, end, p->at);
		printf(" [%s", p->name);
		if (strstr(t->text, "SEG_"))
			printf("%s", segment_argument(&p->symbols));
		if (t->variant > 1)
			printf(" #%u", t->variant);
		putchar(']');
		end = p->at + (uint32_t)p->length;
	}
}

void print_templates(void)
{
	for (size_t i = 0; i < nr_shown; i++) {
		printf("\n%s:\n%s", shown[i].name, shown[i].text);
		free(shown[i].text);
	}
	disassembler_free(disassembler);
}

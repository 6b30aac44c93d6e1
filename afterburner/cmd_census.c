/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn census`: how many sites there are, of which kind and where, and what the padding
 * costs. */
#include "config.h"

#include "afterburner/code.h"
#include "afterburner/commands.h"
#include "afterburner/json.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	bool json;
	char **files;
	int nr_files;
};

struct tally {
	unsigned long sites, padding;
};

struct census {
	struct tally total, kind[AB_NR_KINDS], *section; /* by index in code.sections */
	uint64_t code;
};

#define PREFIX_CS 0x2e

static void add(struct tally *t, unsigned padding)
{
	t->sites++;
	t->padding += padding;
}

/*
 * Bytes of a slot that are there for the loader only: NOPs, and prefixes that say nothing. One
 * segment prefix may be the source's, of more than one at most the last.
 */
static unsigned padding(const struct ab_image_site *s, const struct code_section *sec)
{
	const uint8_t *insn = sec->bytes + (s->address - sec->base) + s->insn_off;
	unsigned prefixes = 0;

	while (prefixes < s->insn_len && insn[prefixes] == PREFIX_CS)
		prefixes++;
	return s->slot_len - s->insn_len + (prefixes > 1 ? prefixes : 0);
}

static void count(const struct code *c, struct census *n)
{
	for (size_t i = 0; i < c->nr_sections; i++)
		n->code += c->sections[i].size;
	for (size_t i = 0; i < c->records.nr_sites; i++) {
		const struct ab_image_site *s = &c->records.sites[i];

		for (size_t k = 0; k < c->nr_sections; k++) {
			const struct code_section *sec = &c->sections[k];
			unsigned bytes;

			if (sec->index != s->section)
				continue;
			bytes = padding(s, sec);
			add(&n->section[k], bytes);
			add(&n->kind[s->kind], bytes);
			add(&n->total, bytes);
		}
	}
}

static double growth(unsigned long padding, uint64_t code)
{
	return code > padding ? 100.0 * (double)padding / (double)(code - padding) : 0;
}

static void print_text(const struct code *c, const struct census *n)
{
	printf("%s: %lu sites, %lu bytes of padding, %.2f %% of %llu bytes of code\n", c->path,
	       n->total.sites, n->total.padding, growth(n->total.padding, n->code),
	       (unsigned long long)n->code);
	for (unsigned k = AB_KIND_NONE + 1; k < AB_NR_KINDS; k++)
		if (n->kind[k].sites)
			printf("  %-24s %8lu sites %8lu bytes\n", ab_kind_name(k), n->kind[k].sites,
			       n->kind[k].padding);
	for (size_t i = 0; i < c->nr_sections; i++)
		if (n->section[i].sites)
			printf("  %-24s %8lu sites %8lu bytes, %.2f %%\n", c->sections[i].name,
			       n->section[i].sites, n->section[i].padding,
			       growth(n->section[i].padding, c->sections[i].size));
}

static void print_json_tally(const char *name, const struct tally *t, bool *first)
{
	if (!t->sites)
		return;
	printf("%s\n   {\"name\": ", *first ? "" : ",");
	*first = false;
	json_string(name);
	printf(", \"sites\": %lu, \"padding\": %lu}", t->sites, t->padding);
}

static void print_json(const struct code *c, const struct census *n)
{
	bool first = true;

	printf("{\"file\": ");
	json_string(c->path);
	printf(", \"sites\": %lu, \"padding\": %lu, \"code\": %llu,\n  \"kinds\": [",
	       n->total.sites, n->total.padding, (unsigned long long)n->code);
	for (unsigned k = AB_KIND_NONE + 1; k < AB_NR_KINDS; k++)
		print_json_tally(ab_kind_name(k), &n->kind[k], &first);
	printf("],\n  \"sections\": [");
	first = true;
	for (size_t i = 0; i < c->nr_sections; i++)
		print_json_tally(c->sections[i].name, &n->section[i], &first);
	printf("]}");
}

static int census_file(const struct options *o, const char *path, bool *first)
{
	struct census n = {0};
	struct code c;

	if (!code_open(&c, path))
		return 2;
	n.section = calloc(c.nr_sections + 1, sizeof(*n.section));
	if (!n.section) {
		fputs("afterburn: out of memory\n", stderr);
		code_close(&c);
		return 2;
	}
	count(&c, &n);
	if (o->json) {
		printf("%s", *first ? "" : ",\n");
		*first = false;
		print_json(&c, &n);
	} else {
		print_text(&c, &n);
	}
	free(n.section);
	code_close(&c);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	(void)arg;
	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->files = state->argv + state->next;
		o->nr_files = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "Print one JSON array, an object for each file", 0},
    {0},
};

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc = "Count the sites of each file by kind and by section, and the bytes of padding.\v"
	   "Exit status: 0, or 2 if a file cannot be read.",
};

int cmd_census(int argc, char **argv)
{
	struct options o = {0};
	bool first = true;
	int status = 0;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.json)
		printf("[");
	for (int i = 0; i < o.nr_files; i++) {
		int one = census_file(&o, o.files[i], &first);

		status = one > status ? one : status;
	}
	if (o.json)
		printf("]\n");
	return status;
}

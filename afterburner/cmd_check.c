/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn check`: is every sensitive instruction recorded, and every record right? */
#include "config.h"

#include "afterburner/check.h"
#include "afterburner/commands.h"
#include "afterburner/json.h"
#include "afterburner/matches.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
	bool json, verbose;
	bool has_profile;
	struct profile profile;
	char **files;
	int nr_files;
	const char **skip;
	size_t nr_skip;
};

/* Findings of one file, printed as they come. */
struct printer {
	const struct code *code;
	const struct options *options;
	unsigned long count[LEFT_AS_WRITTEN + 1];
	bool first;
};

static const char *section_name(const struct code *c, uint32_t index)
{
	for (size_t i = 0; i < c->nr_sections; i++)
		if (c->sections[i].index == index)
			return c->sections[i].name;
	return "?";
}

static void print_json(struct printer *p, enum defect what, uint64_t address, const char *symbol,
		       const char *section, const char *text)
{
	printf("%s\n  {\"what\": ", p->first ? "" : ",");
	p->first = false;
	json_string(defect_name(what));
	printf(", \"address\": \"%#llx\", \"symbol\": ", (unsigned long long)address);
	json_string(symbol);
	printf(", \"section\": ");
	json_string(section);
	printf(", \"disassembly\": ");
	json_string(text);
	printf("}");
}

static void print_finding(void *arg, enum defect what, uint32_t section, uint64_t address,
			  const char *text)
{
	struct printer *p = arg;
	char symbol[256];

	p->count[what]++;
	if (what == LEFT_AS_WRITTEN && !p->options->verbose)
		return;
	code_name(p->code, section, address, symbol, sizeof(symbol));
	if (p->options->json)
		print_json(p, what, address, symbol, section_name(p->code, section), text);
	else
		printf("%s: %#llx%s%s%s %s: %s: %s\n", p->code->path, (unsigned long long)address,
		       *symbol ? " <" : "", symbol, *symbol ? ">" : "",
		       section_name(p->code, section), defect_name(what), text);
}

static unsigned long defects(const struct printer *p)
{
	unsigned long n = 0;

	for (int i = 0; i < NR_DEFECTS; i++)
		n += p->count[i];
	return n;
}

static void print_summary(const struct printer *p, const struct check_report *r)
{
	unsigned long missed = p->count[DEFECT_MISSED], wrong = defects(p) - missed;

	if (p->options->json)
		printf("],\n \"sites\": %zu, \"missed\": %lu, \"wrong\": %lu, \"left_as_written\": "
		       "%lu, "
		       "\"instructions\": %llu",
		       p->code->records.nr_sites, missed, wrong, p->count[LEFT_AS_WRITTEN],
		       (unsigned long long)r->instructions);
	else
		printf("%s: %zu sites, %lu missed, %lu wrong, %lu left as written, of %llu "
		       "instructions\n",
		       p->code->path, p->code->records.nr_sites, missed, wrong,
		       p->count[LEFT_AS_WRITTEN], (unsigned long long)r->instructions);
}

static void print_stale(const struct options *o, const struct code *c, const struct matches *m)
{
	for (size_t i = 0; i < m->nr_stale && (i < 10 || o->verbose); i++) {
		const struct profile_site *s = m->stale[i];
		const struct profile_frame *at = &s->frames[0];

		printf("%s: profile: no longer matches: %s %s %s:%u:%u\n", c->path,
		       *at->function ? at->function : "?", profile_direction_name(s->direction),
		       at->file, at->line, at->column);
	}
	if (m->nr_stale > 10 && !o->verbose)
		printf("%s: profile: and %zu others (--verbose)\n", c->path, m->nr_stale - 10);
}

/* What of the profile has sites here. That some of it has not is no defect. */
static bool print_matches(const struct options *o, const struct code *c)
{
	struct matches m;
	double share;

	if (!matches_read(c, &o->profile, &m))
		return false;
	share = m.accesses ? 100.0 * (double)m.covered / (double)m.accesses : 0;
	if (o->json) {
		printf(", \"profile\": {\"places\": %zu, \"found\": %zu, \"share\": %.4f, "
		       "\"marked\": %llu, \"recorded\": %zu}",
		       m.places, m.found, share / 100, (unsigned long long)m.instructions,
		       m.records);
	} else {
		print_stale(o, c, &m);
		printf("%s: profile: %zu of %zu places are here, with %.2f %% of the accesses: "
		       "%llu instructions marked, %zu memory operations recorded\n",
		       c->path, m.found, m.places, share, (unsigned long long)m.instructions,
		       m.records);
	}
	matches_free(&m);
	return true;
}

/* Exit status for one file. */
static int check_file(const struct options *o, const char *path, bool first)
{
	struct code code;
	struct printer printer = {.code = &code, .options = o, .first = true};
	struct check_report report = {.finding = print_finding, .arg = &printer, .skip = o->skip};
	bool good;

	if (!code_open(&code, path))
		return 2;
	if (o->json) {
		printf("%s{\"file\": ", first ? "" : ",\n");
		json_string(path);
		printf(", \"findings\": [");
	}
	check_code(&code, &report);
	print_summary(&printer, &report);
	good = !o->has_profile || print_matches(o, &code);
	if (o->json)
		printf("}");
	code_close(&code);
	if (!good)
		return 2;
	return defects(&printer) ? 1 : 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char error[512];

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 's':
		o->skip[o->nr_skip++] = arg;
		return 0;
	case 'p':
		if (o->has_profile)
			argp_error(state, "one profile; merge them: afterburn profile --merge");
		if (!profile_read(&o->profile, arg, error, sizeof(error)))
			argp_failure(state, 2, 0, "%s", error);
		o->has_profile = true;
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
    {"verbose", 'v', NULL, 0, "List the instructions that were left as written too", 0},
    {"profile", 'p', "FILE", 0,
     "Tell what of a profile has sites in the files, and what no longer matches", 0},
    {"skip-section", 's', "NAME", 0, "Do not look at this section; may be repeated", 0},
    {0},
};

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc =
	"Check, from the disassembly alone, that every sensitive instruction of the files has its "
	"record and every record its instruction.\v"
	"One line is printed for each defect. Exit status: 0 if there is none, 1 if there are "
	"some, 2 if a "
	"file cannot be read.",
};

int cmd_check(int argc, char **argv)
{
	struct options o = {.skip = calloc((size_t)argc + 1, sizeof(*o.skip))};
	int status = 0;

	argp_err_exit_status = 2;
	if (!o.skip)
		return 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.json)
		printf("[");
	for (int i = 0; i < o.nr_files; i++) {
		int one = check_file(&o, o.files[i], i == 0);

		status = one > status ? one : status;
	}
	if (o.json)
		printf("]\n");
	free(o.skip);
	profile_free(&o.profile);
	return status;
}

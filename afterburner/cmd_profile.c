/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn profile --merge` and `--symbols`: what is done with profiles once they are there. */
#include "config.h"

#include "afterburner/commands.h"
#include "afterburner/lines.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_MERGE = 256, OPT_SYMBOLS }; /* `afterburn profile GUEST' has -m */

struct options {
	bool merge;
	const char *symbols, *output;
	char **files;
	int nr_files;
};

static bool write_to(struct profile *p, const char *path)
{
	FILE *f = path ? fopen(path, "we") : stdout;
	bool good = f && profile_write(p, f);

	if (f && path && fclose(f))
		good = false;
	if (!good)
		fprintf(stderr, "afterburn profile: %s: %s\n", path ? path : "standard output",
			strerror(errno));
	return good;
}

static bool read_all(const struct options *o, struct profile *out)
{
	char error[512];

	for (int i = 0; i < o->nr_files; i++) {
		struct profile p;

		if (!profile_read(&p, o->files[i], error, sizeof(error))) {
			fprintf(stderr, "afterburn profile: %s\n", error);
			return false;
		}
		profile_merge(out, &p);
		profile_free(&p);
	}
	return true;
}

static bool symbolize(const struct options *o, struct profile *p)
{
	char error[512];
	size_t without;

	if (!profile_symbolize(p, o->symbols, &without, error, sizeof(error))) {
		fprintf(stderr, "afterburn profile: %s\n", error);
		return false;
	}
	if (without)
		fprintf(stderr,
			"afterburn profile: %zu of %zu sites have no line in %s: is it compiled "
			"with -g?\n",
			without, p->nr_sites, o->symbols);
	return true;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_MERGE:
		o->merge = true;
		return 0;
	case OPT_SYMBOLS:
		o->symbols = arg;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case ARGP_KEY_ARGS:
		o->files = state->argv + state->next;
		o->nr_files = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	case ARGP_KEY_END:
		if (!o->merge && !o->symbols)
			argp_error(state, "--merge or --symbols is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
    {"merge", OPT_MERGE, NULL, 0, "Make one profile of several", 0},
    {"symbols", OPT_SYMBOLS, "GUEST", 0,
     "Add function, file, line and column to sites that have an address only", 0},
    {"output", 'o', "FILE", 0, "Where to (default: standard output)", 0},
    {0},
};

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "FILE...",
    .doc = "Merge profiles of sensitive memory operations, or add the source to them.\v"
	   "Exit status: 0, or 2 if a file cannot be read or written.",
};

int cmd_profile_files(int argc, char **argv)
{
	struct options o = {0};
	struct profile p = {0};
	bool good;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	good = read_all(&o, &p) && (!o.symbols || symbolize(&o, &p)) && write_to(&p, o.output);
	profile_free(&p);
	return good ? 0 : 2;
}

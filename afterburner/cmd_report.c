/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn report`: a profile for people, hottest first. */
#include "config.h"

#include "afterburner/commands.h"
#include "afterburner/json.h"
#include "afterburner/profile.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

struct options {
	bool json, verbose;
	const char *source, *file;
};

/* The sites of one statement: its inlined copies, and what it accessed. */
struct group {
	const struct profile_site **sites;
	size_t nr_sites;
	uint64_t count;
};

struct groups {
	struct group *groups;
	size_t nr_groups;
	uint64_t total;
};

static void *checked(void *p)
{
	if (!p) {
		fputs("afterburn: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

static bool known(const struct profile_site *s)
{
	return s->nr_frames && s->frames[0].line;
}

static bool same_statement(const struct profile_site *a, const struct profile_site *b)
{
	if (a->direction != b->direction || a->target.level != b->target.level ||
	    strcmp(a->target.device, b->target.device) || known(a) != known(b))
		return false;
	if (!known(a))
		return a->address == b->address;
	return a->frames[0].line == b->frames[0].line &&
	       a->frames[0].column == b->frames[0].column &&
	       !strcmp(a->frames[0].file, b->frames[0].file);
}

static int by_heat(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->sites[0]->address < y->sites[0]->address ? -1 : 1;
}

/* Sites come hottest first, and so does each group's list. */
static struct groups make_groups(const struct profile *p)
{
	struct groups g = {checked(calloc(p->nr_sites + 1, sizeof(*g.groups))), 0,
			   profile_total(p)};

	for (size_t i = 0; i < p->nr_sites; i++) {
		const struct profile_site *s = &p->sites[i];
		struct group *to = g.groups;

		while (to < g.groups + g.nr_groups && !same_statement(to->sites[0], s))
			to++;
		g.nr_groups += to == g.groups + g.nr_groups;
		to->sites = checked(reallocarray(to->sites, to->nr_sites + 1, sizeof(*to->sites)));
		to->sites[to->nr_sites++] = s;
		to->count += s->count;
	}
	if (g.nr_groups)
		qsort(g.groups, g.nr_groups, sizeof(*g.groups), by_heat);
	return g;
}

static void free_groups(struct groups *g)
{
	for (size_t i = 0; i < g->nr_groups; i++)
		free(g->groups[i].sites);
	free(g->groups);
}

/* The path itself, or what of its end there is below the directory of --source. */
static FILE *open_source(const struct options *o, const char *path)
{
	FILE *f = fopen(path, "re");
	char buf[4096];

	while (!f && o->source && *path) {
		if (snprintf(buf, sizeof(buf), "%s/%s", o->source, path) < (int)sizeof(buf))
			f = fopen(buf, "re");
		path += strcspn(path, "/");
		path += strspn(path, "/");
	}
	return f;
}

/* The line of the source, with a mark below its column. */
static void print_source(const struct options *o, const struct profile_frame *at)
{
	FILE *f = open_source(o, at->file);
	char *line = NULL;
	size_t room = 0;
	ssize_t n = -1;

	for (unsigned i = 0; f && i < at->line; i++)
		n = getline(&line, &room, f);
	if (n > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		printf("%26s | %s\n", "", line);
		if (at->column && at->column <= (size_t)n) {
			printf("%26s | ", "");
			for (unsigned i = 0; i + 1 < at->column; i++)
				putchar(line[i] == '\t' ? '\t' : ' ');
			puts("^");
		}
	}
	free(line);
	if (f)
		fclose(f);
}

static void print_frame(const struct profile_frame *f)
{
	printf("%s", *f->function ? f->function : "?");
	if (f->line)
		printf(" %s:%u:%u", f->file, f->line, f->column);
}

/* Each copy: address, count, and where it was inlined. */
static void print_copies(const struct group *g)
{
	for (size_t i = 0; i < g->nr_sites; i++) {
		const struct profile_site *s = g->sites[i];

		printf("%26s %#llx, %llu times", "", (unsigned long long)s->address,
		       (unsigned long long)s->count);
		for (size_t k = 1; k < s->nr_frames; k++) {
			printf("\n%28s in ", "");
			print_frame(&s->frames[k]);
		}
		putchar('\n');
	}
}

static const char *target_of(const struct group *g, char *buf, size_t room)
{
	const struct profile_target *t = &g->sites[0]->target;
	bool several = false;

	for (size_t i = 1; i < g->nr_sites; i++)
		several |= g->sites[i]->target.reg != t->reg;
	if (!several)
		return profile_target_name(t, buf, room);
	snprintf(buf, room, "device:%s:*", t->device);
	return buf;
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void print_text(const struct options *o, const struct profile *p, const struct groups *g)
{
	uint64_t covered = 0;
	char target[64];

	printf("%s: %zu sites of %zu statements, %llu accesses\n", o->file, p->nr_sites,
	       g->nr_groups, (unsigned long long)g->total);
	for (size_t i = 0; i < p->nr_build_ids; i++)
		printf("build-id %s\n", p->build_ids[i]);
	printf("  share    sum        count  what\n");
	for (size_t i = 0; i < g->nr_groups; i++) {
		const struct group *one = &g->groups[i];
		const struct profile_site *s = one->sites[0];

		covered += one->count;
		printf("%5.1f %% %5.1f %% %10llu  %-12s %s %u  ", percent(one->count, g->total),
		       percent(covered, g->total), (unsigned long long)one->count,
		       target_of(one, target, sizeof(target)), profile_direction_name(s->direction),
		       s->size);
		if (s->nr_frames)
			print_frame(&s->frames[0]);
		if (!known(s))
			printf(" at %#llx", (unsigned long long)s->address);
		putchar('\n');
		if (known(s))
			print_source(o, &s->frames[0]);
		if (o->verbose)
			print_copies(one);
	}
}

static void print_json_site(const struct profile_site *s)
{
	char target[64];

	printf("{\"address\": \"%#llx\", \"count\": %llu, \"what\": ",
	       (unsigned long long)s->address, (unsigned long long)s->count);
	json_string(profile_target_name(&s->target, target, sizeof(target)));
	printf(", \"size\": %u, \"frames\": [", s->size);
	for (size_t k = 0; k < s->nr_frames; k++) {
		const struct profile_frame *f = &s->frames[k];

		printf("%s{\"function\": ", k ? ", " : "");
		json_string(f->function);
		printf(", \"file\": ");
		json_string(f->file);
		printf(", \"line\": %u, \"column\": %u}", f->line, f->column);
	}
	printf("]}");
}

static void print_json(const struct profile *p, const struct groups *g)
{
	uint64_t covered = 0;

	printf("{\"accesses\": %llu, \"build_ids\": [", (unsigned long long)g->total);
	for (size_t i = 0; i < p->nr_build_ids; i++) {
		printf("%s", i ? ", " : "");
		json_string(p->build_ids[i]);
	}
	printf("],\n \"statements\": [");
	for (size_t i = 0; i < g->nr_groups; i++) {
		const struct group *one = &g->groups[i];

		covered += one->count;
		printf("%s\n  {\"count\": %llu, \"share\": %.4f, \"sum\": %.4f, \"direction\": ",
		       i ? "," : "", (unsigned long long)one->count,
		       percent(one->count, g->total) / 100, percent(covered, g->total) / 100);
		json_string(profile_direction_name(one->sites[0]->direction));
		printf(", \"sites\": [");
		for (size_t k = 0; k < one->nr_sites; k++) {
			printf("%s\n   ", k ? "," : "");
			print_json_site(one->sites[k]);
		}
		printf("]}");
	}
	printf("]}\n");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 's':
		o->source = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (o->file)
			argp_usage(state);
		o->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "Print one JSON object", 0},
    {"source", 's', "DIR", 0, "Where the source is, if not where it was compiled", 0},
    {"verbose", 'v', NULL, 0, "List each copy of a statement and where it was inlined", 0},
    {0},
};

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "FILE",
    .doc = "Print what a profile tells: the statements that met page tables and device registers, "
	   "hottest first, what share of all accesses each has, and its source.\v"
	   "Exit status: 0, or 2 if the file cannot be read.",
};

int cmd_report(int argc, char **argv)
{
	struct options o = {0};
	struct profile p;
	struct groups g;
	char error[512];

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!profile_read(&p, o.file, error, sizeof(error))) {
		fprintf(stderr, "afterburn report: %s\n", error);
		return 2;
	}
	g = make_groups(&p);
	if (o.json)
		print_json(&p, &g);
	else
		print_text(&o, &p, &g);
	free_groups(&g);
	profile_free(&p);
	return 0;
}

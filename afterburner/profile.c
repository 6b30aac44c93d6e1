/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/profile.h"

#include <stdlib.h>
#include <string.h>

static const char *const directions[PROFILE_NR_DIRECTIONS] = {"load", "store", "update"};

const char *profile_direction_name(enum profile_direction d)
{
	return directions[d];
}

const char *profile_target_name(const struct profile_target *t, char *buf, size_t room)
{
	if (t->level)
		snprintf(buf, room, "table:%u", t->level);
	else
		snprintf(buf, room, "device:%s:0x%x", t->device, t->reg);
	return buf;
}

static void *checked(void *p)
{
	if (!p) {
		fputs("afterburn: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

/* Room for one more in an array that doubles. */
static void *grown(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return checked(reallocarray(array, nr ? nr * 2 : 1, size));
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

uint64_t profile_total(const struct profile *p)
{
	uint64_t total = 0;

	for (size_t i = 0; i < p->nr_sites; i++)
		total = sum(total, p->sites[i].count);
	return total;
}

static void free_frames(struct profile_site *s)
{
	for (size_t i = 0; i < s->nr_frames; i++) {
		free(s->frames[i].function);
		free(s->frames[i].file);
	}
	free(s->frames);
	s->frames = NULL;
	s->nr_frames = 0;
}

void profile_free(struct profile *p)
{
	for (size_t i = 0; i < p->nr_sites; i++)
		free_frames(&p->sites[i]);
	for (size_t i = 0; i < p->nr_build_ids; i++)
		free(p->build_ids[i]);
	free(p->sites);
	free(p->build_ids);
	*p = (struct profile){0};
}

static struct profile_site *append_site(struct profile *p)
{
	p->sites = grown(p->sites, p->nr_sites, sizeof(*p->sites));
	p->sites[p->nr_sites] = (struct profile_site){0};
	return &p->sites[p->nr_sites++];
}

void profile_add(struct profile *p, uint64_t address, const struct profile_target *target,
		 enum profile_direction direction, unsigned size, uint64_t count)
{
	struct profile_site *s = append_site(p);

	s->address = address;
	s->target = *target;
	s->direction = direction;
	s->size = size;
	s->count = count;
}

/* Takes the strings. */
static void append_frame(struct profile_site *s, struct profile_frame frame)
{
	s->frames = grown(s->frames, s->nr_frames, sizeof(*s->frames));
	s->frames[s->nr_frames++] = frame;
}

void profile_add_frame(struct profile_site *s, const char *function, const char *file,
		       unsigned line, unsigned column)
{
	if (s->nr_frames < PROFILE_MAX_FRAMES)
		append_frame(s, (struct profile_frame){checked(strdup(function)),
						       checked(strdup(file)), line, column});
}

void profile_add_build_id(struct profile *p, const char *id)
{
	for (size_t i = 0; i < p->nr_build_ids; i++)
		if (strcmp(p->build_ids[i], id) == 0)
			return;
	p->build_ids = grown(p->build_ids, p->nr_build_ids, sizeof(*p->build_ids));
	p->build_ids[p->nr_build_ids++] = checked(strdup(id));
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_targets(const struct profile_target *a, const struct profile_target *b)
{
	int c = compare_numbers(a->level, b->level);

	if (!c)
		c = compare_numbers(a->reg, b->reg);
	return c ? c : strcmp(a->device, b->device);
}

static int compare_frames(const struct profile_site *a, const struct profile_site *b)
{
	int c = compare_numbers(a->nr_frames, b->nr_frames);

	for (size_t i = 0; !c && i < a->nr_frames; i++) {
		const struct profile_frame *x = &a->frames[i], *y = &b->frames[i];

		c = compare_numbers(x->line, y->line);
		if (!c)
			c = compare_numbers(x->column, y->column);
		if (!c)
			c = strcmp(x->function, y->function);
		if (!c)
			c = strcmp(x->file, y->file);
	}
	return c;
}

bool profile_site_has_source(const struct profile_site *s)
{
	return s->nr_frames && *s->frames[0].file && s->frames[0].line;
}

/* The same access at the same place of the source. */
static int compare_places(const void *a, const void *b)
{
	const struct profile_site *x = a, *y = b;
	int c = compare_targets(&x->target, &y->target);

	if (!c)
		c = compare_numbers(x->direction, y->direction);
	if (!c)
		c = compare_numbers(x->size, y->size);
	if (!c)
		c = compare_frames(x, y);
	if (!c && !profile_site_has_source(x))
		c = compare_numbers(x->address, y->address);
	return c;
}

static int compare_sites(const void *a, const void *b)
{
	const struct profile_site *x = a, *y = b;
	int c = compare_places(a, b);

	return c ? c : compare_numbers(x->address, y->address);
}

static int compare_heat(const void *a, const void *b)
{
	const struct profile_site *x = a, *y = b;
	int c = compare_numbers(y->count, x->count);

	if (!c)
		c = compare_numbers(x->address, y->address);
	return c ? c : compare_places(a, b);
}

void profile_combine(struct profile *p)
{
	int (*compare)(const void *, const void *) =
	    p->nr_build_ids > 1 ? compare_places : compare_sites;
	size_t n = 0;

	if (!p->nr_sites)
		return;
	/* By address too, so that which one is kept does not depend on qsort. */
	qsort(p->sites, p->nr_sites, sizeof(*p->sites), compare_sites);
	for (size_t i = 1; i < p->nr_sites; i++) {
		if (compare(&p->sites[n], &p->sites[i]) == 0) {
			p->sites[n].count = sum(p->sites[n].count, p->sites[i].count);
			free_frames(&p->sites[i]);
		} else {
			p->sites[++n] = p->sites[i];
		}
	}
	p->nr_sites = n + 1;
	/* grown() doubles at powers of two: let the array be as large as it takes it to be. */
	p->sites = checked(reallocarray(p->sites, p->nr_sites * 2, sizeof(*p->sites)));
	qsort(p->sites, p->nr_sites, sizeof(*p->sites), compare_heat);
}

void profile_merge(struct profile *into, const struct profile *from)
{
	for (size_t i = 0; i < from->nr_build_ids; i++)
		profile_add_build_id(into, from->build_ids[i]);
	for (size_t i = 0; i < from->nr_sites; i++) {
		const struct profile_site *s = &from->sites[i];
		struct profile_site *copy;

		profile_add(into, s->address, &s->target, s->direction, s->size, s->count);
		copy = &into->sites[into->nr_sites - 1];
		for (size_t k = 0; k < s->nr_frames; k++)
			profile_add_frame(copy, s->frames[k].function, s->frames[k].file,
					  s->frames[k].line, s->frames[k].column);
	}
	profile_combine(into);
}

/* Fields are separated by tabs, the parts of a frame by a blank: neither may stand in a name. */
static void write_name(FILE *f, const char *name)
{
	if (!*name)
		fputc('?', f);
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p <= ' ' || *p == '%' || *p == 0x7f || (*p == '?' && !p[1]))
			fprintf(f, "%%%02x", *p);
		else
			fputc(*p, f);
}

static void write_site(FILE *f, const struct profile_site *s)
{
	char target[64];

	fprintf(f, "%llu\t%s\t%s\t%u\t%#llx", (unsigned long long)s->count,
		profile_target_name(&s->target, target, sizeof(target)), directions[s->direction],
		s->size, (unsigned long long)s->address);
	for (size_t i = 0; i < s->nr_frames; i++) {
		fputc('\t', f);
		write_name(f, s->frames[i].function);
		fputc(' ', f);
		write_name(f, s->frames[i].file);
		fprintf(f, ":%u:%u", s->frames[i].line, s->frames[i].column);
	}
	fputc('\n', f);
}

bool profile_write(struct profile *p, FILE *f)
{
	profile_combine(p);
	fprintf(f, "afterburner-profile %d\n", PROFILE_VERSION);
	for (size_t i = 0; i < p->nr_build_ids; i++)
		fprintf(f, "build-id %s\n", p->build_ids[i]);
	for (size_t i = 0; i < p->nr_sites; i++)
		write_site(f, &p->sites[i]);
	return fflush(f) == 0 && !ferror(f);
}

void profile_tidy_path(char *path)
{
	char *const root = path + (*path == '/');
	char *to = root;

	for (const char *from = root; *from;) {
		size_t n = strcspn(from, "/");
		char *slash = memrchr(root, '/', (size_t)(to - root));
		char *last = slash ? slash + 1 : root;
		bool up = n == 2 && !strncmp(from, "..", 2);

		if (up && to != root && !(to - last == 2 && !strncmp(last, "..", 2))) {
			to = slash ? slash : root;
		} else if (n && !(n == 1 && *from == '.')) {
			if (to != root)
				*to++ = '/';
			memmove(to, from, n);
			to += n;
		}
		from += n + (from[n] == '/');
	}
	*to = '\0';
}

/* The last two components of a path. */
static const char *tail(const char *path)
{
	const char *p = path + strlen(path);

	for (unsigned slashes = 0; p > path && (p[-1] != '/' || !slashes++); p--)
		;
	return p;
}

static uint64_t fnv(uint64_t hash, const char *s)
{
	while (*s)
		hash = (hash ^ (unsigned char)*s++) * 0x100000001b3;
	return hash;
}

uint64_t profile_file(const char *path)
{
	return fnv(0xcbf29ce484222325, tail(path));
}

uint64_t profile_place(uint64_t file, unsigned line, unsigned column, enum profile_direction d)
{
	char rest[64];

	snprintf(rest, sizeof(rest), ":%u:%u %s", line, column, directions[d]);
	return fnv(file, rest);
}

uint64_t profile_site_place(const struct profile_site *s)
{
	const struct profile_frame *at = &s->frames[0];

	return profile_place(profile_file(at->file), at->line, at->column, s->direction);
}

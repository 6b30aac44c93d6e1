/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/matches.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A place of the profile: all its copies. */
struct place {
	uint64_t name, count, instructions;
	const struct profile_site *site;
	bool found;
};

static void *checked(void *p)
{
	if (!p) {
		fputs("afterburn: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

static int by_name(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->name < y->name ? -1 : x->name > y->name;
}

static int by_heat(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return by_name(a, b);
}

/* The places of a profile, sorted by name; to be freed. */
static struct place *places_of(const struct profile *p, size_t *count)
{
	struct place *places = checked(calloc(p->nr_sites + 1, sizeof(*places)));
	size_t n = 0, last = 0;

	for (size_t i = 0; i < p->nr_sites; i++) {
		const struct profile_site *s = &p->sites[i];

		if (profile_site_has_source(s))
			places[n++] = (struct place){profile_site_place(s), s->count, 0, s, false};
	}
	*count = n ? 1 : 0;
	if (!n)
		return places;
	qsort(places, n, sizeof(*places), by_name);
	for (size_t i = 1; i < n; i++)
		if (places[i].name == places[last].name)
			places[last].count += places[i].count;
		else
			places[++last] = places[i];
	*count = last + 1;
	return places;
}

static void add_matches(const Elf_Data *d, struct place *places, size_t count)
{
	for (size_t at = 0; at + sizeof(struct ab_match) <= d->d_size;
	     at += sizeof(struct ab_match)) {
		struct ab_match match;
		struct place key = {0}, *p;

		memcpy(&match, (const char *)d->d_buf + at, sizeof(match));
		key.name = le64toh(match.place);
		p = bsearch(&key, places, count, sizeof(*places), by_name);
		if (!p)
			continue;
		p->found = true;
		p->instructions += le32toh(match.instructions);
	}
}

/* A relocatable file may have several sections of the name. */
static bool read_sections(const struct code *c, struct place *places, size_t count)
{
	Elf_Scn *scn = NULL;
	size_t strings;

	if (elf_getshdrstrndx(c->elf, &strings))
		return true;
	while ((scn = elf_nextscn(c->elf, scn))) {
		GElf_Shdr sh;
		const char *name;
		Elf_Data *d;

		if (!gelf_getshdr(scn, &sh) || !(name = elf_strptr(c->elf, strings, sh.sh_name)) ||
		    strcmp(name, AB_MATCH_SECTION) != 0)
			continue;
		d = elf_rawdata(scn, NULL);
		if (!d || (d->d_size && !d->d_buf) || d->d_size % sizeof(struct ab_match)) {
			fprintf(stderr, "%s: section %s: damaged\n", c->path, name);
			return false;
		}
		add_matches(d, places, count);
	}
	return true;
}

static void sum_up(struct place *places, size_t count, struct matches *out)
{
	qsort(places, count, sizeof(*places), by_heat);
	out->places = count;
	out->stale = checked(calloc(count + 1, sizeof(*out->stale)));
	for (size_t i = 0; i < count; i++) {
		const struct place *p = &places[i];

		out->accesses += p->count;
		out->instructions += p->instructions;
		out->found += p->found;
		out->covered += p->found ? p->count : 0;
		if (!p->found)
			out->stale[out->nr_stale++] = p->site;
	}
}

bool matches_read(const struct code *c, const struct profile *p, struct matches *out)
{
	size_t count;
	struct place *places = places_of(p, &count);
	bool good = read_sections(c, places, count);

	*out = (struct matches){0};
	if (good)
		sum_up(places, count, out);
	for (size_t i = 0; i < c->records.nr_sites; i++)
		out->records += c->records.sites[i].kind == AB_MEM;
	free(places);
	return good;
}

void matches_free(struct matches *m)
{
	free(m->stale);
	*m = (struct matches){0};
}

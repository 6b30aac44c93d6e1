/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plugin's profile: which places of the source it names, and how many instructions were found.
 */
#include "gcc-plugin.h"

#include "tree.h"

#include "rtl.h"

#include "diagnostic-core.h"
#include "output.h"
#include "toplev.h"

#define _Static_assert static_assert /* the header is C */
#include "afterburner/format.h"
#include "afterburner/plugin.h"
#include "afterburner/profile.h"

struct place {
	uint64_t name;         /* profile_place() */
	unsigned instructions; /* each counts once, for the first of its places */
	bool found;
};

static struct place *places; /* sorted */
static size_t nr_places;

static int compare_places(const void *a, const void *b)
{
	const struct place *x = (const struct place *)a, *y = (const struct place *)b;

	return x->name < y->name ? -1 : x->name > y->name;
}

void profile_places_read(const char *path)
{
	struct profile p;
	char error[512];

	if (!profile_read(&p, path, error, sizeof(error)))
		fatal_error(UNKNOWN_LOCATION, "afterburner: profile %s", error);
	places = XCNEWVEC(struct place, p.nr_sites + 1);
	for (size_t i = 0; i < p.nr_sites; i++) {
		const struct profile_site *s = &p.sites[i];

		if (profile_site_has_source(s))
			places[nr_places++].name = profile_site_place(s);
	}
	qsort(places, nr_places, sizeof(*places), compare_places);
	profile_free(&p);
}

static struct place *find(uint64_t name)
{
	struct place key = {name, 0, false};
	struct place *p =
	    (struct place *)bsearch(&key, places, nr_places, sizeof(*places), compare_places);

	/* A statement has as many entries as it has copies: the first counts. */
	while (p && p > places && p[-1].name == name)
		p--;
	return p;
}

/* profile_file() of a path as GCC has it, relative to where it runs. */
static uint64_t file_of(const char *path)
{
	static const char *last;
	static uint64_t number;
	char *whole;

	if (path == last)
		return number;
	whole = path[0] == '/' ? xstrdup(path) : concat(get_src_pwd(), "/", path, NULL);
	profile_tidy_path(whole);
	number = profile_file(whole);
	free(whole);
	last = path;
	return number;
}

/* What reads and writes at once may have been seen as either. */
static bool is_like(enum profile_direction d, const struct memory_use *use)
{
	switch (d) {
	case PROFILE_LOAD:
		return use->load;
	case PROFILE_STORE:
		return use->store;
	default:
		return use->load && use->store;
	}
}

bool profile_places_match(const expanded_location *at, const struct memory_use *use)
{
	bool found = false;

	if (!nr_places || !at->file)
		return false;
	for (unsigned d = 0; d < PROFILE_NR_DIRECTIONS; d++) {
		enum profile_direction direction = (enum profile_direction)d;
		struct place *p;

		if (!is_like(direction, use))
			continue;
		p = find(profile_place(file_of(at->file), at->line, at->column, direction));
		if (!p)
			continue;
		p->found = true;
		p->instructions += !found && !use->text;
		found = true;
	}
	return found;
}

void profile_places_write(FILE *f)
{
	bool any = false;

	for (size_t i = 0; i < nr_places; i++) {
		if (!places[i].found)
			continue;
		if (!any)
			fputs("\t.section\t" AB_MATCH_SECTION ",\"\",@progbits\n", f);
		any = true;
		fprintf(f, "\t.quad\t0x%llx\n\t.long\t%u,0\n", (unsigned long long)places[i].name,
			places[i].instructions);
	}
}

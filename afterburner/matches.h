/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a profile a file was compiled with: section AB_MATCH_SECTION against the profile. */
#ifndef AFTERBURNER_MATCHES_H
#define AFTERBURNER_MATCHES_H

#include "afterburner/code.h"
#include "afterburner/profile.h"

struct matches {
	size_t places, found;       /* of the profile, that name a line of the source */
	uint64_t accesses, covered; /* counted by the profile: all of them, and at places found */
	uint64_t instructions;      /* that were marked for places of the profile, but for asm */
	size_t records;             /* memory operations that are recorded */
	const struct profile_site **stale; /* places that match nothing, hottest first */
	size_t nr_stale;
};

/* False with a message on standard error if the section is damaged. */
bool matches_read(const struct code *c, const struct profile *p, struct matches *out);
void matches_free(struct matches *m);

#endif

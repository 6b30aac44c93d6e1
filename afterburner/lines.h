/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From addresses to the source, by DWARF (libdw). */
#ifndef AFTERBURNER_LINES_H
#define AFTERBURNER_LINES_H

#include "afterburner/profile.h"

/*
 * Add to each site without frames its place in the source, inlined calls included, and the file's
 * build-id to the profile. path: what was profiled, linked or relocatable; a relocatable one is
 * laid out as the host's tools do (eu-addr2line). *without: how many sites have no line; 0 for all
 * of them if it was compiled with -g. False with a message if the file cannot be read.
 */
bool profile_symbolize(struct profile *p, const char *path, size_t *without, char *error,
		       size_t room);

#endif

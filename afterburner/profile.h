/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A profile: which loads and stores of a guest met page tables and device registers, how often, and
 * where in its source they stand. doc/profile.md is the format in words. A run collects accesses by
 * address, profile_symbolize (lines.h) adds the source, the GCC plugin reads it back.
 */
#ifndef AFTERBURNER_PROFILE_H
#define AFTERBURNER_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROFILE_VERSION 1
#define PROFILE_MAX_LEVEL 4
#define PROFILE_MAX_SIZE 64
#define PROFILE_MAX_FRAMES 64

enum profile_direction {
	PROFILE_LOAD,
	PROFILE_STORE,
	PROFILE_UPDATE, /* reads and writes: xchg, and to memory, bts */
	PROFILE_NR_DIRECTIONS
};

/* What was accessed. */
struct profile_target {
	unsigned level;  /* of a page table, 1 the one that maps pages; 0: a device */
	uint32_t reg;    /* offset of the device's register, 0 for one that is memory */
	char device[24]; /* its name: letters, digits, '-', '_', '.', '@' */
};

/* A place in the source. Innermost of a site: where the access stands; then where that was inlined.
 */
struct profile_frame {
	char *function, *file; /* never null; empty: not known */
	unsigned line, column; /* 0: not known */
};

struct profile_site {
	uint64_t count;
	uint64_t address; /* of the instruction, in the build that was profiled */
	struct profile_target target;
	enum profile_direction direction;
	unsigned size; /* bytes of one access */
	struct profile_frame *frames;
	size_t nr_frames;
};

struct profile {
	char **build_ids; /* in hexadecimal; more than one after a merge of different builds */
	size_t nr_build_ids;
	struct profile_site *sites;
	size_t nr_sites;
};

/*
 * Read a profile. On false error holds a message with a line number (of at most room bytes), and *p
 * is empty. Nothing in the text is trusted.
 */
bool profile_parse(struct profile *p, const char *text, size_t size, char *error, size_t room);

/* The same from a file; the message then names it. */
bool profile_read(struct profile *p, const char *path, char *error, size_t room);

/* Sorted, hottest first. False if the stream has failed; errno says why. */
bool profile_write(struct profile *p, FILE *f);

/*
 * Count accesses at an address: of sites that are alike in all but their count, profile_combine
 * makes one. Out of memory ends the program.
 */
void profile_add(struct profile *p, uint64_t address, const struct profile_target *target,
		 enum profile_direction direction, unsigned size, uint64_t count);
void profile_add_frame(struct profile_site *s, const char *function, const char *file,
		       unsigned line, unsigned column);
void profile_add_build_id(struct profile *p, const char *id);
void profile_combine(struct profile *p);

/*
 * Add what another profile holds. Of two different builds, sites that stand at one place of the
 * source are one, whatever their addresses.
 */
void profile_merge(struct profile *into, const struct profile *from);

void profile_free(struct profile *p);

/* "load", "store", "update" */
const char *profile_direction_name(enum profile_direction d);
/* "table:1", "device:vga:0x0"; returns buf. */
const char *profile_target_name(const struct profile_target *t, char *buf, size_t room);

/* All counts; saturates. */
uint64_t profile_total(const struct profile *p);

/* "a/./b/../c" is "a/c": paths are compared. */
void profile_tidy_path(char *path);

/*
 * The name of a place of the source, as a number: struct ab_match has it. Trees move between
 * builds, so of a path the last two components count; profile_file() of it is the number's first
 * part.
 */
uint64_t profile_file(const char *path);
uint64_t profile_place(uint64_t file, unsigned line, unsigned column, enum profile_direction d);

/* Of a site whose innermost frame names file and line. */
bool profile_site_has_source(const struct profile_site *s);
uint64_t profile_site_place(const struct profile_site *s);

#ifdef __cplusplus
}
#endif
#endif

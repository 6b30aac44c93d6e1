/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Site rewriting: plan, check, commit. rewrite.c shows who writes which byte. */
#ifndef LOADER_REWRITE_H
#define LOADER_REWRITE_H

#include "loader/image.h"
#include "wedge/core/machine.h"

struct patch {
	uint32_t paddr; /* of the slot */
	uint32_t site;  /* its number */
};

/* Where trampolines go. */
struct code_area {
	uint8_t *code;
	uint32_t at; /* linear address of code */
	size_t room;
};

struct rewrite {
	struct patch *patches;
	uint32_t nr_patches;
	size_t trampoline_bytes;
	uint64_t read_ns, emit_ns, commit_ns;
};

/*
 * Plan the rewriting of every site of the image: fills m->sites and m->alias_delta, emits the
 * trampolines, touches no byte of the guest. keep_trapping (--no-rewrite) leaves all sites native
 * that trap in ring 3. On false a message has been printed and nothing may be committed.
 */
bool rewrite_plan(struct rewrite *r, const struct image *img, struct machine *m,
		  const struct code_area *area, bool keep_trapping);

/* Write the planned patches into RAM, where the image has been loaded. Repeatable after each load.
 */
void rewrite_commit(struct rewrite *r, struct machine *m);

void rewrite_close(struct rewrite *r);

#endif

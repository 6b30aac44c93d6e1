/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole load path into a machine that is never run: for the bad-input tests and the fuzzer. */
#ifndef TESTS_LOADER_LOAD_H
#define TESTS_LOADER_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_RAM (16u << 20)

/*
 * Parse, recognise, place, plan, check, commit. data is written to. True: the guest would be
 * started, and `loaded` says what with.
 */
struct loaded {
	unsigned nr_sites, nr_rewritten;
};
bool load_image(uint8_t *data, size_t size, struct loaded *loaded);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trampolines as text: for patches.c. */
#ifndef TESTS_LOADER_TRAMPOLINES_H
#define TESTS_LOADER_TRAMPOLINES_H

#include "wedge/core/machine.h"

#define WINDOW 0xffc00000u
#define TRAMPOLINES (WINDOW + WINDOW_TRAMPOLINES)
#define ROOM 0x40000u

/* Where trampolines are emitted, to run at linear address TRAMPOLINES; never over each other. */
extern uint8_t code[ROOM];

void die(const char *why) __attribute__((noreturn));

/* Disassemble the instruction at bytes[offset], which is at `at` + offset; its length. */
unsigned decode(const uint8_t *bytes, size_t size, uint32_t at, size_t offset, char *text);

/* What the numbers of the next trampoline must be: those of site number id; s may be null. */
void expect(uint32_t id, const struct site *s);

/*
 * Print what the trampoline at `at` is made of, up to address limit: templates by their names in
 * brackets, what trampoline.c writes itself as instructions. In the order in which they were
 * emitted.
 */
void print_trampoline(uint32_t at, uint32_t limit);

/* Print each template that occurred; the end. */
void print_templates(void);

#endif

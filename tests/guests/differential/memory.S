/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory operations as sites: a call where the memory is sensitive (page 0), the plain instruction where it is not.
 */
#include "tests/guests/differential/differential.h"
#include "tests/guests/differential/row.h"

#define NF NO_FAULT
#define uC (1 << 16)
#define uP (1 << 18)
#define uA (1 << 20)
#define uZ (1 << 22)
#define uS (1 << 23)
#define uO (1 << 27)

	.text
	TABLE	memory
	.set	.Lafterburner_memory, 1
#define E(undefined, ...) ROW(S_SITE, RUN_EMULATED | undefined, RUN_EMULATED, __VA_ARGS__)
#include "tests/guests/differential/emulated.h"
	.set	.Lafterburner_memory, 0
	TABLE_END memory

	.section .note.GNU-stack, "", @progbits

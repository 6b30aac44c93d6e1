/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where ring 0 and ring 3 both may run them. */
#include "tests/guests/differential/differential.h"
#include "tests/guests/differential/row.h"

#define NF NO_FAULT
#define uC (1 << 16)
#define uP (1 << 18)
#define uA (1 << 20)
#define uZ (1 << 22)
#define uS (1 << 23)
#define uO (1 << 27)
#define E(undefined, ...) ROW(S_PAGE0, RUN_EMULATED | undefined, RUN_EMULATED, __VA_ARGS__)

	.set	.Lafterburner_off, 1
	.section .user.text, "ax", @progbits
	TABLE	emulated
#include "tests/guests/differential/emulated.h"
	TABLE_END emulated

	.set	.Lafterburner_off, 0
	.section .note.GNU-stack, "", @progbits

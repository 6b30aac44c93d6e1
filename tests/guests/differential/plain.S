/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The privileged variants as nobody padded them: on a wedge they trap and are emulated. */
#include "tests/guests/differential/differential.h"
#include "tests/guests/differential/row.h"

	.set	.Lafterburner_off, 1

	.text
#define V(setup, where, ...) ROW(setup, where, P, __VA_ARGS__)
	TABLE	plain
#include "tests/guests/differential/variants.h"
	TABLE_END plain

	.set	.Lafterburner_off, 0
	.section .note.GNU-stack, "", @progbits

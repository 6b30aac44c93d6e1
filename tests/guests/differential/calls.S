/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls of ring 3 as the toolchain pads them: they have a fast path. */
#include "tests/guests/differential/differential.h"
#include "tests/guests/differential/row.h"

	.set	.Lafterburner_user, 1

	.section .user.text, "ax", @progbits
#define V(setup, where, ...) ROW(setup, where, C, __VA_ARGS__)
	TABLE	calls
#include "tests/guests/differential/variants.h"
	TABLE_END calls

	.set	.Lafterburner_user, 0
	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variants that ring 3 may not execute, or not without I/O privilege. */
#include "tests/guests/differential/differential.h"
#include "tests/guests/differential/row.h"

	.set	.Lafterburner_off, 1

	.section .user.text, "ax", @progbits
	.globl	user_landing
user_landing:
	ud2
#define V(setup, where, ...) ROW(setup, where, U, __VA_ARGS__)
	TABLE	user
#include "tests/guests/differential/variants.h"
	TABLE_END user

	.set	.Lafterburner_off, 0
	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variants as padded sites of ring 0. */
#include "tests/guests/differential/differential.h"
#include "tests/guests/differential/row.h"

	.text
#define V(setup, where, ...) ROW(setup, where, K, __VA_ARGS__)
	TABLE	kernel
#include "tests/guests/differential/variants.h"
	TABLE_END kernel

	.section .note.GNU-stack, "", @progbits

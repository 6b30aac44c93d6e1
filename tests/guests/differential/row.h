/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One variant: the code, ud2 behind it, and its struct variant in the table. */

/* Assembly. */
/* clang-format off */

#include "tests/guests/runtime/selectors.h"

#define K RUN_KERNEL
#define P RUN_PLAIN
#define U RUN_USER
#define C RUN_CALL
#define I RUN_PENDING
#define ANY ANY_RESULT
#define B PAD_BEFORE
#define NT0 NT_CLEAR
#define W WIDE_PORT

#define ROW(setup, where, mode, ...) \
	.if	(where) & mode; \
1:	__VA_ARGS__; \
2:	ud2; \
	.pushsection .rodata.variants, "a"; \
	.long	1b, 2b, 3f, setup, where; \
	.pushsection .rodata.names, "a"; \
3:	.asciz	#__VA_ARGS__; \
	.popsection; \
	.popsection; \
	.endif;

	.macro	TABLE name
	.pushsection .rodata.variants, "a"
	.globl	\name\()_variants
	.align	4
\name\()_variants:
	.popsection
	.endm

	.macro	TABLE_END name
	.pushsection .rodata.variants, "a"
	.globl	\name\()_variants_end
\name\()_variants_end:
	.popsection
	.endm

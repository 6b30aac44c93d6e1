/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What mnemonics and operands say: the part of the scan that knows instructions. */
#ifndef AFTERBURNER_OPERANDS_H
#define AFTERBURNER_OPERANDS_H

#include "afterburner/kinds.h"
#include "afterburner/text.h"

/* What the first word of a statement is, as far as the scan has to look at it. */
enum word_class {
	WORD_OTHER,
	WORD_SITE,   /* sensitive by its name: a macro of the prelude catches it */
	WORD_PREFIX, /* rep, lock, data16, ... */
	WORD_MOV,
	WORD_PUSH,
	WORD_POP,
	WORD_JMP, /* near or far: the operands tell */
	WORD_CALL,
	WORD_SECTION, /* .section, .pushsection: with a name and flags */
	WORD_TEXT,
	WORD_DATA,     /* .data, .bss */
	WORD_PREVIOUS, /* .previous */
	WORD_POPSECTION,
	WORD_SUBSECTION,
	WORD_CODE,   /* .code16, .code16gcc, .code32, .code64 */
	WORD_SET,    /* .set, .equ */
	WORD_SWITCH, /* .Lafterburner_off, .Lafterburner_user: an assignment to it */
	WORD_MEMORY, /* .Lafterburner_memory: likewise */
	WORD_BYTE,
	WORD_MACRO,
	WORD_REPEAT, /* .rept, .irp, .irpc: bodies, like that of .macro */
	WORD_ENDBODY,
	WORD_ALTMACRO,
	WORD_NOALTMACRO,
	WORD_INTEL,
	WORD_ATT,
	WORD_END,
	WORD_MRI,
};

/* *kind is set for WORD_SITE. */
enum word_class word_class(struct span word, enum ab_kind *kind);

/* Up to four operands, trimmed. Returns their number, or -1 if there are more. */
int split_operands(struct span s, struct span operand[4]);

/* How one operand that may be a register looks. */
enum operand_class {
	OPERAND_OTHER,
	OPERAND_CR,
	OPERAND_DR,
	OPERAND_SEG,
	OPERAND_SS,
	OPERAND_ARGUMENT, /* an argument of a macro: not known before gas expands it */
};

/* bare: registers need no % (Intel syntax); names: in a body of .altmacro arguments have no
 * backslash. */
enum operand_class operand_class(struct span operand, bool bare, bool names);

/*
 * Is it an integer instruction that accesses memory by its operands? -1 if an operand is an
 * argument of a macro, so that this cannot be told.
 */
int accesses_memory(struct span word, struct span args, bool intel);

/* The kind of site that `.byte` values are, AB_KIND_NONE if none. */
enum ab_kind bytes_kind(struct span values, bool x64);

#endif

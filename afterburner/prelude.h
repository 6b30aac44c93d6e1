/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The prelude: gas source that is assembled in front of every file. It defines a macro named like
 * each sensitive mnemonic, so that instructions are padded and recorded inside gas, after all
 * macros are expanded, whatever their operands. The body emits the instruction behind
 * `{nooptimize}`, which gas does not look up as a macro.
 *
 *   cli                the macro of a mnemonic: ab_site 1, cli
 *   ab_site K, INSN    pad after, record as kind K
 *   ab_before N, K, INSN  pad by N bytes before
 *   ab_bytes K, .byte ... an instruction that was written as bytes
 *   ab_mov "A", "B", INSN  a mov whose operands are arguments of a macro: decides when they are
 * known ab_push "A", INSN, ab_pop "A", INSN   the same for push and pop ab_switch          after a
 * change of .code16, .Lafterburner_off, ...: closes and opens ranges ab_leave, ab_enter before and
 * after a change of section in files that have ranges
 *   ab_link SECTION    records are kept or dropped by the linker with this section
 *   ab_link SECTION,PREFIX   in modules: they go to the section PREFIX.afterburn
 */
#ifndef AFTERBURNER_PRELUDE_H
#define AFTERBURNER_PRELUDE_H

#include "afterburner/format.h"
#include "afterburner/text.h"

/* The source's own switches: symbols that plain gas takes too and that never reach a symbol table.
 */
#define AB_SYMBOL_OFF ".Lafterburner_off"
#define AB_SYMBOL_USER ".Lafterburner_user"
/* .Lafterburner_memory is the scan's alone: what it encloses is a matter of the text. */

struct prelude_options {
	enum ab_isa isa;
	bool off;    /* start as if the source had said .set .Lafterburner_off, 1 */
	bool user;   /* and the like */
	bool intel;  /* -msyntax=intel */
	bool module; /* records are allocated: the guest loads this at run time */
};

/* How many redundant prefixes pad a mnemonic to 5 bytes; 0: its kind is padded by NOPs. */
unsigned prelude_prefixes(unsigned kind, const char *name, size_t size);

void prelude_write(struct text *out, const struct prelude_options *o);

/* What comes behind the source. */
void prelude_end(struct text *out);

#endif

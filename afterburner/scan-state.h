/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the scan share: scan.c finds statements, the two others look at them. */
#ifndef AFTERBURNER_SCAN_STATE_H
#define AFTERBURNER_SCAN_STATE_H

#include "afterburner/operands.h"
#include "afterburner/text.h"

/* What matters of a section. */
struct section_state {
	bool code;        /* for `.byte`: elsewhere it is data */
	struct span link; /* its name, if records can be linked to it; else empty */
};

static inline struct section_state text_section(void)
{
	static const char name[] = ".text";

	return (struct section_state){.code = true, .link = {name, name + sizeof(name) - 1}};
}

#define MAX_SECTIONS 256
#define MAX_STACK 32

struct scan {
	struct text *out;
	const char *copied; /* everything before it is in out */
	const char *end;
	bool x64, intel, altmacro;
	bool module;     /* from the options */
	bool ranges;     /* the file changes code modes or switches the pass off */
	bool memory;     /* memory operations are sites, too */
	bool shadow;     /* the last instruction blocks interrupts behind it */
	bool own_macros; /* the source defines macros named like sensitive instructions */
	const char
	    *joined;   /* an instruction that has its macro already, with a prefix from before */
	unsigned body; /* depth of .macro, .rept and .irp */
	struct section_state section, previous;
	struct span linked; /* what the prelude was told last */
	struct section_state stack[MAX_STACK];
	unsigned depth;
	struct {
		struct span name;
		bool code;
	} sections[MAX_SECTIONS];
	unsigned nr_sections;
	const char *error, *error_at;
};

struct statement {
	struct span all;  /* from the first word to the end, labels skipped */
	struct span word; /* the first word */
	struct span args; /* what follows it */
	bool quoted;      /* part of a string: an argument of a macro */
};

/* Copy the source up to `at`, then this. */
void scan_insert(struct scan *s, const char *at, const char *string);
/* The source cannot be assembled by the pass; the first message counts. */
void scan_fail(struct scan *s, const char *at, const char *message);

/* Where the word that starts at p ends: a mnemonic, a directive, a label. */
const char *word_end(const char *p, const char *end);
struct span next_word(struct span s);

/*
 * scan-instructions.c: false if the statement is no instruction that the scan knows. limit: where
 * the source ends. *kind is meaningful for WORD_SITE.
 */
bool scan_instruction(struct scan *s, const struct statement *st, enum word_class class,
		      enum ab_kind kind, const char *limit);
/* An instruction that is written as bytes. */
void scan_bytes(struct scan *s, const struct statement *st);

/* scan-directives.c */
void scan_directive(struct scan *s, const struct statement *st, enum word_class class);

#endif

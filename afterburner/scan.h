/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text pass: one scan over the source for what a mnemonic alone does not tell. It only ever
 * inserts, in front of a statement and on the same line, so that lines keep their numbers:
 *
 *   mov %cr0, %eax      ab_site K,mov %cr0, %eax
 *   rep; insb           ab_site K,rep insb
 *   .byte 0x0f,0x01,0xca   ab_bytes K,.byte 0x0f,0x01,0xca
 *   mov \a, %eax        ab_mov "\a","%eax",mov \a, %eax
 *   sti; int $0x20      sti; ab_site K,int $0x20     (padding before it would part the two)
 *   movl %eax, (%ecx)   ab_site K,movl %eax, (%ecx)      between .set .Lafterburner_memory, 1 and 0
 *   .code16             .code16;.set .Lab_code,16;ab_switch
 */
#ifndef AFTERBURNER_SCAN_H
#define AFTERBURNER_SCAN_H

#include "afterburner/format.h"
#include "afterburner/text.h"

struct scan_options {
	enum ab_isa isa;
	bool intel;  /* -msyntax=intel */
	bool ranges; /* the whole file is off or of ring 3 */
	bool module; /* ab_link is told which section of records a section has */
};

/*
 * Append the source to out with what the pass inserts. Returns null, or a message that says what
 * in the source is not supported (line is then set).
 */
const char *scan(struct text *out, struct span source, const struct scan_options *o,
		 unsigned *line);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands at an address, by libopcodes: independent of the pass, which never decodes anything.
 * An instruction is sensitive if the disassembler's mnemonic or operands say so by sites.def.
 */
#ifndef AFTERBURNER_DISASSEMBLE_H
#define AFTERBURNER_DISASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "afterburner/kinds.h"

enum code_mode { CODE_16, CODE_32, CODE_64 };

struct code_insn {
	unsigned length; /* 1 for bytes that are no instruction */
	bool valid;
	bool nop;    /* a NOP of any length */
	bool branch; /* a near branch with a known target */
	uint64_t target;
	enum ab_kind kind; /* AB_KIND_NONE: not sensitive by itself */
	bool memory;       /* accesses memory by an operand: sensitive if its address is */
	char text[160];    /* AT&T syntax, single blanks */
};

struct disassembler;

/* Out of memory ends the program. */
struct disassembler *disassembler_new(enum code_mode mode);
void disassembler_free(struct disassembler *d);

/* Decode the instruction at bytes[offset], whose address is base + offset. It ends before size. */
void disassemble(struct disassembler *d, const uint8_t *bytes, size_t size, uint64_t base,
		 size_t offset, struct code_insn *out);

/* The kind of site that a line of disassembly is; AB_KIND_NONE if it is none. */
enum ab_kind sensitive_kind(const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/* A decoded instruction, small and self-contained: what the emulator and the rewriter work from. */
#ifndef WEDGE_CORE_INSN_H
#define WEDGE_CORE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum operand_type {
	OP_NONE,
	OP_REG,
	OP_SEG,
	OP_CR,
	OP_DR,
	OP_MEM,
	OP_IMM,
	OP_FAR /* ptr16:32 */,
	OP_XMM,
	OP_MMX
};

struct operand {
	uint8_t type;  /* enum operand_type */
	uint8_t size;  /* bytes */
	uint8_t reg;   /* OP_REG: encoding 0-7, with size 1 encodings 4-7 mean ah ch dh bh; OP_SEG:
			  enum segreg; OP_CR/OP_DR: number */
	uint8_t seg;   /* OP_MEM: enum segreg, default or override already applied */
	int8_t base;   /* OP_MEM: enum gpr or -1 */
	int8_t index;  /* OP_MEM: enum gpr or -1 */
	uint8_t scale; /* OP_MEM: 1 2 4 8 */
	uint32_t imm;  /* OP_MEM: displacement; OP_IMM, OP_FAR: (sign-extended) value or offset */
	uint16_t far_sel; /* OP_FAR */
};

enum rep { REP_NONE, REP_E, REP_NE };

struct insn {
	uint16_t mnemonic; /* ZydisMnemonic */
	uint8_t length;    /* bytes, 1-15 */
	uint8_t advance;   /* bytes to the next instruction: length, or in a slot to its end */
	uint8_t slot_off;  /* where in its slot it stands; 0 without a slot */
	uint8_t opsize;    /* 2 or 4: effective operand size */
	uint8_t adsize;    /* 2 or 4: effective address size */
	uint8_t rep;       /* enum rep */
	bool lock;
	bool far;            /* jmp, call, ret: changes cs */
	uint8_t nr_operands; /* explicit ones, and implicit ones where the emulator needs them */
	struct operand op[4];
	uint8_t bytes[15];
};

/*
 * Decode one 32-bit instruction. size is how many bytes may be read. Returns false if the bytes are
 * no instruction (#UD) or are truncated; then out->length is 0.
 */
bool insn_decode(const uint8_t *bytes, size_t size, struct insn *out);

/* The instruction in Intel syntax for messages; returns buf. */
const char *insn_format(const struct insn *in, uint32_t eip, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The record format: what the assembler pass writes into a guest and the loader reads.
 * doc/format.md is the contract in words; this header is the contract in C.
 *
 * Section ".afterburn" (SHT_PROGBITS, not allocated) is an array of struct ab_record. In what a
 * guest loads at run time it is allocated, and ".init.afterburn" and ".exit.afterburn" stand beside
 * it. Note ".afterburn.note" (SHT_NOTE, owner "Afterburner", type AB_NOTE_TYPE) holds struct
 * ab_note. Section ".afterburn.ranges" (SHT_PROGBITS, not allocated) is an array of struct
 * ab_range. Section ".afterburn.matches" (SHT_PROGBITS, not allocated) is an array of struct
 * ab_match.
 */
#ifndef AFTERBURNER_FORMAT_H
#define AFTERBURNER_FORMAT_H

#include <stdint.h>

#define AB_SECTION ".afterburn"
#define AB_INIT_SECTION ".init" AB_SECTION
#define AB_EXIT_SECTION ".exit" AB_SECTION
#define AB_NOTE_SECTION                                                                            \
	".afterburn.note" /* not .note.*: linker scripts gather those into memory                  \
			   */
#define AB_RANGE_SECTION ".afterburn.ranges"
#define AB_MATCH_SECTION ".afterburn.matches"
#define AB_NOTE_OWNER "Afterburner"
#define AB_NOTE_TYPE 1
#define AB_FORMAT_VERSION 1

enum ab_isa { AB_ISA_I386 = 1, AB_ISA_X86_64 = 2 };

/* Flags of a record. */
#define AB_F_CODE32                                                                                \
	0x01 /* 32-bit code (always set in an i386 guest; set under .code32 in x86-64) */
#define AB_F_PAD_BEFORE 0x02 /* the padding stands before the instruction, not after it */
#define AB_F_USER 0x04       /* runs in ring 3 of the guest: only `int` has a fast path there */

/*
 * One site. All fields little-endian.
 *
 * place: start of the slot, relative to the address of this field. The section is not allocated, so
 * in a linked file the section's address is 0 and the slot is at (offset in section + place); in a
 * relocatable file the relocation names the slot. On i386 the high half is 0 and ignored.
 *
 * Allocated records are found in memory by their marks: reserved is AB_MARK, and on i386 the high
 * half of place is AB_MARK_PLACE. They are aligned to 4 bytes.
 */
#define AB_MARK 0xab17u
#define AB_MARK_PLACE 0xc5ab52d9u

struct ab_record {
	int64_t place;
	uint16_t kind;     /* enum ab_kind, from sites.def */
	uint8_t insn_off;  /* offset of the instruction in the slot, bytes */
	uint8_t insn_len;  /* length of the instruction, bytes */
	uint8_t slot_len;  /* length of the slot, bytes; >= insn_off + insn_len */
	uint8_t flags;     /* AB_F_* */
	uint16_t reserved; /* 0, or AB_MARK */
};

/* Descriptor of the note. One per object file; a linked file may hold many, all must agree. */
struct ab_note {
	uint32_t version;   /* AB_FORMAT_VERSION */
	uint32_t isa;       /* enum ab_isa */
	uint32_t toolchain; /* version of the toolchain, 0xMMmmpp */
	uint32_t reserved;  /* 0 */
};

/* What a range is. */
#define AB_RANGE_OFF 1    /* left as it was written: the source, or an option, said so */
#define AB_RANGE_USER 2   /* runs in ring 3 of the guest: nothing but `int` is padded */
#define AB_RANGE_CODE16 3 /* 16-bit code: never padded */
#define AB_RANGE_CODE32 4 /* 32-bit code in an x86-64 file: padded */
#define AB_RANGE_CODE64 5 /* 64-bit code in an i386 file: never padded */

/*
 * Code that is not what the rest of the file is. place: as in struct ab_record. Ranges of one kind
 * do not overlap; a range of 16-bit code may lie in one that was left as written.
 */
struct ab_range {
	int64_t place;
	uint32_t length;   /* bytes */
	uint16_t what;     /* AB_RANGE_* */
	uint16_t reserved; /* 0 */
};

/* A place of a profile that an object was compiled with, and memory operations that were found for
 * it. */
struct ab_match {
	uint64_t place;        /* FNV-1a of "DIRECTORY/FILE:LINE:COLUMN DIRECTION" */
	uint32_t instructions; /* marked for the assembler pass */
	uint32_t reserved;     /* 0 */
};

_Static_assert(sizeof(struct ab_match) == 16, "record layout is an ABI");
_Static_assert(sizeof(struct ab_range) == 16, "record layout is an ABI");
_Static_assert(sizeof(struct ab_record) == 16, "record layout is an ABI");
_Static_assert(sizeof(struct ab_note) == 16, "note layout is an ABI");

#endif

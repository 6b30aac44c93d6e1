/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small guest that is right in every way, as one C structure: the bad-input tests damage one
 * field of it each, and the fuzzer starts from it. It runs, too: it prints OK and leaves by the
 * debug-exit port.
 */
#ifndef TESTS_LOADER_GOOD_H
#define TESTS_LOADER_GOOD_H

#include "afterburner/format.h"

#include <elf.h>
#include <stdint.h>

#define GOOD_HEADER 0x200u /* room for the ELF and program headers */
#define GOOD_VADDR 0xc0100000u
#define GOOD_PADDR 0x100000u
#define GOOD_TEXT (GOOD_VADDR + GOOD_HEADER)
#define GOOD_DATA 0xc0102000u
#define GOOD_RECORDS 10
#define GOOD_STATUS 33 /* what the guest ends with */

enum good_section {
	GOOD_S_NULL,
	GOOD_S_TEXT,
	GOOD_S_REPLACEMENT, /* .altinstr_replacement: its site stays native */
	GOOD_S_DATA,
	GOOD_S_BSS,
	GOOD_S_RECORDS,
	GOOD_S_NOTES,
	GOOD_S_SYMBOLS,
	GOOD_S_STRINGS,
	GOOD_S_NAMES,
	GOOD_SECTIONS
};

struct good_note {
	Elf32_Nhdr header;
	char owner[12];
	struct ab_note note;
};

struct good_image {
	union {
		struct {
			Elf32_Ehdr eh;
			Elf32_Phdr ph[2];
		};
		uint8_t headers[GOOD_HEADER];
	};
	uint8_t text[0x100];
	uint8_t replacement[0x10];
	uint8_t data[0x40];
	struct ab_record records[GOOD_RECORDS];
	struct good_note notes[2];
	Elf32_Sym symbols[3];
	char strings[16];
	char names[96];
	Elf32_Shdr sh[GOOD_SECTIONS];
};

void good_build(struct good_image *g);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The code of an ELF file: its executable sections, its symbols, its records. */
#ifndef AFTERBURNER_CODE_H
#define AFTERBURNER_CODE_H

#include <gelf.h>

#include "afterburner/records.h"

struct code_section {
	uint32_t index;
	const char *name;
	const uint8_t *bytes;
	uint64_t base; /* address of the first byte; 0 in a relocatable file */
	uint64_t size;
};

struct code_symbol {
	uint32_t section;
	uint64_t address, size;
	const char *name;
	bool data; /* STT_OBJECT: what it covers is no code */
};

/* A reference that a relocation makes to code. */
struct code_reference {
	uint32_t from_section; /* that holds the reference */
	uint64_t from;         /* address of the field */
	uint32_t section;      /* that is referred to */
	uint64_t address;
	bool relative;
};

struct code {
	const char *path;
	int fd;
	Elf *elf;
	GElf_Ehdr ehdr;
	struct ab_image_records records;
	struct code_section *sections;
	size_t nr_sections;
	struct code_symbol *symbols; /* of executable sections, sorted by section, address */
	size_t nr_symbols;
	struct code_reference *references; /* sorted by from_section, from */
	size_t nr_references;
};

/* False with a message on standard error if the file cannot be read. */
bool code_open(struct code *c, const char *path);
void code_close(struct code *c);

/* "name+0x12", or "" if no symbol stands before the address. Returns buf. */
const char *code_name(const struct code *c, uint32_t section, uint64_t address, char *buf,
		      size_t size);

#endif

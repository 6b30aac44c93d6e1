/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Read the records of an ELF file: shared by check, census and the loader. Nothing in the file is
 * trusted: every offset is checked, and a bad file gives a message that names file, section and
 * offset.
 */
#ifndef AFTERBURNER_RECORDS_H
#define AFTERBURNER_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libelf.h>

#include "afterburner/format.h"
#include "afterburner/kinds.h"

/* One record, resolved: where its slot is. */
struct ab_image_site {
	uint64_t address; /* of the slot: virtual address, or offset in `section` for ET_REL */
	uint64_t record;  /* offset of the record in its record section, for messages */
	uint32_t section; /* index of the executable section that holds the slot */
	uint16_t kind;    /* enum ab_kind, checked */
	uint8_t insn_off, insn_len, slot_len, flags;
};

/* A range of code that the pass left as it was written, or that is 16-bit or 32-bit code. */
struct ab_image_range {
	uint64_t address; /* as in ab_image_site */
	uint64_t length;
	uint32_t section;
	uint16_t what; /* AB_RANGE_* */
};

struct ab_image_records {
	enum ab_isa isa;
	bool has_note;               /* built by the pass at all */
	struct ab_note note;         /* the first one; all others agree with it */
	struct ab_image_site *sites; /* sorted by section, then address */
	size_t nr_sites;
	struct ab_image_range *ranges; /* sorted likewise */
	size_t nr_ranges;
};

/*
 * Read every record of an ELF file (ET_REL, ET_EXEC or ET_DYN; i386 or x86-64) into *out. Each site
 * lies wholly in one executable section with contents, has a known kind, and insn_off + insn_len <=
 * slot_len. What stands in the slot and whether slots overlap is not looked at here. Returns true,
 * or false with a message in error (at most size bytes); then *out is empty.
 */
bool ab_records_read(Elf *elf, struct ab_image_records *out, char *error, size_t size);

void ab_records_free(struct ab_image_records *r);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compare the records of a file with its disassembly. */
#ifndef AFTERBURNER_CHECK_H
#define AFTERBURNER_CHECK_H

#include "afterburner/code.h"

enum defect {
	DEFECT_MISSED,  /* a sensitive instruction without a record */
	DEFECT_WRONG,   /* a record that names no sensitive instruction, or another one */
	DEFECT_PADDING, /* a slot with something else than the instruction and NOPs, or too short */
	DEFECT_OVERLAP, /* two slots share bytes */
	DEFECT_BRANCH,  /* a branch into a slot */
	DEFECT_REFERENCE, /* a symbol or relocation that points into a slot */
	NR_DEFECTS,
	LEFT_AS_WRITTEN = NR_DEFECTS, /* no defect: the source said so */
};

/* Called for each finding, in no particular order. text: disassembly, or what is wrong. */
struct check_report {
	void (*finding)(void *arg, enum defect what, uint32_t section, uint64_t address,
			const char *text);
	void *arg;
	const char *const *skip; /* names of sections that are not looked at; ends with null */
	uint64_t instructions;   /* out: how many were disassembled */
	uint64_t code;           /* out: bytes of code */
};

void check_code(const struct code *c, struct check_report *report);

/* "missed", "wrong", ... */
const char *defect_name(enum defect d);

#endif

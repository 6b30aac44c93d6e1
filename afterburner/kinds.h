/* SPDX-License-Identifier: MIT */
/* The kinds of sites, from sites.def: enumerators AB_CLI, AB_STI, ... and what the table says of
 * each. */
#ifndef AFTERBURNER_KINDS_H
#define AFTERBURNER_KINDS_H

#include <stdint.h>

enum ab_kind {
	AB_KIND_NONE, /* in no record: a zeroed record is a bad one */
#define AB_SITE(kind, ...) AB_##kind,
#include "afterburner/sites.def"
	AB_NR_KINDS
};

enum ab_ring3 { AB_RING3_TRAPS, AB_RING3_SILENT };
enum ab_pad { AB_PAD_AFTER, AB_PAD_BEFORE, AB_PAD_PREFIX };
enum ab_isas { AB_ISAS_I386 = 1, AB_ISAS_X86_64 = 2, AB_ISAS_BOTH = 3 };

/* One row of sites.def. */
struct ab_kind_info {
	const char *id;        /* "CLI" */
	const char *name;      /* "cli" */
	const char *mnemonics; /* separated by one space; "" if the operands tell */
	const char *forms[2];  /* i386, x86-64: instructions separated by ';' */
	uint8_t slot;          /* fewest bytes of a slot */
	uint8_t ring3;         /* enum ab_ring3 */
	uint8_t pad;           /* enum ab_pad */
	uint8_t isas;          /* enum ab_isas */
};

/* The table, indexed by kind; entry 0 is empty. Plain data (kinds.c): links into freestanding code
 * too. */
extern const struct ab_kind_info ab_kind_info[AB_NR_KINDS];

/* The name of a kind, "unknown" for a number that is none. */
static inline const char *ab_kind_name(unsigned kind)
{
	return kind > AB_KIND_NONE && kind < AB_NR_KINDS ? ab_kind_info[kind].name : "unknown";
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Write an assembler source with every operand form of every row of sites.def, one on a line, apart
 * from each other by a nop (two neighbours could be bound by an interrupt shadow). forms 32|64
 */
#include "afterburner/kinds.h"

#include <stdio.h>
#include <string.h>

static void print_table(void)
{
	static const char *const isas[] = {"", "i386", "x86-64", "both"};
	static const char *const pads[] = {"after", "before", "by prefixes"};

	puts("| kind | | slot | ring 3 | padded | instruction set |\n|---|---|---|---|---|---|");
	for (unsigned kind = AB_KIND_NONE + 1; kind < AB_NR_KINDS; kind++) {
		const struct ab_kind_info *k = &ab_kind_info[kind];

		printf("| %u | `%s` %s | %u | %s | %s | %s |\n", kind, k->id, k->name, k->slot,
		       k->ring3 == AB_RING3_TRAPS ? "traps" : "silent", pads[k->pad],
		       isas[k->isas]);
	}
}

static void print_forms(unsigned isa)
{
	for (unsigned kind = AB_KIND_NONE + 1; kind < AB_NR_KINDS; kind++) {
		const char *p = ab_kind_info[kind].forms[isa];

		while (*p) {
			int size = (int)strcspn(p, ";");

			printf("\t%.*s\n\tnop\n", size, p);
			p += size + (p[size] == ';');
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "table") == 0)
		print_table();
	else
		print_forms(strcmp(argv[1], "64") == 0);
	return 0;
}

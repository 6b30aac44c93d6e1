/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Write an assembler source with every operand form of every row of sites.def, one on a line, apart
 * from each other by a nop (two neighbours could be bound by an interrupt shadow). forms 32|64
 */
#include "afterburner/kinds.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	for (unsigned kind = AB_KIND_NONE + 1; kind < AB_NR_KINDS; kind++) {
		const char *p = ab_kind_info[kind].forms[strcmp(argv[1], "64") == 0];

		while (*p) {
			int size = (int)strcspn(p, ";");

			printf("\t%.*s\n\tnop\n", size, p);
			p += size + (p[size] == ';');
		}
	}
	return 0;
}

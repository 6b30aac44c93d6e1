/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Print each record of an object file: kind, place of the instruction in the slot, flags, the bytes
 * of the slot and their disassembly. slots FILE
 */
#include "config.h"

#include "afterburner/code.h"
#include "afterburner/disassemble.h"

#include <stdio.h>
#include <stdlib.h>

static const struct code_section *section_of(const struct code *c, uint32_t index)
{
	for (size_t i = 0; i < c->nr_sections; i++)
		if (c->sections[i].index == index)
			return &c->sections[i];
	abort();
}

static void print_slot(const struct code *c, struct disassembler *d, const struct ab_image_site *s)
{
	const struct code_section *section = section_of(c, s->section);
	size_t start = s->address - section->base;

	printf("%-16s %u+%u/%u %x |", ab_kind_name(s->kind), s->insn_off, s->insn_len, s->slot_len,
	       s->flags);
	for (unsigned i = 0; i < s->slot_len; i++)
		printf(" %02x", section->bytes[start + i]);
	for (unsigned i = 0; i < s->slot_len;) {
		struct code_insn insn;

		disassemble(d, section->bytes, section->size, section->base, start + i, &insn);
		printf("%s%s", i ? "; " : " | ", insn.text);
		i += insn.length;
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct disassembler *d;
	struct code c;

	if (argc != 2 || !code_open(&c, argv[1]))
		return 2;
	d = disassembler_new(c.records.isa == AB_ISA_I386 ? CODE_32 : CODE_64);
	for (size_t i = 0; i < c.records.nr_sites; i++)
		print_slot(&c, d, &c.records.sites[i]);
	disassembler_free(d);
	code_close(&c);
	return 0;
}

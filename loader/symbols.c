/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses to names for the wedge's reports. Everything is read at load: when a report is printed
 * the sandbox is closed and no memory can be had.
 */
#include "loader/image.h"

#include "wedge/core/machine.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNSIZED_REACH 0x10000u /* how far behind a symbol without a size its code may reach */
#define MAX_LINE_INFO                                                                              \
	(4u << 20) /* bytes of .debug_line; above, names only: loading must be quick */

struct line {
	uint32_t addr;
	int number;       /* 0: a gap begins here */
	const char *file; /* the last part of the path */
};

static const struct image *image; /* the guest's, for machine_symbol */
static struct line *lines;
static size_t nr_lines, room;

const struct symbol *image_symbol(const struct image *img, uint32_t addr)
{
	unsigned low = 0, high = img->nr_symbols;
	const struct symbol *s;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (img->symbols[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	s = &img->symbols[low - 1];
	return addr - s->addr < (s->size ? s->size : UNSIZED_REACH) ? s : NULL;
}

static const struct line *line_at(uint32_t addr)
{
	size_t low = 0, high = nr_lines;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (lines[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && lines[low - 1].number ? &lines[low - 1] : NULL;
}

static const char *symbolize(uint32_t addr, char *buf, size_t size)
{
	const struct symbol *s = image_symbol(image, addr);
	const struct line *l = line_at(addr);

	if (s && l)
		snprintf(buf, size, "%s+0x%x (%s:%d)", s->name, addr - s->addr, l->file, l->number);
	else if (s)
		snprintf(buf, size, "%s+0x%x", s->name, addr - s->addr);
	else if (size)
		buf[0] = 0;
	return buf;
}

static void add_line(uint32_t addr, int number, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (nr_lines == room) {
		size_t more = room ? room * 2 : 4096;
		struct line *p = realloc(lines, more * sizeof(*p));

		if (!p)
			return;
		lines = p;
		room = more;
	}
	lines[nr_lines++] = (struct line){addr, number, slash ? slash + 1 : file};
}

static void add_unit(Dwarf_Die *unit)
{
	Dwarf_Lines *table;
	size_t count;

	if (dwarf_getsrclines(unit, &table, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *l = dwarf_onesrcline(table, i);
		Dwarf_Addr addr;
		int number;
		bool end;
		const char *file = dwarf_linesrc(l, NULL, NULL);

		if (!dwarf_lineaddr(l, &addr) && !dwarf_lineno(l, &number) &&
		    !dwarf_lineendsequence(l, &end) && file)
			add_line((uint32_t)addr, end ? 0 : number, file);
	}
}

/* A gap's start sorts before a line at the same address, so that the line is found. */
static int by_address(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return !!x->number - !!y->number;
}

void image_use_symbols(const struct image *img)
{
	const struct section *info = image_section(img, ".debug_line");
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	Dwarf *dw;

	image = img;
	machine_symbol = symbolize;
	if (!info || info->size > MAX_LINE_INFO)
		return;
	dw = dwarf_begin_elf(img->elf, DWARF_C_READ, NULL);
	if (!dw)
		return;
	while (!dwarf_get_units(dw, cu, &cu, NULL, NULL, &unit, NULL))
		add_unit(&unit);
	if (nr_lines)
		qsort(lines, nr_lines, sizeof(*lines), by_address);
	/* The file names live in dw: it stays open as long as the process. */
}

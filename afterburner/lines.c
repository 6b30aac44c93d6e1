/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

/* One place of the source, as the line table or a call site tells it. */
struct place {
	const char *file;
	unsigned line, column;
};

/*
 * The last row of the line table at or before the address. libdw's own search takes the first of
 * several rows at one address; the last one is what the compiler said of the instruction.
 */
static struct place line_at(Dwarf_Die *unit, Dwarf_Addr address)
{
	struct place place = {"", 0, 0};
	size_t count, low = 0, high;
	Dwarf_Lines *lines;
	Dwarf_Line *row;
	bool end = false;
	int line = 0, column = 0;
	const char *file;

	if (dwarf_getsrclines(unit, &lines, &count))
		return place;
	high = count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		Dwarf_Addr at;

		if (dwarf_lineaddr(dwarf_onesrcline(lines, middle), &at))
			return place;
		if (at <= address)
			low = middle + 1;
		else
			high = middle;
	}
	row = low ? dwarf_onesrcline(lines, low - 1) : NULL;
	if (!row || dwarf_lineendsequence(row, &end) || end || dwarf_lineno(row, &line))
		return place;
	dwarf_linecol(row, &column);
	file = dwarf_linesrc(row, NULL, NULL);
	return (struct place){file ? file : "", (unsigned)line, (unsigned)column};
}

static unsigned attribute(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	Dwarf_Word value;

	return dwarf_attr(die, name, &a) && !dwarf_formudata(&a, &value) ? (unsigned)value : 0;
}

/* Where a function was inlined to. */
static struct place call_site(Dwarf_Die *unit, Dwarf_Die *inlined)
{
	const char *file = NULL;
	Dwarf_Files *files;
	size_t count;

	if (!dwarf_getsrcfiles(unit, &files, &count))
		file = dwarf_filesrc(files, attribute(inlined, DW_AT_call_file), NULL, NULL);
	return (struct place){file ? file : "", attribute(inlined, DW_AT_call_line),
			      attribute(inlined, DW_AT_call_column)};
}

/* unit: whose directory a relative path starts from. */
static void add_frame(struct profile_site *s, Dwarf_Die *unit, const char *function,
		      const struct place *at)
{
	Dwarf_Attribute a;
	const char *directory = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &a));
	bool whole = !directory || !*at->file || *at->file == '/';
	char *path;

	if (asprintf(&path, "%s%s%s", whole ? "" : directory, whole ? "" : "/", at->file) < 0)
		return;
	profile_tidy_path(path);
	profile_add_frame(s, function ? function : "", path, at->line, at->column);
	free(path);
}

/* The scopes around an address from the innermost on, through inlined calls; to be freed. */
static int scopes_at(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **out)
{
	Dwarf_Die *scopes = NULL, innermost;
	int n = dwarf_getscopes(unit, address, &scopes);

	*out = NULL;
	if (n <= 0)
		return 0;
	/* dwarf_getscopes() goes on with the scopes of the inlined function's definition. */
	innermost = scopes[0];
	free(scopes);
	n = dwarf_getscopes_die(&innermost, out);
	return n > 0 ? n : 0;
}

static void add_frames(struct profile_site *s, Dwarf_Die *unit, Dwarf_Addr address)
{
	struct place at = line_at(unit, address);
	Dwarf_Die *scopes;
	int n = scopes_at(unit, address, &scopes);

	for (int i = 0; i < n; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		add_frame(s, unit, dwarf_diename(&scopes[i]), &at);
		if (tag == DW_TAG_subprogram)
			break;
		at = call_site(unit, &scopes[i]);
	}
	if (!s->nr_frames && at.line) /* assembly */
		add_frame(s, unit, "", &at);
	free(scopes);
}

static bool symbolize_site(Dwfl_Module *module, struct profile_site *s)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = dwfl_module_addrdie(module, s->address, &bias);
	const char *symbol;

	if (unit)
		add_frames(s, unit, s->address - bias);
	if (s->nr_frames && *s->frames[0].function)
		return s->frames[0].line;
	symbol = dwfl_module_addrname(module, s->address);
	if (!s->nr_frames) {
		profile_add_frame(s, symbol ? symbol : "", "", 0, 0);
	} else if (symbol) {
		free(s->frames[0].function);
		s->frames[0].function = strdup(symbol);
	}
	return s->frames[0].line;
}

static void add_build_id(struct profile *p, Dwfl_Module *module)
{
	const unsigned char *bits;
	GElf_Addr address;
	char hex[129];
	int n = dwfl_module_build_id(module, &bits, &address);

	if (n <= 0 || n > 64)
		return;
	for (int i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", bits[i]);
	profile_add_build_id(p, hex);
}

bool profile_symbolize(struct profile *p, const char *path, size_t *without, char *error,
		       size_t room)
{
	static char *no_search;
	static const Dwfl_Callbacks callbacks = {
	    .find_elf = dwfl_build_id_find_elf,
	    .find_debuginfo = dwfl_standard_find_debuginfo,
	    .section_address = dwfl_offline_section_address,
	    .debuginfo_path = &no_search,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *module = NULL;
	GElf_Addr bias;

	*without = 0;
	if (dwfl) {
		dwfl_report_begin(dwfl);
		module = dwfl_report_offline(dwfl, path, path, -1);
		dwfl_report_end(dwfl, NULL, NULL);
	}
	if (!module || !dwfl_module_getelf(module, &bias)) {
		snprintf(error, room, "%s: %s", path, dwfl_errmsg(-1));
		dwfl_end(dwfl);
		return false;
	}
	add_build_id(p, module);
	for (size_t i = 0; i < p->nr_sites; i++)
		if (!p->sites[i].nr_frames && !symbolize_site(module, &p->sites[i]))
			++*without;
	dwfl_end(dwfl);
	return true;
}

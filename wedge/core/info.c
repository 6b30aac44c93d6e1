/* SPDX-License-Identifier: MIT */
/* The commands that look at the machine. */
#include "wedge/core/info.h"
#include "wedge/core/format.h"
#include "wedge/core/machine.h"
#include "wedge/core/report.h"
#include "wedge/core/walk.h"

#define PAGE 0x1000u

/* Pages that follow each other with the same rights. */
struct range {
	uint64_t start, end;
	char rights[4];
};

static void show_range(const struct range *r, info_line *line, void *to)
{
	char text[64];

	if (!r->rights[0])
		return;
	format_text(text, sizeof text, "%08lx-%08lx %8lu KiB %s", (unsigned long)r->start,
		    (unsigned long)r->end - 1, (unsigned long)(r->end - r->start) >> 10, r->rights);
	line(to, text);
}

static void rights_of(const struct translation *t, char rights[4])
{
	rights[0] = t->user ? 'u' : '-';
	rights[1] = t->writable ? 'w' : '-';
	rights[2] = t->nx ? '-' : 'x';
	rights[3] = '\0';
}

/* The guest's page tables as ranges; where a directory entry is missing, all below it is skipped.
 */
static void info_mem(const struct vcpu *v, info_line *line, void *to)
{
	struct range now = {0};
	struct walk w;
	uint32_t span;

	if (!paging(v)) {
		line(to, "paging is off: linear addresses are physical");
		return;
	}
	for (uint64_t at = 0; at < 1ull << 32; at += span) {
		bool present = walk(v, (uint32_t)at, &w);
		char rights[4] = "";

		span = w.levels < 2 ? walk_directory_span(v) : PAGE;
		if (present)
			rights_of(&w.t, rights);
		if (__builtin_memcmp(rights, now.rights, sizeof rights)) {
			show_range(&now, line, to);
			now.start = at;
			__builtin_memcpy(now.rights, rights, sizeof rights);
		}
		now.end = at + span;
	}
	show_range(&now, line, to);
}

static bool is(const char *command, const char *name)
{
	while (*command && *command == *name)
		command++, name++;
	while (*command == ' ')
		command++;
	return !*command && !*name;
}

bool info_command(struct vcpu *v, const char *command, info_line *line, void *to)
{
	report_to(line, to);
	if (is(command, "info registers"))
		report_cpu(v);
	else if (is(command, "info stats"))
		report_stats(v->machine);
	else if (is(command, "info mem"))
		info_mem(v, line, to);
	else
		line = 0;
	report_to(0, 0);
	return line;
}

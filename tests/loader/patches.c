/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rewrite a linked file of operand forms as the loader does, and print for each form the patch, its
 * disassembly and the trampoline that it jumps to; then each template that occurs in one, once.
 *
 *	patches IMAGE LIST	LIST has a line for each site, in the order of their addresses
 *
 * A jump to the right place is printed as `rel32` and `trampoline`.
 */
#include "config.h"

#include "loader/image.h"
#include "loader/rewrite.h"
#include "tests/loader/trampolines.h"
#include "wedge/stubs/trampoline.h"
#include "wedge/stubs/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM (4u << 20)
#define ENTRY_CS 0x4f /* any */

/* What trampoline_rollback will be told. */
static void print_rollback(const struct site *s)
{
	static const char *const names[] = {"eax", "ecx", "edx"};

	if (!s->scratch)
		return;
	printf(" | saves");
	for (unsigned r = R_EAX; r <= R_EDX; r++)
		if (s->scratch & 1u << r)
			printf(" %s", names[r]);
	if (s->flags_saved)
		printf(", flags by .%x", s->flags_saved);
}

static void print_patch(const struct site *s, const uint8_t *slot)
{
	char line[200], target[32];
	uint32_t rel;

	memcpy(&rel, slot + 1, sizeof(rel));
	if (slot[0] == 0xe9 && s->slot + 5 + rel == s->trampoline)
		printf(" e9 rel32");
	else
		for (unsigned i = 0; i < 5; i++)
			printf(" %02x", slot[i]);
	for (unsigned i = 5; i < s->slot_len; i++)
		printf(" %02x", slot[i]);
	printf(" |");
	snprintf(target, sizeof(target), "jmp 0x%x", s->trampoline);
	for (unsigned i = 0; i < s->slot_len;) {
		const char *separator = i ? "; " : " ";

		i += decode(slot, s->slot_len, s->slot, i, line);
		printf("%s%s", separator, strcmp(line, target) ? line : "jmp trampoline");
	}
}

/* Where the trampoline behind that of a site begins. */
static uint32_t next_trampoline(const struct machine *m, uint32_t i)
{
	while (++i < m->nr_sites)
		if (m->sites[i].rewritten)
			return m->sites[i].trampoline;
	return UINT32_MAX;
}

static void print_sites(const struct machine *m, const struct image *img, FILE *list)
{
	const struct load_segment *seg;
	char form[128];

	for (uint32_t i = 0; i < m->nr_sites; i++) {
		const struct site *s = &m->sites[i];

		if (!fgets(form, sizeof(form), list))
			die("more sites than forms");
		seg = image_segment(img, s->slot, s->slot_len);
		printf("%.*s |", (int)strcspn(form, "\n"), form);
		if (!s->rewritten) {
			puts(" left native");
			continue;
		}
		print_patch(s, m->ram + s->slot - seg->vaddr + seg->paddr);
		printf(" |");
		expect(i, s);
		print_trampoline(s->trampoline, next_trampoline(m, i));
		print_rollback(s);
		putchar('\n');
	}
	if (fgets(form, sizeof(form), list))
		die("more forms than sites");
}

/* The slot of an `int $0x80` of user code, once it has trapped. */
static void print_call(uint32_t int80)
{
	uint8_t slot[TRAMPOLINE_CALL + 2] = {[TRAMPOLINE_CALL] = 0xcd, 0x80};
	char line[200], target[32];
	unsigned n;

	trampoline_write_call(slot, int80, ENTRY_CS);
	snprintf(target, sizeof(target), "lcall $0x%x,$0x%x", ENTRY_CS, int80);
	n = decode(slot, sizeof(slot), 0, 0, line);
	printf("\nint $0x80 of ring 3 | %02x ptr16:32", slot[0]);
	for (unsigned i = n; i < sizeof(slot); i++)
		printf(" %02x", slot[i]);
	printf(" | %s", strcmp(line, target) ? line : "lcall trampoline");
	decode(slot, sizeof(slot), 0, n, line);
	printf("; %s |", line);
}

/* What no slot of the list has: a site that --stats counts, and the way of user code. */
static void print_others(struct machine *m, size_t used)
{
	const uint32_t counted = TRAMPOLINES + (uint32_t)used, int80 = counted + TRAMPOLINE_MAX;
	struct site s = m->sites[1];
	const char *why = "?";
	size_t length;
	static uint32_t ran[2];

	m->ran = ran;
	m->nr_ran = 2;
	if (trampoline_emit(m, &s, 1, counted, code + used, &length, &why) != TRAMPOLINE_EMITTED)
		die(why);
	if (trampoline_emit_int80(m, int80, code + used + TRAMPOLINE_MAX, &length) !=
	    TRAMPOLINE_EMITTED)
		die("no trampoline for int $0x80");
	printf("sti, counted |");
	expect(1, &s);
	print_trampoline(counted, int80);
	print_call(int80);
	expect(0, NULL);
	print_trampoline(int80, UINT32_MAX);
	putchar('\n');
}

int main(int argc, char **argv)
{
	static uint8_t ram[RAM];
	struct machine m = {.ram = ram, .ram_size = RAM, .window = WINDOW, .window_size = 0x400000};
	const struct code_area area = {.code = code, .at = TRAMPOLINES, .room = ROOM};
	struct rewrite rewrite;
	struct image img;
	FILE *list = argc == 3 ? fopen(argv[2], "r") : NULL;

	if (!list)
		return 2;
	if (!image_open(&img, argv[1]) || !rewrite_plan(&rewrite, &img, &m, &area, false))
		return 1;
	image_load(&img, ram);
	rewrite_commit(&rewrite, &m);
	puts("# SPDX-License-Identifier: GPL-3.0-or-later\n"
	     "# form | bytes over the slot | their disassembly | trampoline: [template] code; | "
	     "for a rollback");
	print_sites(&m, &img, list);
	print_others(&m, rewrite.trampoline_bytes);
	print_templates();
	free(m.sites);
	rewrite_close(&rewrite);
	image_close(&img);
	fclose(list);
	return 0;
}

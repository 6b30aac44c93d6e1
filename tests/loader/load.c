/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/loader/load.h"

#include "loader/boot.h"
#include "loader/image.h"
#include "loader/rewrite.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 0xffc00000u
#define WINDOW_SIZE 0x400000u
#define CODE_SIZE 0x40000u

static uint8_t *memory(size_t size)
{
	uint8_t *p = malloc(size);

	if (!p)
		abort();
	return p;
}

static bool plan_and_commit(struct image *img, struct boot *boot, struct machine *m)
{
	static uint8_t *code;
	struct code_area area = {.at = WINDOW + 0x20000, .room = CODE_SIZE};
	struct rewrite rewrite;
	bool good;

	if (!code)
		code = memory(CODE_SIZE);
	area.code = code;
	good = rewrite_plan(&rewrite, img, m, &area, false);
	if (good) {
		boot_enter(boot, m);
		rewrite_commit(&rewrite, m);
	}
	rewrite_close(&rewrite);
	return good;
}

static bool load(struct image *img, struct machine *m)
{
	struct boot boot = {0};
	enum guest_kind kind;
	bool good;

	if (!boot_recognise(img, GUEST_AUTO, &kind) ||
	    !image_fits(img, m->ram_size, m->window, m->window_size))
		return false;
	good = boot_options(&boot, img, kind, "word", NULL, "reservetop=0x400000") &&
	       boot_plan(&boot, m->ram_size) && plan_and_commit(img, &boot, m);
	boot_close(&boot);
	return good;
}

bool load_image(uint8_t *data, size_t size, struct loaded *loaded)
{
	static uint8_t *ram;
	static struct machine m;
	struct image img;
	bool good;

	if (!ram)
		ram = memory(LOAD_RAM);
	m = (struct machine){
	    .ram = ram, .ram_size = LOAD_RAM, .window = WINDOW, .window_size = WINDOW_SIZE};
	m.cpu.machine = &m;
	*loaded = (struct loaded){0};
	if (!image_parse(&img, "guest", data, size))
		return false;
	good = load(&img, &m);
	for (unsigned i = 0; i < m.nr_sites; i++)
		loaded->nr_rewritten += m.sites[i].rewritten;
	loaded->nr_sites = m.nr_sites;
	free(m.sites);
	image_close(&img);
	return good;
}

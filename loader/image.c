/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to a checked image, and copying it to RAM. */
#include "loader/image.h"

#include "loader/memory.h"
#include "loader/message.h"

#include <elf.h>
#include <string.h>

static uint32_t last(uint32_t start, uint32_t size)
{
	return start + (size - 1);
}

static bool meets(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a_size && b_size && a <= last(b, b_size) && b <= last(a, a_size);
}

bool image_fits(const struct image *img, uint32_t ram_size, uint32_t window, uint32_t window_size)
{
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct load_segment *s = &img->segments[i];

		if (last(s->paddr, s->memsz) >= ram_size)
			return refuse(
			    img->path,
			    "segment at physical 0x%x, size 0x%x does not fit into %u MiB "
			    "of RAM: give more with -m",
			    s->paddr, s->memsz, ram_size >> 20);
		if (meets(s->paddr, s->memsz, MEMORY_HOLE, MEMORY_HIGH - MEMORY_HOLE))
			return refuse(img->path,
				      "segment at physical 0x%x, size 0x%x lies in the hole below "
				      "1 MiB",
				      s->paddr, s->memsz);
		if (meets(s->vaddr, s->memsz, window, window_size))
			return refuse(img->path,
				      "segment at 0x%x, size 0x%x overlaps the wedge's window at "
				      "0x%x",
				      s->vaddr, s->memsz, window);
	}
	return true;
}

void image_load(const struct image *img, uint8_t *ram)
{
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct load_segment *s = &img->segments[i];

		memcpy(ram + s->paddr, s->data, s->filesz);
		memset(ram + s->paddr + s->filesz, 0, s->memsz - s->filesz);
	}
}

uint32_t image_end(const struct image *img)
{
	uint32_t end = 0;

	for (unsigned i = 0; i < img->nr_segments; i++)
		if (img->segments[i].paddr + img->segments[i].memsz > end)
			end = img->segments[i].paddr + img->segments[i].memsz;
	return end;
}

bool image_occupies(const struct image *img, uint32_t start, uint32_t size)
{
	for (unsigned i = 0; i < img->nr_segments; i++)
		if (meets(img->segments[i].paddr, img->segments[i].memsz, start, size))
			return true;
	return false;
}

const struct load_segment *image_segment(const struct image *img, uint32_t vaddr, uint32_t size)
{
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct load_segment *s = &img->segments[i];
		uint32_t offset = vaddr - s->vaddr;

		if (offset < s->filesz && size <= s->filesz - offset)
			return s;
	}
	return NULL;
}

bool image_holds_physical(const struct image *img, uint32_t paddr)
{
	for (unsigned i = 0; i < img->nr_segments; i++)
		if (paddr - img->segments[i].paddr < img->segments[i].filesz)
			return true;
	return false;
}

const struct section *image_section(const struct image *img, const char *name)
{
	for (unsigned i = 1; i < img->nr_sections; i++)
		if (!strcmp(img->sections[i].name, name))
			return &img->sections[i];
	return NULL;
}

const struct section *image_section_at(const struct image *img, uint32_t vaddr)
{
	for (unsigned i = 1; i < img->nr_sections; i++) {
		const struct section *s = &img->sections[i];

		if ((s->flags & SHF_ALLOC) && s->type != SHT_NOBITS && vaddr - s->addr < s->size)
			return s;
	}
	return NULL;
}

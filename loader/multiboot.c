/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The multiboot protocol, version 1: find the header, build the information structure, enter. */
#include "loader/multiboot.h"

#include "loader/boot.h"
#include "loader/memory.h"
#include "loader/message.h"

#include <string.h>

#define LOADER_NAME "afterburn"
/* The first hard disk, no partition, as QEMU has it. */
#define BOOT_DEVICE 0x8000ffffu
#define CODE_SELECTOR 0x8
#define DATA_SELECTOR 0x10

static bool find_header(const struct image *img, struct multiboot_header *h, uint32_t *offset)
{
	size_t end = img->size < MULTIBOOT_SEARCH ? img->size : MULTIBOOT_SEARCH;

	for (size_t at = 0; at + 12 <= end; at += 4) {
		memset(h, 0, sizeof(*h));
		memcpy(h, img->data + at, 12);
		if (h->magic != MULTIBOOT_MAGIC || h->magic + h->flags + h->checksum != 0)
			continue;
		*offset = (uint32_t)at;
		if (at + sizeof(*h) <= img->size)
			memcpy(h, img->data + at, sizeof(*h));
		return true;
	}
	return false;
}

/*
 * A header with addresses describes the file by itself (3.1.3), in place of an ELF header: one
 * range of the file goes to load_addr. A file that is ELF as well is loaded as ELF: its records are
 * about that.
 */
static bool flat_segment(struct image *img, const struct multiboot_header *h, uint32_t offset)
{
	uint32_t skip = h->header_addr - h->load_addr;
	uint32_t start = offset - skip;
	uint32_t filesz, memsz;

	if (h->header_addr < h->load_addr || skip > offset)
		return refuse(
		    img->path,
		    "multiboot header: load address 0x%x does not fit header address 0x%x "
		    "at offset 0x%x",
		    h->load_addr, h->header_addr, offset);
	filesz = h->load_end_addr ? h->load_end_addr - h->load_addr : (uint32_t)img->size - start;
	if ((h->load_end_addr && h->load_end_addr <= h->load_addr) || filesz > img->size - start)
		return refuse(img->path,
			      "multiboot header: load end 0x%x is outside the file (%zu bytes)",
			      h->load_end_addr, img->size);
	memsz = h->bss_end_addr ? h->bss_end_addr - h->load_addr : filesz;
	if ((h->bss_end_addr && h->bss_end_addr < h->load_addr) || memsz < filesz)
		return refuse(img->path, "multiboot header: bss end 0x%x is before the data's end",
			      h->bss_end_addr);
	if (h->load_addr + (memsz - 1) < h->load_addr)
		return refuse(img->path, "multiboot header: load address 0x%x + 0x%x wraps around",
			      h->load_addr, memsz);
	if (h->entry_addr - h->load_addr >= filesz)
		return refuse(img->path, "multiboot header: entry 0x%x is not in the loaded range",
			      h->entry_addr);
	img->segments[0] = (struct load_segment){
	    .vaddr = h->load_addr,
	    .paddr = h->load_addr,
	    .filesz = filesz,
	    .memsz = memsz,
	    .offset = start,
	    .data = img->data + start,
	};
	img->nr_segments = 1;
	img->entry = img->e_entry = h->entry_addr;
	return true;
}

bool multiboot_recognise(struct image *img, bool *found)
{
	struct multiboot_header h;
	uint32_t offset;
	uint32_t unknown;

	*found = find_header(img, &h, &offset);
	if (!*found)
		return true;
	unknown = h.flags & MULTIBOOT_MUST_KNOW &
		  ~(MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO | MULTIBOOT_VIDEO_MODE);
	if (unknown)
		return refuse(img->path, "multiboot header requires unknown features 0x%x",
			      unknown);
	if (h.flags & MULTIBOOT_VIDEO_MODE)
		warn_about(img->path, "asks for a video mode; there is only a serial port");
	if (img->elf)
		return true;
	if (!(h.flags & MULTIBOOT_ADDRESSES))
		return refuse(img->path, "is not an ELF file and its multiboot header has no "
					 "addresses");
	return flat_segment(img, &h, offset);
}

/* The information area: the structures below in this order, then strings. */
struct area {
	uint8_t gdt[BOOT_GDT_SIZE];
	struct multiboot_info info;
	struct multiboot_range map[MEMORY_RANGES];
	struct multiboot_module modules[BOOT_MAX_MODULES];
	char name[sizeof(LOADER_NAME)];
};

uint32_t multiboot_info_size(const struct boot *b)
{
	size_t size = sizeof(struct area) + strlen(b->command_line) + 1;

	for (unsigned i = 0; i < b->nr_modules; i++)
		size += strlen(b->modules[i].string) + 1;
	return size < UINT32_MAX / 2 ? (uint32_t)size : UINT32_MAX / 2;
}

static uint32_t put_string(struct machine *m, uint32_t *at, const char *s)
{
	uint32_t here = *at;

	memcpy(m->ram + here, s, strlen(s) + 1);
	*at += (uint32_t)strlen(s) + 1;
	return here;
}

static void fill_map(struct area *a, uint32_t ram_size)
{
	struct memory_range map[MEMORY_RANGES];

	memory_map(ram_size, map);
	for (unsigned i = 0; i < MEMORY_RANGES; i++)
		a->map[i] = (struct multiboot_range){
		    .size = sizeof(a->map[i]) - sizeof(a->map[i].size),
		    .start_low = (uint32_t)map[i].start,
		    .start_high = (uint32_t)(map[i].start >> 32),
		    .size_low = (uint32_t)map[i].size,
		    .size_high = (uint32_t)(map[i].size >> 32),
		    .type = map[i].type,
		};
}

void multiboot_enter(const struct boot *b, struct machine *m)
{
	struct area a = {.name = LOADER_NAME};
	uint32_t at = b->info + sizeof(a);

	fill_map(&a, m->ram_size);
	for (unsigned i = 0; i < b->nr_modules; i++) {
		const struct boot_module *mod = &b->modules[i];

		a.modules[i] = (struct multiboot_module){
		    .start = mod->paddr,
		    .end = mod->paddr + mod->size,
		    .string = put_string(m, &at, mod->string),
		};
	}
	a.info = (struct multiboot_info){
	    .flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_BOOT_DEVICE |
		     MULTIBOOT_INFO_COMMAND_LINE | MULTIBOOT_INFO_MODULES |
		     MULTIBOOT_INFO_MEMORY_MAP | MULTIBOOT_INFO_LOADER_NAME,
	    .mem_lower = 640,
	    .mem_upper = (m->ram_size - MEMORY_HIGH) / 1024,
	    .boot_device = BOOT_DEVICE,
	    .cmdline = put_string(m, &at, b->command_line),
	    .mods_count = b->nr_modules,
	    .mods_addr = b->info + offsetof(struct area, modules),
	    .mmap_length = sizeof(a.map),
	    .mmap_addr = b->info + offsetof(struct area, map),
	    .boot_loader_name = b->info + offsetof(struct area, name),
	};
	memcpy(m->ram + b->info, &a, sizeof(a));
	boot_flat_segments(m, b->info + offsetof(struct area, gdt), CODE_SELECTOR, DATA_SELECTOR);
	memset(m->cpu.gpr, 0, sizeof(m->cpu.gpr));
	m->cpu.gpr[R_EAX] = MULTIBOOT_LOADER_MAGIC;
	m->cpu.gpr[R_EBX] = b->info + offsetof(struct area, info);
	m->cpu.eip = b->img->entry;
}

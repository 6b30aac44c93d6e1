/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The 32-bit boot protocol of Linux (Documentation/x86/boot.rst, "32-bit Boot Protocol"), straight
 * from the vmlinux ELF file: what the bzImage's real-mode part collects is put into the zero page
 * here.
 */
#include "config.h"

#include "loader/boot.h"
#include "loader/memory.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <stddef.h>
#include <string.h>

#define CODE_SELECTOR 0x10       /* __BOOT_CS */
#define DATA_SELECTOR 0x18       /* __BOOT_DS */
#define HEADER_MAGIC 0x53726448u /* "HdrS" */
#define PROTOCOL_VERSION 0x020f
#define BOOT_FLAG 0xaa55
#define LOADER_UNDEFINED 0xff /* a boot loader without an assigned number */

static bool contains(const uint8_t *data, size_t size, const char *text)
{
	return size && memmem(data, size, text, strlen(text));
}

/* linux_banner is in every kernel's read-only data: "Linux version 6.1.x (...". */
static bool has_banner(const struct image *img)
{
	for (unsigned i = 0; i < img->nr_segments; i++)
		if (contains(img->segments[i].data, img->segments[i].filesz, "Linux version "))
			return true;
	return false;
}

/* Notes of the kernel's own (owner "Linux": version, build salt) survive stripping. */
static bool has_linux_note(const struct image *img)
{
	for (unsigned i = 1; i < img->nr_sections; i++) {
		const struct section *s = &img->sections[i];

		if (s->type == SHT_NOTE && s->data &&
		    memmem(s->data, s->size, "Linux\0", sizeof("Linux")))
			return true;
	}
	return false;
}

bool linux_recognise(const struct image *img)
{
	return has_banner(img) && (image_section(img, ".init.text") || has_linux_note(img));
}

/* Names of parameters are strings of the kernel's own initialization data. */
bool linux_has_parameter(const struct image *img, const char *name)
{
	size_t length = strlen(name) + 1; /* with the zero behind it */

	for (unsigned i = 0; i < img->nr_segments; i++)
		if (img->segments[i].filesz &&
		    memmem(img->segments[i].data, img->segments[i].filesz, name, length))
			return true;
	return false;
}

struct area {
	struct boot_params params; /* first: a page of its own */
	uint8_t gdt[BOOT_GDT_SIZE];
	char command_line[LINUX_COMMAND_LINE_MAX + 1];
};

uint32_t linux_info_size(const struct boot *b)
{
	(void)b;
	return sizeof(struct area);
}

static void fill_params(struct boot_params *p, const struct boot *b, const struct machine *m)
{
	struct memory_range map[MEMORY_RANGES];

	memory_map(m->ram_size, map);
	for (unsigned i = 0; i < MEMORY_RANGES; i++)
		p->e820_table[i] = (struct boot_e820_entry){
		    .addr = map[i].start, .size = map[i].size, .type = map[i].type};
	p->e820_entries = MEMORY_RANGES;
	p->alt_mem_k = (m->ram_size - MEMORY_HIGH) / 1024;
	p->hdr = (struct setup_header){
	    .boot_flag = BOOT_FLAG,
	    .header = HEADER_MAGIC,
	    .version = PROTOCOL_VERSION,
	    .type_of_loader = LOADER_UNDEFINED,
	    .loadflags = LOADED_HIGH,
	    .code32_start = b->img->entry,
	    .cmd_line_ptr = b->info + offsetof(struct area, command_line),
	    .cmdline_size = LINUX_COMMAND_LINE_MAX,
	    .initrd_addr_max = LINUX_INITRD_MAX,
	};
	if (b->nr_modules) {
		p->hdr.ramdisk_image = b->modules[0].paddr;
		p->hdr.ramdisk_size = b->modules[0].size;
	}
}

void linux_enter(const struct boot *b, struct machine *m)
{
	struct area *a = (struct area *)(m->ram + b->info);

	memset(a, 0, sizeof(*a));
	fill_params(&a->params, b, m);
	memcpy(a->command_line, b->command_line, strlen(b->command_line) + 1);
	boot_flat_segments(m, b->info + offsetof(struct area, gdt), CODE_SELECTOR, DATA_SELECTOR);
	memset(m->cpu.gpr, 0, sizeof(m->cpu.gpr));
	m->cpu.gpr[R_ESI] = b->info;
	m->cpu.eip = b->img->entry;
}

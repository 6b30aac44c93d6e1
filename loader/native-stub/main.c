/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a Linux boot loader does, from multiboot's information: memory map to e820, command line,
 * the first module as initial RAM disk. Documentation/x86/boot.rst, zero-page.rst.
 */
#include "loader/multiboot.h"
#include "loader/native-stub/stub.h"

#include <asm/bootparam.h>
#include <stddef.h>

#define COMMAND_LINE_SIZE 2048u
#define LOADER_UNDEFINED 0xff
#define MEMORY_RAM 1
#define LOW_END 0xa0000u
#define HIGH_START 0x100000u

extern const struct stub_header stub_header __attribute__((visibility("hidden")));
struct boot_params *stub_main(const struct multiboot_info *info);

static struct boot_params params __attribute__((aligned(16)));
static char command_line[COMMAND_LINE_SIZE];

static void *pointer(uint32_t address)
{
	return (void *)(uintptr_t)address;
}

static void add_range(uint64_t start, uint64_t size, uint32_t type)
{
	if (params.e820_entries < E820_MAX_ENTRIES_ZEROPAGE)
		params.e820_table[params.e820_entries++] =
		    (struct boot_e820_entry){.addr = start, .size = size, .type = type};
}

static void take_memory(const struct multiboot_info *info)
{
	uint32_t at = info->mmap_addr;
	uint32_t end = at + info->mmap_length;

	if (info->flags & MULTIBOOT_INFO_MEMORY)
		params.alt_mem_k = info->mem_upper;
	if (!(info->flags & MULTIBOOT_INFO_MEMORY_MAP)) {
		add_range(0, LOW_END, MEMORY_RAM);
		add_range(HIGH_START, (uint64_t)info->mem_upper * 1024, MEMORY_RAM);
		return;
	}
	while (at < end) {
		const struct multiboot_range *r = pointer(at);

		add_range((uint64_t)r->start_high << 32 | r->start_low,
			  (uint64_t)r->size_high << 32 | r->size_low, r->type);
		at += r->size + sizeof(r->size);
	}
}

static int begins(const char *s, const char *with)
{
	while (*with)
		if (*s++ != *with++)
			return 0;
	return 1;
}

/*
 * QEMU, the wedge's loader and GRUB legacy put the kernel's file name before the command line, GRUB
 * 2 does not. Linux would hand a name it does not know to init.
 */
static int has_file_name(const struct multiboot_info *info, const char *line)
{
	const char *loader =
	    info->flags & MULTIBOOT_INFO_LOADER_NAME ? pointer(info->boot_loader_name) : "";

	return begins(loader, "qemu") || begins(loader, "afterburn") || *line == '/' ||
	       *line == '(';
}

static void take_command_line(const struct multiboot_info *info)
{
	const char *s = pointer(info->cmdline);
	uint32_t n = 0;

	if (!(info->flags & MULTIBOOT_INFO_COMMAND_LINE))
		return;
	if (has_file_name(info, s)) {
		while (*s && *s != ' ')
			s++;
		while (*s == ' ')
			s++;
	}
	while (n < COMMAND_LINE_SIZE - 1 && s[n]) {
		command_line[n] = s[n];
		n++;
	}
}

static void take_initrd(const struct multiboot_info *info)
{
	const struct multiboot_module *mod = pointer(info->mods_addr);

	if (!(info->flags & MULTIBOOT_INFO_MODULES) || info->mods_count == 0)
		return;
	params.hdr.ramdisk_image = mod->start;
	params.hdr.ramdisk_size = mod->end - mod->start;
}

struct boot_params *stub_main(const struct multiboot_info *info)
{
	params.hdr.boot_flag = 0xaa55;
	params.hdr.header = 0x53726448; /* "HdrS" */
	params.hdr.version = 0x020f;
	params.hdr.type_of_loader = LOADER_UNDEFINED;
	params.hdr.loadflags = LOADED_HIGH;
	params.hdr.code32_start = stub_header.entry;
	params.hdr.cmd_line_ptr = (uint32_t)(uintptr_t)command_line;
	params.hdr.cmdline_size = COMMAND_LINE_SIZE - 1;
	take_memory(info);
	take_command_line(info);
	take_initrd(info);
	return &params;
}

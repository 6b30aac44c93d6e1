/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structures of the Multiboot Specification, version 0.6.96. */
#ifndef LOADER_MULTIBOOT_H
#define LOADER_MULTIBOOT_H

#define MULTIBOOT_SEARCH 8192 /* the header lies in this much of the file */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_LOADER_MAGIC 0x2badb002

/* Header flags, 3.1.2. Of bits 0-15 a loader must know all that are set. */
#define MULTIBOOT_PAGE_ALIGN 0x1
#define MULTIBOOT_MEMORY_INFO 0x2
#define MULTIBOOT_VIDEO_MODE 0x4
#define MULTIBOOT_MUST_KNOW 0xffff
#define MULTIBOOT_ADDRESSES 0x10000

/* Information flags, 3.3. */
#define MULTIBOOT_INFO_MEMORY 0x1
#define MULTIBOOT_INFO_BOOT_DEVICE 0x2
#define MULTIBOOT_INFO_COMMAND_LINE 0x4
#define MULTIBOOT_INFO_MODULES 0x8
#define MULTIBOOT_INFO_MEMORY_MAP 0x40
#define MULTIBOOT_INFO_LOADER_NAME 0x200

#ifndef __ASSEMBLER__
#include <stdint.h>

struct multiboot_header {
	uint32_t magic, flags, checksum;
	/* valid with MULTIBOOT_ADDRESSES */
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper; /* KiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
	uint32_t apm_table;
	uint32_t video[7];
};

struct multiboot_module {
	uint32_t start, end, string, reserved;
};

struct multiboot_range {
	uint32_t size; /* of the rest of this structure */
	uint32_t start_low, start_high, size_low, size_high, type;
};
#endif

#endif

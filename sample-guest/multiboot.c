/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 9: what the boot loader tells. Multiboot 0.6.96, section 3.3.
 *
 * The information lies somewhere in memory that will soon be used otherwise, so it is copied at
 * once.
 */
#include "kernel.h"

#define INFO_CMDLINE 0x04
#define INFO_MMAP 0x40

struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr;
};

struct mmap_entry {
	uint32_t size; /* of what follows */
	uint64_t base, length;
	uint32_t type; /* 1: RAM */
} __attribute__((packed));

char boot_cmdline[256];
struct boot_region boot_regions[MAX_BOOT_REGIONS];
unsigned nr_boot_regions;

static const void *boot_data(uint32_t phys)
{
	return (const void *)(KERNEL_BASE + phys);
}

static void copy_cmdline(const char *from)
{
	size_t i;

	for (i = 0; from[i] && i < sizeof(boot_cmdline) - 1; i++)
		boot_cmdline[i] = from[i];
}

static void add_region(uint64_t base, uint64_t end)
{
	if (end > DIRECT_SIZE)
		end = DIRECT_SIZE; /* what the kernel's own mapping can show */
	if (base >= end || nr_boot_regions == MAX_BOOT_REGIONS)
		return;
	boot_regions[nr_boot_regions++] = (struct boot_region){base, end};
}

void multiboot_read(uint32_t magic, uint32_t phys)
{
	const struct multiboot_info *info = boot_data(phys);
	uint32_t at, end;

	if (magic != MULTIBOOT_LOADED)
		panic("not loaded by a multiboot loader");
	if (info->flags & INFO_CMDLINE)
		copy_cmdline(boot_data(info->cmdline));
	if (!(info->flags & INFO_MMAP))
		panic("the boot loader gives no memory map");
	end = info->mmap_addr + info->mmap_length;
	for (at = info->mmap_addr; at < end;) {
		const struct mmap_entry *e = boot_data(at);

		if (e->type == 1)
			add_region(e->base, e->base + e->length);
		at += e->size + sizeof(e->size);
	}
}

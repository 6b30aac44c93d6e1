/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 10: page frames. One counter a frame says how many use it; copy-on-write shares frames
 * between programs, so a frame is free again when the last user is gone.
 */
#include "kernel.h"

#define NOT_RAM 0xffff

extern char kernel_end[];
static uint16_t *users; /* behind the kernel */
static uint32_t nr_frames, next;
unsigned pages_free;

static void add_ram(const struct boot_region *r)
{
	uint32_t frame, first = (r->base + PAGE_SIZE - 1) / PAGE_SIZE;

	for (frame = first; frame < r->end / PAGE_SIZE; frame++) {
		if (users[frame] == NOT_RAM)
			pages_free++;
		users[frame] = 0;
	}
}

static void reserve(uint32_t base, uint32_t end)
{
	uint32_t frame;

	for (frame = base / PAGE_SIZE;
	     frame < (end + PAGE_SIZE - 1) / PAGE_SIZE && frame < nr_frames; frame++) {
		if (users[frame] == 0)
			pages_free--;
		users[frame] = NOT_RAM;
	}
}

void pages_init(void)
{
	uint32_t end = 0;
	unsigned i;

	for (i = 0; i < nr_boot_regions; i++)
		if (boot_regions[i].end > end)
			end = boot_regions[i].end;
	nr_frames = end / PAGE_SIZE;
	users = (uint16_t *)kernel_end;
	memset(users, 0xff, nr_frames * sizeof(*users));
	for (i = 0; i < nr_boot_regions; i++)
		add_ram(&boot_regions[i]);
	/* The first MiB is the PC's own; the kernel and the counters follow it. */
	reserve(0, virt_to_phys(users + nr_frames));
}

uint32_t pages_ram_end(void)
{
	return nr_frames * PAGE_SIZE;
}

uint32_t page_alloc(void)
{
	uint32_t flags = save_interrupts(), tried, page = 0;

	for (tried = 0; tried < nr_frames; tried++, next++) {
		if (next >= nr_frames)
			next = 0;
		if (users[next])
			continue;
		users[next] = 1;
		pages_free--;
		page = next++ * PAGE_SIZE;
		break;
	}
	restore_interrupts(flags);
	if (!page)
		panic("out of memory");
	memset(phys_to_virt(page), 0, PAGE_SIZE);
	return page;
}

void page_share(uint32_t phys)
{
	uint32_t flags = save_interrupts();

	users[phys / PAGE_SIZE]++;
	restore_interrupts(flags);
}

unsigned page_users(uint32_t phys)
{
	return users[phys / PAGE_SIZE];
}

void page_free(uint32_t phys)
{
	uint32_t flags = save_interrupts();

	if (!--users[phys / PAGE_SIZE])
		pages_free++;
	restore_interrupts(flags);
}

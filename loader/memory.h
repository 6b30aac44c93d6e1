/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The physical memory map of the machine that boot protocols tell the guest about. */
#ifndef LOADER_MEMORY_H
#define LOADER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_LOW_END 0x9fc00u /* the extended BIOS data area of a PC begins */
#define MEMORY_HOLE 0xa0000u    /* video memory, ROMs */
#define MEMORY_BIOS 0xf0000u
#define MEMORY_HIGH 0x100000u

/* Types as INT 15h, function E820h has them. */
#define MEMORY_RAM 1u
#define MEMORY_RESERVED 2u

struct memory_range {
	uint64_t start, size;
	uint32_t type;
};

#define MEMORY_RANGES 4

/* Fill in the map of a PC with this much RAM (at least 2 MiB). */
void memory_map(uint32_t ram_size, struct memory_range map[MEMORY_RANGES]);

#endif

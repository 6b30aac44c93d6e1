/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader/memory.h"

void memory_map(uint32_t ram_size, struct memory_range map[MEMORY_RANGES])
{
	map[0] = (struct memory_range){0, MEMORY_LOW_END, MEMORY_RAM};
	map[1] =
	    (struct memory_range){MEMORY_LOW_END, MEMORY_HOLE - MEMORY_LOW_END, MEMORY_RESERVED};
	map[2] = (struct memory_range){MEMORY_BIOS, MEMORY_HIGH - MEMORY_BIOS, MEMORY_RESERVED};
	map[3] = (struct memory_range){MEMORY_HIGH, ram_size - MEMORY_HIGH, MEMORY_RAM};
}

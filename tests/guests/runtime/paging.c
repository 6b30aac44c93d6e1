/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 16 MiB of identity mapping by 4 KiB pages, but for ring 3 if it is linked below the kernel. */
#include "tests/guests/runtime/runtime.h"

#define PTE_KERNEL 0x3u
#define PTE_USER 0x7u

uint32_t page_directory[1024] __attribute__((aligned(4096)));
uint32_t page_tables[4][1024] __attribute__((aligned(4096)));

uint32_t *pte_of(const void *linear)
{
	uint32_t page = (uint32_t)linear >> 12;

	return &page_tables[page >> 10 & 3][page & 1023];
}

void paging_init(void)
{
	uint32_t cr0;

	for (uint32_t page = 0; page < 4 * 1024; page++)
		page_tables[page >> 10][page & 1023] = page << 12 | PTE_KERNEL;
	if ((uint32_t)user_start != (uint32_t)user_load)
		memset(page_tables[0], 0, sizeof(page_tables[0]));
	for (char *p = user_start; p < user_end; p += 4096)
		*pte_of(p) = (uint32_t)(user_load + (p - user_start)) | PTE_USER;
	for (unsigned i = 0; i < 4; i++)
		page_directory[i] = (uint32_t)page_tables[i] | PTE_USER;
	write_cr3((uint32_t)page_directory);
	asm volatile("movl %%cr0, %0" : "=r"(cr0));
	asm volatile("movl %0, %%cr0; jmp 1f; 1:" : : "r"(cr0 | CR0_PG | CR0_WP) : "memory");
}

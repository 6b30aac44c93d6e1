/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 11: the kernel's half of every address space. SDM vol. 3, 4.3 (32-bit paging).
 *
 * All RAM appears at KERNEL_BASE in 4 MiB pages, global where the CPU can (4.10.2.4). A 4 MiB
 * stretch at VMAP_BASE has a page table of its own. Programs' directories copy these entries.
 */
#include "kernel.h"

#define CPUID_PGE 0x2000u

volatile uint32_t kernel_directory[1024] __attribute__((aligned(PAGE_SIZE)));
volatile uint32_t vmap_table[1024] __attribute__((aligned(PAGE_SIZE)));

void paging_init(void)
{
	uint32_t r[4], address, global = 0;

	cpuid(1, 0, r);
	if (r[3] & CPUID_PGE)
		global = PTE_GLOBAL;
	for (address = 0; address < pages_ram_end(); address += LARGE_PAGE_SIZE)
		kernel_directory[(KERNEL_BASE + address) >> 22] =
		    address | PTE_PRESENT | PTE_WRITABLE | PTE_LARGE | global;
	kernel_directory[VMAP_BASE >> 22] =
	    virt_to_phys((void *)vmap_table) | PTE_PRESENT | PTE_WRITABLE;
	write_cr3(virt_to_phys((void *)kernel_directory)); /* and with it goes the mapping at 0 */
	if (global)
		write_cr4(read_cr4() | CR4_PGE);
}

/* Map one page at VMAP_BASE + index pages. */
void *vmap(unsigned index, uint32_t phys, uint32_t rights)
{
	uint32_t address = VMAP_BASE + index * PAGE_SIZE;

	vmap_table[index] = phys | rights;
	invlpg(address);
	return (void *)address;
}

/*
 * The entry of the page table for an address below KERNEL_BASE; null if there is no table and none
 * is to be made.
 */
uint32_t *paging_entry(uint32_t *directory, uint32_t address, bool make)
{
	uint32_t *pde = &directory[address >> 22];

	if (!(*pde & PTE_PRESENT)) {
		if (!make)
			return NULL;
		*pde = page_alloc() | PTE_PRESENT | PTE_WRITABLE | PTE_USER;
	}
	return (uint32_t *)phys_to_virt(*pde & ~(PAGE_SIZE - 1)) + (address >> 12) % 1024;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paging with 64-bit entries, and no-execute: SDM vol. 3, 4.4 and 4.6. The kernel itself uses
 * 32-bit entries; each test builds tables, turns paging off and on again, and comes back the same
 * way.
 */
#include "test.h"

#define CPUID_PAE 0x40u
#define CPUID_NX 0x100000u
#define MSR_EFER 0xc0000080
#define EFER_NXE 0x800u
#define ENTRY_NX (1ull << 63)
#define HUGE_SIZE 0x200000u /* a large page of this mode */
#define KERNEL_RW (PTE_PRESENT | PTE_WRITABLE)

void pae_call(uint32_t pdpt, void (*function)(void)); /* test-pae.S */

static uint64_t pointers[4] __attribute__((aligned(32)));
static volatile uint64_t *directory; /* for KERNEL_BASE and up */
static volatile uint64_t *table;     /* for VMAP_BASE and up */
static uint32_t low, frame;
static bool good;

static bool has(uint32_t leaf, uint32_t bit)
{
	uint32_t r[4];

	cpuid(leaf, 0, r);
	return r[3] & bit;
}

static void map_ram(void)
{
	uint32_t address;

	for (address = 0; address < pages_ram_end(); address += HUGE_SIZE)
		directory[address / HUGE_SIZE] = address | KERNEL_RW | PTE_LARGE;
}

/* Run a function with 64-bit entries. Its result is in `good`. */
static bool with_pae(void (*function)(void))
{
	if (!has(1, CPUID_PAE))
		return true;
	directory = phys_to_virt(page_alloc());
	table = phys_to_virt(page_alloc());
	low = page_alloc();
	frame = page_alloc();
	map_ram();
	directory[(VMAP_BASE - KERNEL_BASE) / HUGE_SIZE] = virt_to_phys((void *)table) | KERNEL_RW;
	*(uint64_t *)phys_to_virt(low) = KERNEL_RW | PTE_LARGE; /* where pae_call() stands */
	pointers[0] = low | PTE_PRESENT;
	pointers[3] = virt_to_phys((void *)directory) | PTE_PRESENT;
	kernel_directory[0] = KERNEL_RW | PTE_LARGE;
	good = false;
	cli();
	pae_call(virt_to_phys(pointers), function);
	sti();
	kernel_directory[0] = 0;
	invlpg(0);
	page_free(frame);
	page_free(low);
	page_free(virt_to_phys((void *)table));
	page_free(virt_to_phys((void *)directory));
	return good;
}

static void small_pages(void)
{
	volatile uint32_t *p = (uint32_t *)VMAP_BASE, *direct = phys_to_virt(frame);
	uint64_t untouched, read, written;

	table[0] = frame | KERNEL_RW;
	*direct = 0x5eed;
	untouched = table[0] & (PTE_ACCESSED | PTE_DIRTY);
	if (*p != 0x5eed)
		return;
	read = table[0] & (PTE_ACCESSED | PTE_DIRTY);
	*p = 0xfeed;
	written = table[0] & (PTE_ACCESSED | PTE_DIRTY);
	good = *direct == 0xfeed && untouched == 0 && read == PTE_ACCESSED &&
	       written == (PTE_ACCESSED | PTE_DIRTY);
}

static bool t_small(void)
{
	CHECK(with_pae(small_pages));
	return true;
}

static void large_pages(void)
{
	uint32_t at = HUGE_SIZE * 3 + frame % HUGE_SIZE; /* a second place for the frame */
	volatile uint32_t *p = (uint32_t *)(VMAP_BASE + at), *direct = phys_to_virt(frame);
	volatile uint64_t *entry = &directory[(VMAP_BASE - KERNEL_BASE) / HUGE_SIZE + 3];

	*entry = (frame & -HUGE_SIZE) | KERNEL_RW | PTE_LARGE;
	*p = 0xcafe;
	good = *direct == 0xcafe && (*entry & PTE_DIRTY);
}

static bool t_large(void)
{
	CHECK(with_pae(large_pages));
	return true;
}

static void absent_pages(void)
{
	TRY("movl (%0), %%eax", ::"r"(VMAP_BASE + 0x1008) : "eax", "memory");
	good = faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 0x1008;
	TRY("movl (%0), %%eax", ::"r"(0x80000000) : "eax", "memory"); /* no directory */
	good = good && faulted(VEC_PF, 0) && caught.cr2 == 0x80000000;
}

static bool t_absent(void)
{
	CHECK(with_pae(absent_pages));
	return true;
}

static void no_execute(void)
{
	volatile uint8_t *code = phys_to_virt(frame);
	uint64_t efer = rdmsr(MSR_EFER);

	code[0] = 0xc3; /* ret */
	wrmsr(MSR_EFER, efer | EFER_NXE);
	table[0] = frame | KERNEL_RW | ENTRY_NX;
	TRY("call *%0", ::"r"(VMAP_BASE) : "memory");
	good = faulted(VEC_PF, PF_PRESENT | PF_FETCH) && caught.cr2 == VMAP_BASE;
	TRY("movb (%0), %%al", ::"r"(VMAP_BASE) : "eax", "memory"); /* it is data */
	good = good && no_fault();
	table[0] = frame | KERNEL_RW;
	invlpg(VMAP_BASE);
	TRY("call *%0", ::"r"(VMAP_BASE) : "memory");
	good = good && no_fault();
	wrmsr(MSR_EFER, efer);
}

static bool t_no_execute(void)
{
	if (has(0x80000001, CPUID_NX))
		CHECK(with_pae(no_execute));
	return true;
}

static void reserved_bit(void)
{
	table[0] = frame | KERNEL_RW | ENTRY_NX; /* which is reserved while EFER.NXE is clear */
	TRY("movl (%0), %%eax", ::"r"(VMAP_BASE) : "eax", "memory");
	good = caught.vector == VEC_PF && (caught.error & PF_RESERVED);
}

static bool t_reserved(void)
{
	CHECK(with_pae(reserved_bit));
	return true;
}

const struct test pae_tests[] = {
    {"4 KiB pages with 64-bit entries", t_small},
    {"2 MiB pages", t_large},
    {"absent pages of every level fault", t_absent},
    {"no-execute pages hold data and fault when fetched from", t_no_execute},
    {"reserved bits fault", t_reserved},
    {0},
};

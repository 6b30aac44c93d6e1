/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's own 16 MiB in identity, and the places under test, in 32-bit and PAE tables. */
#include "tests/guests/walk/walk.h"

#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u
#define MSR_EFER 0xc0000080u
#define EFER_NXE 0x800u

#define KERNEL_PAGES 4096u
#define ALIGNED __attribute__((aligned(4096)))

uint32_t place[NR_PLACES] = {0x40000000, 0x40000000, 0xd0000000}; /* the second follows the first */

/* One of each for a root; of what belongs to a shared place the first is used. */
static uint32_t directory[NR_ROOTS][1024] ALIGNED, kernel_table[4][1024] ALIGNED;
static uint32_t table[NR_ROOTS][NR_PLACES][1024] ALIGNED;
static uint64_t pae_pointers[NR_ROOTS][4] ALIGNED, pae_directory[NR_ROOTS][4][512] ALIGNED;
static uint64_t pae_kernel_table[8][512] ALIGNED, pae_table[NR_ROOTS][NR_PLACES][512] ALIGNED;
static struct mode mode;
static unsigned now;

void use_root(unsigned root)
{
	now = root;
}

void load_root(unsigned root)
{
	now = root;
	write_cr3(mode.pae ? (uint32_t)pae_pointers[now] : (uint32_t)directory[now]);
}

static unsigned root_of(unsigned p)
{
	return p == SHARED ? 0 : now;
}

uint32_t large_size(void)
{
	return mode.pae ? 0x200000 : 0x400000;
}

static uint64_t *pae_entry(unsigned root, unsigned p)
{
	return &pae_directory[root][place[p] >> 30][place[p] >> 21 & 511];
}

uint64_t get_directory(unsigned p)
{
	return mode.pae ? *pae_entry(now, p) : directory[now][place[p] >> 22];
}

static void set_entry(unsigned root, unsigned p, uint64_t entry)
{
	if (mode.pae)
		*(volatile uint64_t *)pae_entry(root, p) = entry;
	else
		*(volatile uint32_t *)&directory[root][place[p] >> 22] = (uint32_t)entry;
}

void set_directory(unsigned p, uint64_t entry)
{
	if ((entry & PTE_P) && !(entry & PTE_PS))
		entry |=
		    mode.pae ? (uint32_t)pae_table[root_of(p)][p] : (uint32_t)table[root_of(p)][p];
	if (p != SHARED)
		set_entry(now, p, entry);
	else
		for (unsigned root = 0; root < NR_ROOTS; root++)
			set_entry(root, p, entry);
}

uint64_t get_page(unsigned p, unsigned page)
{
	return mode.pae ? pae_table[root_of(p)][p][page] : table[root_of(p)][p][page];
}

void set_page(unsigned p, unsigned page, uint64_t entry)
{
	if (mode.pae)
		*(volatile uint64_t *)&pae_table[root_of(p)][p][page] = entry;
	else
		*(volatile uint32_t *)&table[root_of(p)][p][page] = (uint32_t)entry;
}

static void map_kernel(void)
{
	for (uint32_t page = 0; page < KERNEL_PAGES; page++) {
		bool user = page << 12 >= (uint32_t)user_start && page << 12 < (uint32_t)user_end;
		uint32_t entry = page << 12 | PTE_P | PTE_W | (user ? PTE_U : 0);

		kernel_table[page >> 10][page & 1023] = entry;
		pae_kernel_table[page >> 9][page & 511] = entry;
	}
	for (unsigned root = 0; root < NR_ROOTS; root++) {
		for (unsigned i = 0; i < 4; i++) {
			directory[root][i] = (uint32_t)kernel_table[i] | PTE_P | PTE_W | PTE_U;
			pae_pointers[root][i] = (uint32_t)pae_directory[root][i] | PTE_P;
		}
		for (unsigned i = 0; i < 8; i++)
			pae_directory[root][0][i] =
			    (uint32_t)pae_kernel_table[i] | PTE_P | PTE_W | PTE_U;
	}
}

/* Frames hold their number, and code that only returns. Paging is off. */
void tables_init(void)
{
	map_kernel();
	for (uint32_t f = 0; f < NR_FRAMES; f++) {
		uint8_t *frame = (uint8_t *)(FRAME_BASE + f * 4096);

		memset(frame, (int)(0x10 + f), 4096);
		frame[CODE_KERNEL] = 0xc3; /* ret */
		frame[CODE_USER] = 0xcd;   /* int $0x80 */
		frame[CODE_USER + 1] = 0x80;
	}
}

static void write_cr4(uint32_t value)
{
	asm volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

static uint32_t read_cr0(void)
{
	uint32_t value;

	asm volatile("movl %%cr0, %0" : "=r"(value));
	return value;
}

static void write_cr0(uint32_t value)
{
	asm volatile("movl %0, %%cr0; jmp 1f; 1:" : : "r"(value) : "memory");
}

static void write_nx(bool on)
{
	asm volatile("wrmsr" : : "c"(MSR_EFER), "a"(on ? EFER_NXE : 0), "d"(0) : "memory");
}

/* All places of all roots. */
static void clear(void)
{
	for (unsigned root = 0; root < NR_ROOTS; root++) {
		use_root(root);
		for (unsigned p = 0; p < NR_PLACES; p++) {
			set_directory(p, 0);
			for (unsigned page = 0; page < NR_PAGES; page++)
				set_page(p, page, 0);
		}
	}
}

void mode_enter(const struct mode *m)
{
	mode = *m;
	place[1] = place[0] + large_size();
	clear();
	write_cr4(m->cr4 | (m->pae ? CR4_PAE : 0));
	write_nx(m->nx);
	load_root(0);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
}

void mode_leave(void)
{
	write_cr0(read_cr0() & ~CR0_PG);
	clear();
	write_cr4(0);
	write_nx(false);
}

/* A change of CR4.PGE flushes everything; without it there are no global pages. */
void flush_all(void)
{
	if (mode.cr4 & CR4_PGE) {
		write_cr4((mode.cr4 & ~CR4_PGE) | (mode.pae ? CR4_PAE : 0));
		write_cr4(mode.cr4 | (mode.pae ? CR4_PAE : 0));
	}
	write_cr3(read_cr3());
}

void set_write_protect(bool on)
{
	write_cr0(on ? read_cr0() | CR0_WP : read_cr0() & ~CR0_WP);
}

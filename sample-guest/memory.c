/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 12: the programs' half. SDM vol. 3, 4.7 (page-fault exceptions).
 *
 * A region says what may be at an address; the page table, what already is. Pages come at their
 * first use (demand paging), and fork() shares them all, read-only, until one side writes
 * (copy-on-write).
 */
#include "kernel.h"

struct memory *memory_create(void)
{
	struct memory *m = phys_to_virt(page_alloc());

	m->directory = phys_to_virt(page_alloc());
	memcpy(&m->directory[KERNEL_BASE >> 22], (void *)&kernel_directory[KERNEL_BASE >> 22],
	       1024);
	m->users = 1;
	return m;
}

void memory_add(struct memory *m, struct region r)
{
	if (m->nr_regions == MAX_REGIONS)
		panic("too many regions");
	m->regions[m->nr_regions++] = r;
}

void memory_switch(struct memory *m)
{
	uint32_t directory = virt_to_phys(m ? m->directory : (void *)kernel_directory);

	if (read_cr3() != directory)
		write_cr3(directory);
}

static void free_table(uint32_t table)
{
	uint32_t *entry = phys_to_virt(table);
	unsigned i;

	for (i = 0; i < 1024; i++)
		if (entry[i] & PTE_PRESENT)
			page_free(entry[i] & ~(PAGE_SIZE - 1));
	page_free(table);
}

/* One user less; the caller no longer runs on it if it was the last. */
void memory_put(struct memory *m)
{
	unsigned i;

	if (--m->users)
		return;
	for (i = 0; i < KERNEL_BASE >> 22; i++)
		if (m->directory[i] & PTE_PRESENT)
			free_table(m->directory[i] & ~(PAGE_SIZE - 1));
	page_free(virt_to_phys(m->directory));
	page_free(virt_to_phys(m));
}

static void share_table(struct memory *to, uint32_t *from, uint32_t base)
{
	uint32_t *entry;
	unsigned i;

	for (i = 0; i < 1024; i++) {
		if (!(from[i] & PTE_PRESENT))
			continue;
		if (from[i] & PTE_WRITABLE)
			from[i] = (from[i] & ~PTE_WRITABLE) | PTE_COW;
		entry = paging_entry(to->directory, base + i * PAGE_SIZE, true);
		*entry = from[i] & ~(PTE_ACCESSED | PTE_DIRTY);
		page_share(from[i] & ~(PAGE_SIZE - 1));
	}
}

/* The child's copy of an address space, which is the one in use. */
struct memory *memory_fork(struct memory *from)
{
	struct memory *to = memory_create();
	unsigned i;

	memcpy(to->regions, from->regions, sizeof(to->regions));
	to->nr_regions = from->nr_regions;
	for (i = 0; i < KERNEL_BASE >> 22; i++)
		if (from->directory[i] & PTE_PRESENT)
			share_table(to, phys_to_virt(from->directory[i] & ~(PAGE_SIZE - 1)),
				    i << 22);
	write_cr3(read_cr3()); /* rights were taken away: SDM vol. 3, 4.10.4.2 */
	return to;
}

static const struct region *find_region(const struct memory *m, uint32_t address)
{
	const struct region *r;

	for (r = m->regions; r < m->regions + m->nr_regions; r++)
		if (address >= r->start && address < r->end)
			return r;
	return NULL;
}

/* First use: zeroes, and what the program's image has for this page. */
static void bring_in(const struct region *r, uint32_t page, uint32_t *entry)
{
	uint32_t frame = page_alloc(), offset = page - r->start, size;

	if (offset < r->image_size) {
		size = r->image_size - offset;
		memcpy(phys_to_virt(frame), r->image + offset, size < PAGE_SIZE ? size : PAGE_SIZE);
	}
	*entry = frame | PTE_PRESENT | PTE_USER | (r->writable ? PTE_WRITABLE : 0);
}

static void unshare(uint32_t page, uint32_t *entry)
{
	uint32_t frame = *entry & ~(PAGE_SIZE - 1), copy;

	if (page_users(frame) == 1) { /* the other side has made its copy, or is gone */
		*entry = (*entry & ~PTE_COW) | PTE_WRITABLE;
	} else {
		copy = page_alloc();
		memcpy(phys_to_virt(copy), phys_to_virt(frame), PAGE_SIZE);
		*entry = copy | PTE_PRESENT | PTE_USER | PTE_WRITABLE;
		page_free(frame);
	}
	invlpg(page);
}

/* A page fault on a program's address, from ring 3 or from the kernel. True: try again. */
bool memory_fault(struct memory *m, uint32_t address, uint32_t error)
{
	const struct region *r = address < KERNEL_BASE ? find_region(m, address) : NULL;
	uint32_t *entry, page = address & ~(PAGE_SIZE - 1);

	if (!r || ((error & PF_WRITE) && !r->writable))
		return false;
	entry = paging_entry(m->directory, page, true);
	if (!(*entry & PTE_PRESENT))
		bring_in(r, page, entry);
	else if ((error & PF_WRITE) && (*entry & PTE_COW))
		unshare(page, entry);
	return true;
}

/* Copy to or from a program. False: that is not its memory. */
static bool copy(void *to, const void *from, uint32_t size)
{
	uint32_t left;

	asm volatile(".Lbegin%=:\trep movsb\n"
		     ".Lend%=:\n\t"
		     ".pushsection __ex_table, \"a\"\n\t"
		     ".long .Lbegin%=, .Lend%=, .Lend%=\n\t"
		     ".popsection"
		     : "=c"(left), "+D"(to), "+S"(from)
		     : "0"(size)
		     : "memory");
	return !left;
}

static bool is_user(uint32_t address, uint32_t size)
{
	return address <= KERNEL_BASE && size <= KERNEL_BASE - address;
}

bool copy_to_user(uint32_t to, const void *from, uint32_t size)
{
	return is_user(to, size) && copy((void *)to, from, size);
}

bool copy_from_user(void *to, uint32_t from, uint32_t size)
{
	return is_user(from, size) && copy(to, (const void *)from, size);
}

/* Move the end of the heap, the region that the program loader puts last. Gives the old end. */
int32_t memory_sbrk(struct memory *m, int32_t increment)
{
	struct region *heap = &m->regions[m->nr_regions - 1];
	uint32_t old = heap->end, new = old + increment;

	if (increment % PAGE_SIZE || new < heap->start || new > USER_STACK_TOP - USER_STACK_SIZE)
		return -1;
	for (; new < old; old -= PAGE_SIZE) {
		uint32_t *entry = paging_entry(m->directory, old - PAGE_SIZE, false);

		if (!entry || !(*entry & PTE_PRESENT))
			continue;
		page_free(*entry & ~(PAGE_SIZE - 1));
		*entry = 0;
		invlpg(old - PAGE_SIZE);
	}
	old = heap->end;
	heap->end = new;
	return old;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page tables, page faults and the TLB, in ring 0: SDM vol. 3, chapter 4. */
#include "test.h"

#define KERNEL_RW (PTE_PRESENT | PTE_WRITABLE)
#define SPARE (VMAP_BASE + LARGE_PAGE_SIZE) /* a directory entry that nothing uses */

static volatile uint32_t *map_new(unsigned index, uint32_t rights, uint32_t *frame)
{
	*frame = page_alloc();
	return vmap(index, *frame, rights);
}

static void unmap(unsigned index, uint32_t frame)
{
	vmap(index, 0, 0);
	page_free(frame);
}

static bool t_map(void)
{
	uint32_t frame, seen;
	volatile uint32_t *p = map_new(0, KERNEL_RW, &frame);

	p[5] = 0x13579bdf;
	seen = ((uint32_t *)phys_to_virt(frame))[5];
	unmap(0, frame);
	CHECK(seen == 0x13579bdf);
	return true;
}

static bool t_absent(void)
{
	TRY("movl %0, %%eax", ::"m"(*(uint32_t *)VMAP_BASE) : "eax");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE);
	TRY("movl %%eax, %0", : "=m"(*(uint32_t *)(VMAP_BASE + 0x123)));
	CHECK(faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + 0x123);
	TRY("movl %0, %%eax", ::"m"(*(uint32_t *)(SPARE + 8)) : "eax"); /* not even a table */
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == SPARE + 8);
	return true;
}

static bool t_absent_fetch(void)
{
	TRY("call *%0", ::"r"(VMAP_BASE + 0x40) : "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 0x40 &&
	      caught.eip == VMAP_BASE + 0x40);
	return true;
}

/* Code that is made at run time, and made anew: SDM vol. 3, 8.1.3. The jump of the call is all it
 * takes. */
static bool t_made_code(void)
{
	uint32_t frame, first, second;
	volatile uint8_t *code = (void *)map_new(0, KERNEL_RW, &frame);

	code[0] = 0xb8; /* mov $1, %eax; ret */
	code[1] = 1;
	code[5] = 0xc3;
	asm volatile("call *%1" : "=a"(first) : "r"(code) : "memory");
	code[1] = 2;
	asm volatile("call *%1" : "=a"(second) : "r"(code) : "memory");
	unmap(0, frame);
	CHECK(first == 1 && second == 2);
	return true;
}

/* Nobody has padded this one. */
static bool t_made_sensitive(void)
{
	uint32_t frame, after;
	volatile uint8_t *code = (void *)map_new(0, KERNEL_RW, &frame);

	code[0] = 0xfa; /* cli; ret */
	code[1] = 0xc3;
	asm volatile("call *%0" ::"r"(code) : "memory");
	after = read_flags();
	sti();
	unmap(0, frame);
	CHECK(!(after & FLAG_IF));
	return true;
}

static bool t_read_only(void)
{
	uint32_t frame;
	volatile uint32_t *p = map_new(0, PTE_PRESENT, &frame);
	bool refused, allowed;

	TRY("movl $7, (%0)", ::"r"(p) : "memory");
	refused = faulted(VEC_PF, PF_PRESENT | PF_WRITE) && caught.cr2 == VMAP_BASE;
	write_cr0(read_cr0() & ~CR0_WP); /* ring 0 ignores the bit now */
	TRY("movl $7, (%0)", ::"r"(p) : "memory");
	allowed = no_fault() && *p == 7;
	write_cr0(read_cr0() | CR0_WP);
	TRY("movl $8, (%0)", ::"r"(p) : "memory");
	CHECK(refused && allowed);
	CHECK(faulted(VEC_PF, PF_PRESENT | PF_WRITE) && *p == 7);
	unmap(0, frame);
	return true;
}

static bool t_accessed_dirty(void)
{
	uint32_t frame, untouched, read, written;
	volatile uint32_t *p = map_new(0, KERNEL_RW, &frame);

	untouched = vmap_table[0] & (PTE_ACCESSED | PTE_DIRTY);
	(void)*p;
	read = vmap_table[0] & (PTE_ACCESSED | PTE_DIRTY);
	*p = 1;
	written = vmap_table[0] & (PTE_ACCESSED | PTE_DIRTY);
	unmap(0, frame);
	CHECK(untouched == 0 && read == PTE_ACCESSED && written == (PTE_ACCESSED | PTE_DIRTY));
	return true;
}

static bool t_dirty_again(void)
{
	uint32_t frame, cleared, written;
	volatile uint32_t *p = map_new(0, KERNEL_RW, &frame);

	*p = 1;
	vmap_table[0] &= ~PTE_DIRTY;
	invlpg(VMAP_BASE);
	(void)*p;
	cleared = vmap_table[0] & PTE_DIRTY;
	*p = 2;
	written = vmap_table[0] & PTE_DIRTY;
	unmap(0, frame);
	CHECK(!cleared && written);
	return true;
}

static bool t_invlpg(void)
{
	uint32_t a, b, first, second;
	volatile uint32_t *p = map_new(0, KERNEL_RW, &a);

	b = page_alloc();
	*(uint32_t *)phys_to_virt(a) = 0xaaaa;
	*(uint32_t *)phys_to_virt(b) = 0xbbbb;
	first = *p;
	vmap_table[0] = b | KERNEL_RW;
	invlpg(VMAP_BASE);
	second = *p;
	page_free(a);
	unmap(0, b);
	CHECK(first == 0xaaaa && second == 0xbbbb);
	TRY("movl (%0), %%eax", ::"r"(p) : "eax", "memory");
	CHECK(faulted(VEC_PF, 0));
	return true;
}

static bool t_cr3_flush(void)
{
	uint32_t a, b, first, second;
	volatile uint32_t *p = map_new(0, KERNEL_RW, &a);

	b = page_alloc();
	*(uint32_t *)phys_to_virt(b) = 0xbbbb;
	first = *p;
	vmap_table[0] = b | KERNEL_RW;
	write_cr3(read_cr3());
	second = *p;
	page_free(a);
	unmap(0, b);
	CHECK(first == 0 && second == 0xbbbb);
	return true;
}

static bool t_large_page(void)
{
	uint32_t untouched, read, written;
	volatile uint32_t *pde = &kernel_directory[SPARE >> 22];
	volatile uint32_t *p = (uint32_t *)SPARE, value = 0x1badcafe,
			  *direct = phys_to_virt(virt_to_phys((void *)&value));
	bool same;

	*pde = (virt_to_phys((void *)&value) & -LARGE_PAGE_SIZE) | KERNEL_RW | PTE_LARGE;
	untouched = *pde & (PTE_ACCESSED | PTE_DIRTY);
	p += virt_to_phys((void *)&value) % LARGE_PAGE_SIZE / 4;
	same = *p == *direct;
	read = *pde & (PTE_ACCESSED | PTE_DIRTY);
	*p = 0x600d;
	written = *pde & (PTE_ACCESSED | PTE_DIRTY);
	*pde = 0;
	invlpg(SPARE);
	CHECK(same && value == 0x600d);
	CHECK(untouched == 0 && read == PTE_ACCESSED && written == (PTE_ACCESSED | PTE_DIRTY));
	TRY("movl (%0), %%eax", ::"r"(SPARE) : "eax", "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == SPARE);
	return true;
}

static bool t_directory_rights(void)
{
	uint32_t frame, table = page_alloc();
	volatile uint32_t *pde = &kernel_directory[SPARE >> 22];
	bool refused;

	frame = page_alloc();
	*(uint32_t *)phys_to_virt(table) = frame | KERNEL_RW;
	*pde = table | PTE_PRESENT; /* read-only on this level is read-only */
	TRY("movl $1, (%0)", ::"r"(SPARE) : "memory");
	refused = faulted(VEC_PF, PF_PRESENT | PF_WRITE);
	*pde = table | KERNEL_RW;
	invlpg(SPARE);
	TRY("movl $1, (%0)", ::"r"(SPARE) : "memory");
	*pde = 0;
	invlpg(SPARE);
	page_free(frame);
	page_free(table);
	CHECK(refused && no_fault());
	return true;
}

static bool t_across(void)
{
	uint32_t frame;
	volatile uint32_t *p = map_new(0, KERNEL_RW, &frame);
	bool split;

	/* Four bytes of which the last two lie on an absent page: nothing is written. */
	TRY("movl $-1, (%0)", ::"r"(VMAP_BASE + PAGE_SIZE - 2) : "memory");
	split = faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + PAGE_SIZE && p[1023] == 0;
	unmap(0, frame);
	CHECK(split);
	return true;
}

static bool t_string_progress(void)
{
	uint32_t frame, count = 100, to = VMAP_BASE + PAGE_SIZE - 60;
	volatile uint8_t *p = (void *)map_new(0, KERNEL_RW, &frame);
	bool partly;

	TRY("cld; rep stosb", : "+D"(to), "+c"(count) : "a"(0xee) : "memory");
	partly = faulted(VEC_PF, PF_WRITE) && count == 40 && to == VMAP_BASE + PAGE_SIZE &&
		 p[4095] == 0xee && p[4095 - 60] == 0;
	unmap(0, frame);
	CHECK(partly);
	return true;
}

static bool t_ins_progress(void)
{
	uint32_t frame, count = 100, to = VMAP_BASE + PAGE_SIZE - 60;
	volatile uint8_t *p = (void *)map_new(0, KERNEL_RW, &frame);
	bool partly;

	outb(COM1 + UART_SCR, 0xdd);
	TRY("cld; rep insb", : "+D"(to), "+c"(count) : "d"(COM1 + UART_SCR) : "memory");
	partly = faulted(VEC_PF, PF_WRITE) && count == 40 && to == VMAP_BASE + PAGE_SIZE &&
		 p[4095] == 0xdd && p[4095 - 60] == 0;
	unmap(0, frame);
	CHECK(partly && caught.cr2 == VMAP_BASE + PAGE_SIZE);
	return true;
}

static bool t_sensitive_memory(void)
{
	/* Instructions that a monitor may have to emulate fault on memory like all others. */
	TRY("sgdt (%0)", ::"r"(VMAP_BASE + 16) : "memory");
	CHECK(faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + 16);
	TRY("sidt (%0)", ::"r"(VMAP_BASE + 16) : "memory");
	CHECK(faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + 16);
	TRY("lidt (%0)", ::"r"(VMAP_BASE + 32) : "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 32);
	TRY("movw %%ds, (%0)", ::"r"(VMAP_BASE + 48) : "memory");
	CHECK(faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + 48);
	TRY("movw (%0), %%fs", ::"r"(VMAP_BASE + 64) : "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 64);
	TRY("lgs (%0), %%eax", ::"r"(VMAP_BASE + 80) : "eax", "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 80);
	TRY("str (%0)", ::"r"(VMAP_BASE + 96) : "memory");
	CHECK(faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + 96);
	TRY("smsw (%0)", ::"r"(VMAP_BASE + 112) : "memory");
	CHECK(faulted(VEC_PF, PF_WRITE) && caught.cr2 == VMAP_BASE + 112);
	TRY("ljmp *(%0)", ::"r"(VMAP_BASE + 128) : "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 128);
	TRY("cld; outsb", ::"S"(VMAP_BASE + 144), "d"(COM1 + UART_SCR) : "memory");
	CHECK(faulted(VEC_PF, 0) && caught.cr2 == VMAP_BASE + 144);
	return true;
}

static bool t_frames(void)
{
	unsigned before = pages_free;
	uint32_t a = page_alloc(), b = page_alloc();

	CHECK(a != b && pages_free == before - 2);
	page_share(a);
	page_free(a);
	CHECK(page_users(a) == 1);
	page_free(a);
	page_free(b);
	CHECK(pages_free == before);
	return true;
}

/* Every frame of RAM is really there, and only once. */
static bool t_all_ram(void)
{
	uint32_t end = pages_ram_end(), address;
	static uint32_t sample[64];
	unsigned n = 0, i;

	for (i = 0; i < ARRAY_SIZE(sample); i++) {
		address = page_alloc();
		if (address >= end)
			return false;
		*(uint32_t *)phys_to_virt(address) = ~address;
		sample[n++] = address;
	}
	for (i = 0; i < n; i++) {
		CHECK(*(uint32_t *)phys_to_virt(sample[i]) == ~sample[i]);
		page_free(sample[i]);
	}
	/* And the last page of the highest 4 MiB that are mapped. */
	address = end - PAGE_SIZE;
	(void)*(volatile uint32_t *)phys_to_virt(address);
	return true;
}

const struct test paging_tests[] = {
    {"a mapped page shows its frame", t_map},
    {"absent pages fault, CR2 names the byte", t_absent},
    {"a fetch from an absent page faults there", t_absent_fetch},
    {"code made at run time runs, and its changes are seen", t_made_code},
    {"cli in code made at run time", t_made_sensitive},
    {"read-only pages fault when CR0.WP is set", t_read_only},
    {"the CPU sets accessed and dirty", t_accessed_dirty},
    {"a cleared dirty bit is set again", t_dirty_again},
    {"invlpg forgets one page", t_invlpg},
    {"a load of CR3 forgets all pages", t_cr3_flush},
    {"4 MiB pages", t_large_page},
    {"rights of both levels count", t_directory_rights},
    {"a store across a page boundary happens wholly or not at all", t_across},
    {"rep stosb stops at a fault with its registers", t_string_progress},
    {"rep insb stops at a fault with its registers", t_ins_progress},
    {"sensitive instructions fault on absent memory", t_sensitive_memory},
    {"frames are counted", t_frames},
    {"frames are distinct memory", t_all_ram},
    {0},
};

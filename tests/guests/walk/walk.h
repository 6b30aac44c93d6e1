/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page tables of both kinds behind one set of functions, and accesses of every kind. */
#ifndef TESTS_GUESTS_WALK_H
#define TESTS_GUESTS_WALK_H

#include "tests/guests/runtime/runtime.h"

#define PTE_P 0x1u
#define PTE_W 0x2u
#define PTE_U 0x4u
#define PTE_A 0x20u
#define PTE_D 0x40u
#define PTE_PS 0x80u
#define PTE_G 0x100u
#define PTE_NX (1ull << 63)

/* What the test maps: frames from FRAME_BASE on, seen through tables for a few places. */
#define FRAME_BASE 0x1000000u
#define NR_FRAMES 16
#define NR_PLACES 3 /* directory entries under test */
#define NR_PAGES 8  /* pages at the start of each */
#define NR_ROOTS 6  /* address spaces */
#define SHARED 2    /* the place that is the same in all of them, and may be global */

/* Where in a frame code stands: what ring 0 calls and what ring 3 jumps to. */
#define CODE_KERNEL 0xf00u
#define CODE_USER 0xf10u

struct mode {
	const char *name;
	bool pae, nx;
	uint32_t cr4;
};

/* tables.c */
extern uint32_t place[NR_PLACES]; /* linear addresses */
void tables_init(void);
void mode_enter(const struct mode *m); /* paging on with empty tables under test */
void mode_leave(void);                 /* paging off */
uint32_t large_size(void);
/* What follows is about the present address space. */
void use_root(unsigned root);  /* without telling the CPU */
void load_root(unsigned root); /* mov to cr3 */
uint64_t get_directory(unsigned p);
void set_directory(unsigned p, uint64_t entry); /* PTE_P without PTE_PS: the place's own table */
uint64_t get_page(unsigned p, unsigned page);
void set_page(unsigned p, unsigned page, uint64_t entry);
void flush_all(void); /* global pages too */
void set_write_protect(bool on);

enum kind { KIND_READ, KIND_WRITE, KIND_MODIFY, KIND_FETCH, NR_KINDS };

/* access.S: the bare accesses, for ring 0 by call and for ring 3 by iret */
uint32_t kernel_read(uint32_t address, uint32_t value);
uint32_t kernel_write(uint32_t address, uint32_t value);
uint32_t kernel_modify(uint32_t address, uint32_t value);
uint32_t kernel_fetch(uint32_t address, uint32_t value);
extern const char user_read[], user_write[], user_modify[], user_fetch[];
extern uint32_t user_address, user_value; /* operands of ring 3 */
extern char user_stack_top[];

#endif

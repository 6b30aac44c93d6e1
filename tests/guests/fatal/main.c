/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ways a guest can end other than by the debug-exit port: end=1 to 6 on the command line. */
#include "tests/guests/runtime/runtime.h"

enum end { TRIPLE_FAULT = 1, HALT, RESET_CF9, RESET_8042, STACK_OVERFLOW, UNPADDED };

void innermost(void);
void middle(void);
void recurse(volatile uint32_t *p);

/* No handler for anything any more: SDM vol. 3, 6.15, interrupt 8. */
__attribute__((noinline)) void innermost(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) none = {0, 0};

	asm volatile("lidt %0; ud2" : : "m"(none));
}

__attribute__((noinline)) void middle(void)
{
	innermost();
	asm volatile("");
}

__attribute__((noinline)) void recurse(volatile uint32_t *p)
{
	volatile uint32_t room[64];

	room[0] = *p;
	if (*p != 1) /* never */
		recurse(room);
	room[1] = 0;
}

/* A stack that runs into a page that is not there: page fault, double fault, triple fault. */
static void overflow(void)
{
	uint32_t start = 0;

	paging_init();
	for (uint32_t page = 0x700; page < 0x710; page++)
		page_tables[page >> 10][page & 1023] = 0;
	write_cr3(read_cr3());
	asm volatile("movl $0x720000, %%esp; pushl %0; pushl $0; jmp recurse"
		     :
		     : "r"(&start)
		     : "memory");
}

/* Traps on a wedge, is emulated, and shows in --stats. */
__attribute__((noinline)) static void unpadded(void)
{
	asm volatile(".set .Lafterburner_off, 1\n"
		     ".globl unpadded_cli\n"
		     "unpadded_cli: cli\n"
		     ".set .Lafterburner_off, 0");
}

void test_main(void)
{
	print("end %u\n", option("end", 0));
	switch (option("end", 0)) {
	case TRIPLE_FAULT:
		middle();
		break;
	case HALT:
		for (;;)
			asm volatile("cli; hlt");
	case RESET_CF9:
		out8(0xcf9, 6);
		break;
	case RESET_8042:
		out8(0x64, 0xfe);
		break;
	case STACK_OVERFLOW:
		overflow();
		break;
	case UNPADDED:
		for (unsigned i = 0; i < 7; i++)
			unpadded();
		return;
	}
	for (;;)
		; /* a reset may take a moment */
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doors into ring 0 and to devices other than int $0x80: a call gate, a port opened by the TSS. */
#include "user.h"

static void call_gate(void)
{
	uint32_t before, after, result;

	/* The gate copies two parameters to the kernel's stack; its target returns their sum. */
	asm volatile("movl %%esp, %0; pushl $30; pushl $12; lcall %3, $0; movl %%esp, %1"
		     : "=&r"(before), "=&r"(after), "=&a"(result)
		     : "i"(GATE_SEL)
		     : "ecx", "edx", "memory", "cc");
	CHECK(result == 42);
	CHECK(before == after); /* lret $8 pops them on both stacks */
}

static void port(void)
{
	uint8_t value;

	CHECK(system_call(SYS_port, 0, 0, 0) == 0);
	asm volatile("outb %b1, %w2; movb $0, %0; inb %w2, %0"
		     : "=&a"(value)
		     : "0"(0x5c), "d"(OPEN_PORT));
	CHECK(value == 0x5c);
}

int main(uint32_t argument)
{
	switch (argument) {
	case 0:
		call_gate();
		break;
	case 1:
		port();
		break;
	case 2:
		port();
		asm volatile("inb %%dx, %%al" ::"d"(OPEN_PORT - 1)
			     : "eax"); /* its neighbour is not open */
		break;
	default:
		return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Print the time-stamp counter. Under QEMU's `-icount shift=3` that is the number of instructions
 * since the machine was switched on, times eight.
 */
#include "syscall.h"

void _start(void);
void _start(void)
{
	char text[24];
	char *p = text + sizeof(text) - 1;
	unsigned int low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	*p = 0;
	*--p = '\n';
	/* Long division by ten, 64 bits by two of 32: there is no libgcc here. */
	do {
		unsigned int rest = high % 10;

		high /= 10;
		__asm__("divl %2" : "+a"(low), "+d"(rest) : "r"(10));
		*--p = (char)('0' + rest);
	} while (low || high);
	say(p);
	exit_program(0);
}

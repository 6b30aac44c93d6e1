/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What kernel and programs agree upon: int $0x80, number in %eax, arguments in %ebx, %ecx, %edx,
 * result in %eax. */
#ifndef SAMPLE_SYSCALLS_H
#define SAMPLE_SYSCALLS_H

#include <stdint.h>

enum {
	SYS_exit = 1, /* (status) */
	SYS_fork,     /* () */
	SYS_write,    /* (text, size) */
	SYS_exec,     /* (name, argument) */
	SYS_wait,     /* (struct death *) */
	SYS_sleep,    /* (milliseconds) */
	SYS_sbrk,     /* (increment, whole pages) */
	SYS_getpid,   /* () */
	SYS_kill,     /* (pid) */
	SYS_thread,   /* (entry, stack, argument): another thread in the same memory */
	SYS_set_tls,  /* (TLS_GDT or TLS_LDT, base): gives the selector */
	SYS_port,     /* (): may use the UART's scratch register */
	NR_SYSCALLS,
};

enum { TLS_GDT, TLS_LDT };

#define NO_VECTOR 0xffffffffu

/* How a process ended. */
struct death {
	uint32_t pid;
	int32_t status;  /* what it gave to exit() */
	uint32_t vector; /* or the exception that ended it, NO_VECTOR if none */
	uint32_t error, cr2, eip;
};

#endif

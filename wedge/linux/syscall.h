/* SPDX-License-Identifier: MIT */
/* Host system calls without the C library: usable between two instructions of the guest. */
#ifndef WEDGE_LINUX_SYSCALL_H
#define WEDGE_LINUX_SYSCALL_H

#include <stdint.h>
#include <sys/syscall.h>

/* Returns what the kernel returns: negative errno on failure. */
static inline long host_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif

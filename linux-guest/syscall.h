/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the guest's own programs need of Linux, without a C library: i386 system calls by int 0x80
 * (System V ABI i386 supplement; arch/x86/entry/syscalls/syscall_32.tbl).
 */
#ifndef LINUX_GUEST_SYSCALL_H
#define LINUX_GUEST_SYSCALL_H

#include <asm/unistd_32.h>

static inline long system_call(long number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory");
	return result;
}

#define SYS0(name) system_call(__NR_##name, 0, 0, 0, 0)
#define SYS1(name, a) system_call(__NR_##name, (long)(a), 0, 0, 0)
#define SYS2(name, a, b) system_call(__NR_##name, (long)(a), (long)(b), 0, 0)
#define SYS3(name, a, b, c) system_call(__NR_##name, (long)(a), (long)(b), (long)(c), 0)
#define SYS4(name, a, b, c, d) system_call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d))

static inline void exit_program(int status)
{
	SYS1(exit_group, status);
	__builtin_unreachable();
}

static inline unsigned long length(const char *s)
{
	unsigned long n = 0;

	while (s[n])
		n++;
	return n;
}

static inline void say(const char *s)
{
	SYS3(write, 1, s, length(s));
}

static inline int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

#endif

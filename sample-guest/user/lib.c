/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls as C functions. */
#include "user.h"

_Noreturn void exit(int status)
{
	for (;;)
		system_call(SYS_exit, status, 0, 0);
}

int fork(void)
{
	return system_call(SYS_fork, 0, 0, 0);
}

int write(const char *text)
{
	size_t size = 0;

	while (text[size])
		size++;
	return system_call(SYS_write, (uint32_t)text, size, 0);
}

int exec(const char *name, uint32_t argument)
{
	return system_call(SYS_exec, (uint32_t)name, argument, 0);
}

int wait(struct death *d)
{
	return system_call(SYS_wait, (uint32_t)d, 0, 0);
}

int sleep_ms(uint32_t ms)
{
	return system_call(SYS_sleep, ms, 0, 0);
}

void *sbrk(int32_t increment)
{
	return (void *)system_call(SYS_sbrk, increment, 0, 0);
}

int getpid(void)
{
	return system_call(SYS_getpid, 0, 0, 0);
}

int kill(int pid)
{
	return system_call(SYS_kill, pid, 0, 0);
}

int thread(void (*entry)(uint32_t), void *stack_top, uint32_t argument)
{
	return system_call(SYS_thread, (uint32_t)entry, (uint32_t)stack_top, argument);
}

uint16_t set_tls(uint32_t where, const void *base)
{
	return system_call(SYS_set_tls, where, (uint32_t)base, 0);
}

/* gcc may call these. */
void *memset(void *to, int byte, size_t size);
void *memset(void *to, int byte, size_t size)
{
	uint8_t *p = to;

	while (size--)
		*p++ = byte;
	return to;
}

void *memcpy(void *to, const void *from, size_t size);
void *memcpy(void *to, const void *from, size_t size)
{
	const uint8_t *q = from;
	uint8_t *p = to;

	while (size--)
		*p++ = *q++;
	return to;
}

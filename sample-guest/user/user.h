/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that programs have of a C library. */
#ifndef SAMPLE_USER_H
#define SAMPLE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"
#include "syscalls.h"

int32_t system_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c);
int main(uint32_t argument);
_Noreturn void exit(int status);

int fork(void);
int write(const char *text);
int exec(const char *name, uint32_t argument);
int wait(struct death *d);
int sleep_ms(uint32_t ms);
void *sbrk(int32_t increment);
int getpid(void);
int kill(int pid);
int thread(void (*entry)(uint32_t), void *stack_top, uint32_t argument);
uint16_t set_tls(uint32_t where, const void *base);

/* A failed check ends the program with the number of its line. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			exit(__LINE__);                                                            \
	} while (0)

#endif

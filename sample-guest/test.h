/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the self-tests share. */
#ifndef SAMPLE_TEST_H
#define SAMPLE_TEST_H

#include "kernel.h"

/* The suites, one array a file, each ended by an empty entry. tests.c lists them. */
extern const struct test flags_tests[], interrupt_tests[], table_tests[], segment_tests[],
    far_tests[], io_tests[], control_tests[], extension_tests[], device_tests[], paging_tests[],
    pae_tests[], task_tests[], process_tests[], fault_tests[];

extern uint32_t try_esp;

/*
 * Run instructions that may fault; `caught` tells whether they did. TRY(code, : outputs : inputs :
 * clobbers) Operands are not to be relative to %esp: use registers, immediates and static objects.
 */
#define TRY(code, ...)                                                                             \
	do {                                                                                       \
		try_begin();                                                                       \
		asm volatile("movl %%esp, try_esp\n"                                               \
			     ".Lbegin%=:\n\t" code "\n"                                            \
			     ".Lend%=:\tmovl try_esp, %%esp\n\t"                                   \
			     ".pushsection __ex_table, \"a\"\n\t"                                  \
			     ".long .Lbegin%=, .Lend%=, .Lend%=\n\t"                               \
			     ".popsection" __VA_ARGS__);                                           \
		asm volatile("" ::: "memory");                                                     \
	} while (0)

static inline void try_begin(void)
{
	caught.count = 0;
	caught.vector = NO_VECTOR;
	caught.error = 0;
	asm volatile("" ::: "memory");
}

/* Did the last TRY end in this exception, with this error code? */
static inline bool faulted(uint32_t vector, uint32_t error)
{
	return caught.count == 1 && caught.vector == vector && caught.error == error;
}

static inline bool no_fault(void)
{
	return caught.count == 0;
}

/* Turn interrupts off and wait until the timer requests one. */
static inline void await_pending_tick(void)
{
	cli();
	while (!(pic_requested() & 1))
		;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The C half of the differential guest: what a case starts from and what came out of it. */
#ifndef TESTS_GUESTS_DIFFERENTIAL_MAIN_H
#define TESTS_GUESTS_DIFFERENTIAL_MAIN_H

#include "tests/guests/differential/differential.h"
#include "tests/guests/runtime/runtime.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };

struct variant {
	uint32_t start, end; /* the instruction; behind it and its padding */
	const char *name;
	uint32_t setup, where;
};

/* The words up to frame are read by trap.S. */
struct input {
	uint32_t gpr[8];
	uint32_t es, ds, fs, gs;
	uint32_t *frame; /* for iret: where it is on the stack that is in use then */
	uint32_t eflags, ring;
	uint32_t pending;
	uint8_t *window; /* WINDOW bytes of data that are compared */
};

#define WINDOW 256

/* The words up to error are written by trap.S. All words are compared. */
struct outcome {
	uint32_t gpr[8];
	uint32_t eflags, eip, cs, ss, ds, es, fs, gs, vector, error;
	uint32_t cr0, cr2, cr3, cr4, dr[6];
	uint32_t gdtr[2], idtr[2], ldtr, tr;
	uint32_t msr[3];
	uint32_t data, stack, tables; /* hashes */
};

extern struct outcome outcome;
extern uint8_t arena[7][4096];
#define STACK_PAGE 1
#define DATA_PAGE 3
#define HOLE_PAGE 4
#define READONLY_PAGE 5
#define SUPERVISOR_PAGE 6
#define READONLY_ALIAS ((uint8_t *)0xf00000) /* the same page, to be written by the harness */
#define STACK_TOP (arena[STACK_PAGE + 1])

/* setup.c */
void prepare_input(struct input *in, const struct variant *v, uint32_t *seed);

/* machine.c */
void machine_init(void);
void machine_reset(void); /* descriptor tables and control registers as every case finds them */
_Noreturn void stray_trap(void); /* not in a case */
void machine_capture(const struct input *in, const struct variant *v);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the set-up share. */
#ifndef TESTS_GUESTS_DIFFERENTIAL_SETUP_H
#define TESTS_GUESTS_DIFFERENTIAL_SETUP_H

#include "tests/guests/differential/main.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(list) ((list)[below(COUNT(list))])
#define EFLAGS_RANDOM                                                                              \
	(EFLAGS_ARITH | EFLAGS_DF | EFLAGS_IF | EFLAGS_IOPL | EFLAGS_NT | EFLAGS_AC | EFLAGS_ID)

extern const char kernel_landing[], user_landing[];

/* random.c: from the seed of the case. */
extern uint32_t *case_seed;
uint32_t any(void);
uint32_t below(uint32_t n);
bool one_in(uint32_t n);
uint32_t value(void); /* those that break things more often than uniform ones do */
uint16_t selector(void);
uint16_t selector_ss(void);
uint16_t selector_cs(void);
uint16_t selector_ldt(void);
uint16_t selector_tr(void);

/* setup-data.c */
void put16(void *at, uint32_t word);
void put32(void *at, uint32_t word);
void fill(void *at, unsigned n, bool selectors);
void point_at(struct input *in, uint32_t where); /* all pointer registers */
void setup_memory(struct input *in, bool across);
uint8_t *operand(struct input *in);
void setup_data(struct input *in, uint32_t setup, uint32_t where);

/* setup-stack.c, setup-system.c */
void setup_stack(struct input *in, uint32_t setup);
void setup_system(struct input *in, uint32_t setup, uint32_t idt_base, const char *name);

#endif

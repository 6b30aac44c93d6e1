/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands on the stack: flags, selectors, return addresses. */
#include "tests/guests/differential/setup.h"

/* Sometimes fewer than `needed` bytes are left on the stack: the pop meets the hole behind it. */
static void stack_end(struct input *in, unsigned needed)
{
	if (one_in(12))
		in->gpr[ESP] = (uint32_t)STACK_TOP - 2 * below(needed / 2);
}

static void push_words(struct input *in, const uint32_t *words, unsigned n, unsigned size)
{
	uint8_t *at = (uint8_t *)in->gpr[ESP];

	for (unsigned i = 0; i < n && at + size <= STACK_TOP; i++, at += size) {
		if (size == 4)
			put32(at, words[i]);
		else
			put16(at, words[i]);
	}
}

/* A far return or an interrupt return: within ring 0, to ring 3, or to something bad. */
static void setup_return(struct input *in, unsigned size, bool interrupt)
{
	static const uint16_t stacks[] = {SEL_UDATA, SEL_UDATA, SEL_UDATA,     SEL_UDATA & ~3,
					  SEL_KDATA, 0,         SEL_LDT_UDATA, SEL_NPDATA | 3};
	uint32_t words[7], n = 0, cs = selector_cs();
	bool user;

	if (one_in(3))
		cs = SEL_UCODE;
	user = (cs & 3) == 3;
	words[n++] = size == 2            ? LOW_LANDING
		     : user && !one_in(8) ? (uint32_t)user_landing
					  : (uint32_t)kernel_landing;
	words[n++] = cs | (any() << 16);
	if (interrupt)
		words[n++] = any() & (EFLAGS_RANDOM | 0xff00802a);
	for (unsigned i = 0; i < 2; i++) { /* once more behind what lret with an operand pops */
		words[n++] = size == 2 ? 0x8000 : (uint32_t)STACK_TOP - 64;
		words[n++] = PICK(stacks) | any() << 16;
	}
	stack_end(in, 2 * size);
	push_words(in, words, n, size);
}

static void setup_popf(struct input *in)
{
	uint32_t word = any() & ~EFLAGS_TF; /* single steps see the padding */

	stack_end(in, 4);
	push_words(in, &word, 1, 2);
	push_words(in, &word, 1, 4);
}

static void setup_stack_selectors(struct input *in, bool for_ss)
{
	uint32_t word = (for_ss ? selector_ss() : selector()) | any() << 16;

	stack_end(in, 4);
	push_words(in, &word, 1, 4);
}

void setup_stack(struct input *in, uint32_t setup)
{
	switch (setup) {
	case S_STACKSEL:
		setup_stack_selectors(in, false);
		break;
	case S_SSSTACK:
		setup_stack_selectors(in, true);
		break;
	case S_LRET:
	case S_LRET16:
		setup_return(in, setup == S_LRET ? 4 : 2, false);
		break;
	case S_IRET:
	case S_IRET16:
		setup_return(in, setup == S_IRET ? 4 : 2, true);
		break;
	case S_POPF:
		setup_popf(in);
		break;
	case S_STACKMEM:
		in->gpr[EBP] = in->gpr[ESP] + below(32);
	}
}

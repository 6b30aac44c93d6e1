/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random values and selectors. */
#include "tests/guests/differential/setup.h"

uint32_t *case_seed;

uint32_t any(void)
{
	return random32(case_seed) ^ random32(case_seed) >> 13;
}

uint32_t below(uint32_t n)
{
	return (any() >> 4) % n;
}

bool one_in(uint32_t n)
{
	return below(n) == 0;
}

uint32_t value(void)
{
	static const uint32_t edge[] = {0,      1,      0xffffffff, 0x80000000, 0x7fffffff,
					0xffff, 0x8000, 0x10000,    0xff};

	return one_in(4) ? edge[below(COUNT(edge))] : any();
}

uint16_t selector(void)
{
	static const uint16_t known[] = {
	    SEL_KCODE,  SEL_KDATA,   SEL_UCODE,     SEL_UDATA,     SEL_TSS,
	    SEL_LDT,    SEL_BASED,   SEL_SMALL,     SEL_RODATA,    SEL_DOWN,
	    SEL_XONLY,  SEL_CONFORM, SEL_UCODE2,    SEL_NPDATA,    SEL_NPCODE,
	    SEL_GATE,   SEL_TSS2,    SEL_TSSBUSY,   SEL_DATA16,    SEL_RESERVED,
	    SEL_DATA1,  SEL_EMPTY,   SEL_INTGATE,   SEL_FRESH,     SEL_FRESHCODE,
	    SEL_NPLDT,  SEL_UFRESH,  SEL_LDT_UDATA, SEL_LDT_UCODE, SEL_LDT_DATA,
	    SEL_LDT_NP, 0,           0x200,         0x44};
	uint16_t sel = PICK(known);

	if (one_in(16))
		return (uint16_t)any();
	return one_in(4) ? (uint16_t)(sel ^ below(4)) : sel;
}

/*
 * A bad one raises a fault, a good one is a stack the fault behind it can be pushed on. None with a
 * base: in ring 0 the wedge refuses those.
 */
uint16_t selector_ss(void)
{
	static const uint16_t known[] = {
	    SEL_KDATA,     SEL_KDATA, SEL_KDATA,  SEL_FRESH,     SEL_LDT_DATA,
	    SEL_KDATA | 3, SEL_UDATA, SEL_RODATA, SEL_NPDATA,    0,
	    0x200,         SEL_KCODE, SEL_DATA1,  SEL_LDT_UDATA, SEL_TSS,
	    SEL_EMPTY,     SEL_XONLY, 3,          SEL_NPCODE,    SEL_UFRESH & ~3};

	return PICK(known);
}

/* For cs. Not an available TSS: task switches are another test's business. */
uint16_t selector_cs(void)
{
	static const uint16_t known[] = {
	    SEL_KCODE,       SEL_KCODE,  SEL_KCODE,  SEL_CONFORM,   SEL_XONLY,
	    SEL_FRESHCODE,   SEL_UCODE2, SEL_NPCODE, SEL_KDATA,     0,
	    SEL_KCODE | 3,   0x208,      SEL_EMPTY,  SEL_INTGATE,   SEL_RESERVED,
	    SEL_CONFORM | 3, SEL_UCODE,  SEL_LDT,    SEL_LDT_UCODE, SEL_KCODE | 1,
	    SEL_NPDATA};

	return PICK(known);
}

uint16_t selector_ldt(void)
{
	static const uint16_t known[] = {SEL_LDT,   SEL_LDT, SEL_LDT | 3, SEL_NPLDT, 0,
					 3,         0x200,   SEL_KDATA,   SEL_TSS2,  SEL_LDT_UDATA,
					 SEL_EMPTY, SEL_GATE};

	return PICK(known);
}

/* Not null, which TCG accepts. */
uint16_t selector_tr(void)
{
	static const uint16_t known[] = {SEL_TSS2,  SEL_TSS2, SEL_TSS2 | 1, SEL_TSSBUSY, SEL_TSS,
					 SEL_TSS2,  0x200,    SEL_KDATA,    SEL_LDT,     SEL_NPDATA,
					 SEL_EMPTY, SEL_GATE, SEL_LDT_DATA};

	return PICK(known);
}

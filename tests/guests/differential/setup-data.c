/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operands in registers and memory, and ports. */
#include "tests/guests/differential/setup.h"

void put16(void *at, uint32_t word)
{
	memcpy(at, &word, 2);
}

void put32(void *at, uint32_t word)
{
	memcpy(at, &word, 4);
}

void fill(void *at, unsigned n, bool selectors)
{
	for (unsigned i = 0; i < n; i += 2)
		put16((char *)at + i, selectors ? selector() : any());
}

/* An address that data operands may stand at, with room on both sides. */
static uint32_t data_pointer(const struct input *in)
{
	return (uint32_t)in->window + 96 + below(64);
}

void point_at(struct input *in, uint32_t where)
{
	in->gpr[EBX] = in->gpr[EBP] = in->gpr[ESI] = in->gpr[EDI] = where;
}

void setup_memory(struct input *in, bool across)
{
	static const uint8_t index[] = {0, 1, 2, 3, 4};

	in->gpr[EBX] = data_pointer(in);
	in->gpr[EBP] = data_pointer(in);
	in->gpr[ESI] = data_pointer(in);
	in->gpr[EDI] = data_pointer(in);
	in->gpr[ECX] = PICK(index);
	if (one_in(2))
		in->gpr[ECX] = -in->gpr[ECX];
	if (!one_in(8))
		return;
	switch (below(across ? 4 : 3)) {
	case 0:
		point_at(in, (uint32_t)arena[HOLE_PAGE] + 64);
		break;
	case 1:
		point_at(in, (uint32_t)arena[READONLY_PAGE] + 64 + below(64));
		break;
	case 2:
		point_at(in, (uint32_t)arena[SUPERVISOR_PAGE] + 64 + below(64));
		break;
	case 3:
		point_at(in, (uint32_t)arena[HOLE_PAGE] - 1 - below(3));
		in->gpr[ECX] = 0;
	}
}

static void setup_low(struct input *in)
{
	in->window = (uint8_t *)LOW_DATA;
	in->gpr[EBX] = data_pointer(in) | any() << 16;
	in->gpr[EBP] = data_pointer(in) | any() << 16;
	in->gpr[ESI] = below(32) | any() << 16;
	in->gpr[EDI] = below(32) | any() << 16;
}

static void setup_selectors(struct input *in, bool for_ss)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			in->gpr[i] = (for_ss ? selector_ss() : selector()) | any() << 16;
}

static void setup_fs(struct input *in)
{
	setup_memory(in, true);
	in->fs = SEL_BASED;
	point_at(in, in->gpr[EBX] + 0x1000);
	if (one_in(4)) {
		in->fs = SEL_SMALL; /* within its limit: TCG checks none */
		point_at(in, 0x30 + below(0xc));
	}
}

/* The pointer or table operand at (%ebx), or null and (%ebx) faults. */
uint8_t *operand(struct input *in)
{
	uint32_t page = in->gpr[EBX] >> 12;

	in->gpr[ECX] = 0;
	if (page == (uint32_t)in->window >> 12)
		return (uint8_t *)in->gpr[EBX];
	point_at(in, (uint32_t)arena[HOLE_PAGE] + 4);
	return NULL;
}

static void setup_far_pointer(struct input *in, unsigned size)
{
	uint16_t cs = one_in(8) ? SEL_GATE : selector_cs();
	uint8_t *at;

	setup_memory(in, false);
	at = operand(in);
	if (!at)
		return;
	if (size == 4)
		put32(at, (uint32_t)kernel_landing);
	else
		put16(at, LOW_LANDING);
	put16(at + size, cs);
}

static void setup_ports(struct input *in, bool wide)
{
	static const uint16_t ports[] = {0x80, 0x300, 0xa1, 0x3ff};

	in->gpr[EDX] = ports[below(wide ? 2 : 4)] | any() << 16;
}

static void setup_port_string(struct input *in, bool low, bool wide)
{
	uint32_t count = below(6);

	if (low) {
		in->window = (uint8_t *)LOW_DATA;
		in->gpr[ESI] = data_pointer(in) | any() << 16;
		in->gpr[EDI] = data_pointer(in) | any() << 16;
	} else {
		setup_memory(in, true);
	}
	in->gpr[ECX] = count;
	setup_ports(in, wide);
}

/* Rights of pages 0 and 1, and pointers into them or across their border. */
static void setup_page0(struct input *in, bool faults)
{
	static const uint32_t rights[] = {7, 7, 7, 7, 7, 7, 5, 3, 1, 0};
	bool border = one_in(4);
	uint32_t base = border ? 0x1000 : 0x440;

	*pte_of((void *)0) = 7;
	*pte_of((void *)0x1000) = 0x1007;
	if (faults) { /* one of them: which of two is first, the manual leaves open */
		uint32_t page = below(2) << 12;

		*pte_of((void *)page) = page | PICK(rights);
	}
	invlpg((void *)0);
	invlpg((void *)0x1000);
	in->window = (uint8_t *)PAGE0_ALIAS + base - WINDOW / 2;
	fill(in->window, WINDOW, false);
	point_at(in, base - 8 + below(16));
	in->gpr[EDI] = base - 8 + below(16);
	in->gpr[ECX] = below(5);
	if (one_in(4)) /* one side of a copy elsewhere */
		in->gpr[EDI] = (uint32_t)arena[DATA_PAGE + 1] - 64;
	/* As a bit offset: near, or where nothing is mapped. */
	in->gpr[EDX] = one_in(2) ? below(1024) - 512 : (value() & 0x3fffffff) | 0x40000000;
	in->gpr[EAX] = value();
	if (one_in(2)) /* so that comparisons find something equal */
		memcpy(&in->gpr[EAX], in->window + WINDOW / 2, 4);
}

/* The same operands in memory like any other. */
static void setup_site(struct input *in, bool faults)
{
	if (faults)
		setup_memory(in, false);
	else
		point_at(in, data_pointer(in));
	in->gpr[EDX] = one_in(2) ? below(1024) - 512 : (value() & 0x3fffffff) | 0x40000000;
	in->gpr[EAX] = value();
	if (one_in(2) && in->gpr[EBX] >> 12 == (uint32_t)in->window >> 12)
		memcpy(&in->gpr[EAX], (void *)in->gpr[EBX], 4);
}

void setup_data(struct input *in, uint32_t setup, uint32_t where)
{
	bool wide = where & WIDE_PORT;

	switch (setup) {
	case S_MEM:
	case S_TABLE:
		setup_memory(in, setup == S_MEM);
		break;
	case S_SELMEM:
		fill(in->window, WINDOW, true);
		fill(READONLY_ALIAS, 256, true);
		fill(arena[SUPERVISOR_PAGE], 256, true);
		setup_memory(in, true);
		break;
	case S_SSMEM:
		for (unsigned i = 0; i < WINDOW; i += 2)
			put16(in->window + i, selector_ss());
		setup_memory(in, false);
		operand(in);
		break;
	case S_FARPTR:
	case S_FARPTR16:
		setup_far_pointer(in, setup == S_FARPTR ? 4 : 2);
		break;
	case S_MEM16:
	case S_SELMEM16:
		setup_low(in);
		if (setup == S_SELMEM16)
			fill(in->window, WINDOW, true);
		break;
	case S_PAGE0:
		setup_page0(in, !(where & NO_FAULT));
		break;
	case S_SITE:
		if (one_in(2))
			setup_page0(in, !(where & NO_FAULT));
		else
			setup_site(in, !(where & NO_FAULT));
		break;
	case S_FSMEM:
		setup_fs(in);
		setup_ports(in, false);
		break;
	case S_SEL:
	case S_SS:
		setup_selectors(in, setup == S_SS);
		break;
	case S_PORT:
		setup_ports(in, wide);
		break;
	case S_PORTSTR:
	case S_PORTSTR16:
		setup_port_string(in, setup == S_PORTSTR16, wide);
	}
}

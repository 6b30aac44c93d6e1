/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values for control registers, table registers and the like that the machine survives. */
#include "tests/guests/differential/setup.h"

static void setup_table(struct input *in, uint32_t base, uint32_t least, uint32_t most, bool word)
{
	uint8_t *at;

	setup_memory(in, false);
	at = operand(in);
	if (!at)
		return;
	put16(at, least + below(most - least + 1));
	put32(at + 2, base | (word ? any() << 24 : 0));
}

static void setup_register_values(struct input *in, uint32_t base, uint32_t toggle)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			in->gpr[i] = base ^ (any() & toggle);
}

static void setup_system_selector(struct input *in, uint16_t (*choose)(void), bool memory)
{
	if (!memory) {
		for (unsigned i = 0; i < 8; i++)
			if (i != ESP)
				in->gpr[i] = choose() | any() << 16;
		return;
	}
	for (unsigned i = 0; i < WINDOW; i += 2)
		put16(in->window + i, choose());
	setup_memory(in, false);
	in->gpr[EBX] &= ~1u; /* not half of one and half of another */
	in->gpr[EDI] &= ~1u;
	for (unsigned i = 0; i < 4096; i += 2) {
		put16(READONLY_ALIAS + i, choose());
		put16(arena[SUPERVISOR_PAGE] + i, choose());
	}
}

static void setup_lmsw(struct input *in, bool memory)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			in->gpr[i] = value();
	if (memory)
		setup_memory(in, true);
}

static void setup_cpuid(struct input *in)
{
	static const uint32_t leaves[] = {0, 1, 2, 4, 7, 0xd, 0x80000000, 0x80000001, 0x40000000};

	in->gpr[EAX] = PICK(leaves);
	in->gpr[ECX] = below(3);
}

static void setup_control(struct input *in, uint32_t setup)
{
	switch (setup) {
	case S_CR0: /* MP EM TS ET NE WP AM */
		setup_register_values(in, 0x80010031, 0x0005003e);
		break;
	case S_CR3: /* PWT PCD */
		setup_register_values(in, (uint32_t)page_directory, 0x18);
		break;
	case S_CR4: /* TSD DE PSE PGE PCE OSFXSR OSXMMEXCPT */
		setup_register_values(in, 0, 0x79c & ~0x20u & ~0x400000u);
		break;
	case S_DR: /* no reserved bit, which TCG stores */
		setup_register_values(in, 0, ~0x1000u);
		break;
	case S_DR7: /* no breakpoint enabled, no general detect, no reserved bit */
		setup_register_values(in, 0, 0xffff0300);
		break;
	case S_LMSW:
		setup_lmsw(in, false);
		break;
	case S_LMSWMEM:
		setup_lmsw(in, true);
		break;
	case S_TS:
		if (!in->ring && one_in(2))
			asm volatile("movl %0, %%cr0" : : "r"(0x80010039) : "memory");
		break;
	case S_MSR:
		in->gpr[ECX] = 0x174 + below(3);
		in->gpr[EAX] &= 0xffff; /* TCG stores no more of IA32_SYSENTER_CS */
		break;
	case S_ZERO:
		in->gpr[ECX] = 0;
		break;
	case S_CPUID:
		setup_cpuid(in);
	}
}

void setup_system(struct input *in, uint32_t setup, uint32_t idt_base, const char *name)
{
	switch (setup) {
	case S_GDT:
		setup_table(in, (uint32_t)gdt, 0x1ff, 0xffff, name[4] == 'w');
		break;
	case S_IDT:
		setup_table(in, idt_base, 0x4cf, 0x7ff, name[4] == 'w');
		break;
	case S_LDT:
		setup_system_selector(in, selector_ldt, false);
		break;
	case S_LDTMEM:
		setup_system_selector(in, selector_ldt, true);
		break;
	case S_TR:
		setup_system_selector(in, selector_tr, false);
		break;
	case S_TRMEM:
		setup_system_selector(in, selector_tr, true);
		break;
	default:
		setup_control(in, setup);
	}
}

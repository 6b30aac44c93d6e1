/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli, sti, pushf, popf and iret: SDM vol. 1, 3.4.3, and their pages in vol. 2. */
#include "test.h"

static bool t_cli_sti(void)
{
	cli();
	CHECK(!(read_flags() & FLAG_IF));
	cli();
	CHECK(!(read_flags() & FLAG_IF));
	sti();
	CHECK(read_flags() & FLAG_IF);
	sti();
	CHECK(read_flags() & FLAG_IF);
	return true;
}

/* Load eflags, run one instruction, and give eflags after it. Interrupts are off meanwhile. */
#define FLAGS_AROUND(code, load)                                                                   \
	({                                                                                         \
		uint32_t result;                                                                   \
		asm volatile("pushfl\n\tpushl %1\n\tpopfl\n\t" code                                \
			     "\n\tpushfl\n\tpopl %0\n\tpopfl"                                      \
			     : "=&r"(result)                                                       \
			     : "r"(load)                                                           \
			     : "memory", "cc");                                                    \
		result;                                                                            \
	})

static bool t_cli_sti_flags(void)
{
	uint32_t keep = FLAGS_ARITHMETIC | FLAG_DF | FLAG_AC | FLAG_ID | FLAG_IOPL | FLAG_NT;

	CHECK((FLAGS_AROUND("cli", keep) & keep) == keep);
	CHECK((FLAGS_AROUND("cli", 0) & keep) == 0);
	CHECK((FLAGS_AROUND("cli; sti; cli", keep) & keep) == keep);
	CHECK((FLAGS_AROUND("cli; sti; cli", 0) & keep) == 0);
	return true;
}

static bool t_popf_arithmetic(void)
{
	uint32_t mask = FLAGS_ARITHMETIC | FLAG_DF, bits;

	for (bits = 0; bits <= mask; bits++)
		if (!(bits & ~mask))
			CHECK((FLAGS_AROUND("", bits) & mask) == bits);
	return true;
}

static bool t_popf_system(void)
{
	static const uint32_t bits[] = {FLAG_NT, FLAG_AC,   FLAG_ID, 0x1000,
					0x2000,  FLAG_IOPL, FLAG_IF};
	uint32_t mask = FLAG_NT | FLAG_AC | FLAG_ID | FLAG_IOPL | FLAG_IF;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		CHECK((FLAGS_AROUND("", bits[i]) & mask) == bits[i]);
	CHECK((FLAGS_AROUND("", mask) & mask) == mask);
	return true;
}

static bool t_pushf_reserved(void)
{
	CHECK((FLAGS_AROUND("", 0) & 0x802a) == 0x2); /* bit 1 reads as one; 3, 5 and 15 as zero */
	CHECK((FLAGS_AROUND("", 0x802au) & 0x802a) == 0x2); /* whatever is written there */
	CHECK(!(FLAGS_AROUND("", 0x30000) & 0x30000));      /* pushf never shows RF and VM */
	return true;
}

static bool t_word_forms(void)
{
	uint32_t esp_before, esp_after;
	uint16_t low;

	/* popfw leaves the upper half alone, pushfw pushes two bytes. */
	CHECK(FLAGS_AROUND("pushw $0; popfw", FLAG_ID) & FLAG_ID);
	CHECK(!(FLAGS_AROUND("pushw $0; popfw", FLAG_ID | FLAG_CF) & FLAG_CF));
	CHECK(FLAGS_AROUND("pushw $1; popfw", 0) & FLAG_CF);
	asm volatile("movl %%esp, %0; stc; pushfw; movl %%esp, %1; popw %2"
		     : "=&r"(esp_before), "=&r"(esp_after), "=&r"(low)::"cc", "memory");
	CHECK(esp_before - esp_after == 2);
	CHECK((low & 0x203) == 0x203);
	return true;
}

static bool t_pushf_if(void)
{
	uint32_t on, off;

	on = read_flags();
	off = FLAGS_AROUND("cli", FLAG_IF);
	CHECK(on & FLAG_IF);
	CHECK(!(off & FLAG_IF));
	CHECK((on & FLAG_IOPL) == 0);
	return true;
}

static bool t_popf_delivers(void)
{
	uint32_t before, after;

	await_pending_tick();
	before = ticks;
	asm volatile("pushl %1; popfl; movl ticks, %0"
		     : "=r"(after)
		     : "r"(FLAG_IF)
		     : "memory", "cc");
	CHECK(after != before);
	return true;
}

static bool t_sti_delivers_late(void)
{
	uint32_t before, shadow, after;

	await_pending_tick();
	before = ticks;
	asm volatile("sti; movl ticks, %0; movl ticks, %1" : "=&r"(shadow), "=&r"(after)::"memory");
	CHECK(shadow == before);
	CHECK(after != before);
	return true;
}

static bool t_cli_holds(void)
{
	uint32_t before;

	await_pending_tick();
	before = ticks;
	asm volatile("pushfl; popfl; nop" ::: "memory", "cc"); /* IF stays clear */
	CHECK(ticks == before);
	sti();
	asm volatile("nop" ::: "memory");
	CHECK(ticks != before);
	return true;
}

static bool t_sti_cli_holds(void)
{
	uint32_t before;

	await_pending_tick();
	before = ticks;
	asm volatile("sti; cli; nop" ::
			 : "memory"); /* cli is the one instruction that sti lets run first */
	CHECK(ticks == before);
	return true;
}

/* iret to the next instruction, with the flags given. */
#define IRET(load) FLAGS_AROUND("pushl %1; pushl %%cs; pushl $1f; iret; ud2; 1:", load)

static bool t_iret_flags(void)
{
	uint32_t keep = FLAGS_ARITHMETIC | FLAG_DF | FLAG_AC | FLAG_ID | FLAG_IOPL;

	CHECK((IRET(keep) & keep) == keep);
	CHECK((IRET(0) & keep) == 0);
	CHECK(IRET(FLAG_IF) & FLAG_IF);
	CHECK(!(IRET(0) & FLAG_IF));
	return true;
}

static bool t_iret_delivers(void)
{
	uint32_t before, after;

	await_pending_tick();
	before = ticks;
	asm volatile("pushl %1; pushl %%cs; pushl $1f; iret; 1: movl ticks, %0"
		     : "=r"(after)
		     : "r"(FLAG_IF)
		     : "memory", "cc");
	CHECK(after != before);
	return true;
}

const struct test flags_tests[] = {
    {"cli clears IF, sti sets it", t_cli_sti},
    {"cli and sti leave all other flags alone", t_cli_sti_flags},
    {"popf loads every arithmetic flag", t_popf_arithmetic},
    {"popf loads NT, AC, ID, IOPL and IF in ring 0", t_popf_system},
    {"pushf gives the reserved bits as fixed", t_pushf_reserved},
    {"pushf gives IF as it is", t_pushf_if},
    {"pushfw and popfw work on the low half", t_word_forms},
    {"popf that sets IF lets a pending interrupt in", t_popf_delivers},
    {"sti lets a pending interrupt in after one more instruction", t_sti_delivers_late},
    {"nothing is delivered while IF is clear", t_cli_holds},
    {"nothing is delivered between sti and cli", t_sti_cli_holds},
    {"iret loads the flags", t_iret_flags},
    {"iret that sets IF lets a pending interrupt in", t_iret_delivers},
    {0},
};

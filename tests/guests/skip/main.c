/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Handlers that step over the instruction that faulted by its length, and handlers that mend the
 * cause and return to it: on a wedge both lead into slots that have been written over. Interrupts
 * come while a handler runs, and every iret must find its way.
 */
#include "tests/guests/runtime/runtime.h"

#define SEL_MENDED SEL_FREE /* not present until its handler makes it so */
#define ACCESS_DATA 0x12
#define ACCESS_LDT 0x02
#define PRESENT (1ull << 47)
#define VEC_ABSENT 0x55
#define GATE_ABSENT 0x0e
#define NOWHERE "0x2f0" /* a selector beyond the table */
#define MIN_INTERRUPTS 20
#define ROUNDS 300
#define PERIOD 2000 /* of the PIT between interrupts */

static volatile uint32_t faults, interrupts;
static uint32_t length; /* of the instruction that is to fault; 0: mend the descriptor instead */

static void on_fault(struct frame *f)
{
	faults++;
	if (length)
		f->eip += length;
	else
		gdt[SEL_MENDED >> 3] |= PRESENT;
	asm volatile("sti; nop; nop; cli" ::: "memory");
}

static void on_timer(struct frame *f)
{
	(void)f;
	interrupts++;
	pic_eoi();
}

/* The instruction raises one fault, and what stands behind it runs. */
#define FAULTS_ONCE(bytes, instruction, ...)                                                       \
	do {                                                                                       \
		uint32_t before = faults, mark = 0;                                                \
                                                                                                   \
		length = (bytes);                                                                  \
		asm volatile(instruction "\n\tmovl $1, %0"                                         \
			     : "+m"(mark)                                                          \
			     : __VA_ARGS__                                                         \
			     : "memory", "cc");                                                    \
		check(mark == 1, "%s: not behind it", instruction);                                \
		check(faults == before + 1, "%s: %u faults", instruction, faults - before);        \
	} while (0)

static void step_over(void)
{
	static const struct {
		uint32_t offset;
		uint16_t sel;
	} __attribute__((packed)) nowhere = {0, 0x2f0};

	FAULTS_ONCE(3, "lldt %w1", "r"(SEL_KDATA));
	FAULTS_ONCE(3, "ltr %w1", "r"(SEL_KDATA));
	FAULTS_ONCE(2, "movl %1, %%fs", "r"(0x2f0));
	FAULTS_ONCE(2, "movl %1, %%ss", "r"(0x2f0));
	FAULTS_ONCE(2, "ljmp *(%1)", "r"(&nowhere));
	FAULTS_ONCE(2, "lcall *(%1)", "r"(&nowhere));
	FAULTS_ONCE(3, "lgs (%1), %%eax", "r"(&nowhere));
	FAULTS_ONCE(2, "int $0x55", "i"(VEC_ABSENT));
	FAULTS_ONCE(1, "pushl $" NOWHERE "\n\tpopl %%ds\n\taddl $4, %%esp", "i"(0));
}

static void absent(uint8_t access)
{
	gdt[SEL_MENDED >> 3] = descriptor(0, access == ACCESS_LDT ? 0xff : 0xfffff, access, 0xc);
}

/* Nobody may hold the selector when its descriptor goes. */
static void restore(void)
{
	asm volatile("movl %0, %%fs; movl %0, %%es; movl %0, %%ss" : : "r"(SEL_KDATA) : "memory");
}

static void mend(void)
{
	absent(ACCESS_DATA);
	FAULTS_ONCE(0, "movl %1, %%fs", "r"(SEL_MENDED));
	restore();
	absent(ACCESS_DATA);
	FAULTS_ONCE(0, "movl %1, %%ss", "r"(SEL_MENDED));
	restore();
	absent(ACCESS_DATA);
	FAULTS_ONCE(0, "pushl %1\n\tpopl %%es", "r"(SEL_MENDED));
	restore();
	absent(ACCESS_LDT);
	FAULTS_ONCE(0, "lldt %w1", "r"(SEL_MENDED));
}

void test_main(void)
{
	static const uint8_t vectors[] = {VEC_GP, VEC_NP, VEC_SS};

	for (unsigned i = 0; i < sizeof(vectors); i++)
		trap_set(vectors[i], on_fault);
	gate_set(VEC_ABSENT, SEL_KCODE, test_main, GATE_ABSENT);
	trap_set(VEC_IRQ, on_timer);
	pic_mask(0, false);
	pit_periodic(PERIOD);
	for (unsigned n = 0; n < ROUNDS && !failures(); n++)
		step_over();
	section_end("handlers step over what faulted");
	/* QEMU may be through before its timer thread has run. */
	for (unsigned n = 0; (n < ROUNDS || interrupts < MIN_INTERRUPTS) && !failures(); n++)
		mend();
	section_end("handlers mend what faulted");
	pit_stop();
	pic_mask(0, true);
	check(interrupts, "no interrupt came");
	section_end("interrupts found their way");
}

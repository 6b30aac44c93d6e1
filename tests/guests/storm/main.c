/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An interrupt storm: the timer at 10 kHz over code full of cli, sti, pushf, popf and iret. Nothing
 * may be delivered while disabled, lost, or late by more than one enable; registers and flags must
 * survive.
 */
#include "tests/guests/runtime/runtime.h"

#define PERIOD (PIT_HZ / 10000)
#define ROUNDS 64
#define NR_WORDS 7

volatile uint32_t disabled;
uint32_t rounds_left;
void mix(uint32_t state[NR_WORDS], uint32_t rounds);
void mix_clean(uint32_t state[NR_WORDS], uint32_t rounds);
void window_sti(void);
void window_popf(void);
void window_iret(void);
extern const char user_mix[], user_calls[], syscall_entry[];
extern volatile uint32_t syscalls, bad_frames;

#define VEC_DONE 0x81

static volatile uint32_t count, depth;
static volatile uint32_t while_disabled, without_if, phantom;
static uint32_t user_words[NR_WORDS];
static struct context user_return;

/* A second address space: the same but for one page of its own. */
static uint32_t other_directory[1024] __attribute__((aligned(4096)));
static uint32_t other_table[1024] __attribute__((aligned(4096)));
static uint32_t own_page[1024] __attribute__((aligned(4096)));
static volatile uint32_t private_page[1024] __attribute__((aligned(4096)));
static bool switching;
static uint32_t excursions;

static void make_other_space(void)
{
	uint32_t page = (uint32_t)private_page >> 12;

	memcpy(other_directory, page_directory, sizeof(other_directory));
	memcpy(other_table, page_tables[page >> 10], sizeof(other_table));
	other_table[page & 1023] = (uint32_t)own_page | 3;
	other_directory[page >> 10] = (uint32_t)other_table | 7;
}

/* In the handler: to the other space and back, as a scheduler that changes its mind. */
static void excursion(void)
{
	uint32_t here = read_cr3();

	write_cr3(here == (uint32_t)page_directory ? (uint32_t)other_directory
						   : (uint32_t)page_directory);
	private_page[1]++;
	write_cr3(here);
}

static void on_timer(struct frame *f)
{
	uint32_t was_disabled = disabled, left = rounds_left;

	count++;
	while_disabled += was_disabled;
	without_if += !(f->eflags & EFLAGS_IF);
	phantom += !(pic_isr() & 1);
	pic_eoi();
	if (switching && count % 4 == 1 && !depth) {
		excursions++;
		excursion();
	}
	if (count % 8 == 0 && !depth) { /* some handlers can themselves be interrupted */
		uint32_t words[NR_WORDS] = {count};

		depth++;
		mix(words, 1);
		irq_disable();
		depth--;
		rounds_left = left;
	}
}

static void start(uint32_t ticks, bool periodic)
{
	disabled = 1;
	pit_stop();
	pic_mask(0, false);
	if (periodic)
		pit_periodic((uint16_t)ticks);
	else
		pit_oneshot((uint16_t)ticks);
}

#define LONG_STOP (1u << 24) /* cycles: some milliseconds */

/*
 * A single shot. start() stops the last one by a count of 55 ms: who is held up for that long
 * between the two (a process on a busy host, an emulator there) gets an interrupt from each.
 */
static void start_shot(uint32_t ticks)
{
	uint32_t began;

	do {
		began = (uint32_t)rdtsc();
		start(ticks, false);
	} while ((uint32_t)rdtsc() - began > LONG_STOP);
}

static void stop(void)
{
	irq_disable();
	pic_mask(0, true);
	pit_stop();
}

static void seed_words(uint32_t words[NR_WORDS], uint32_t *seed)
{
	for (unsigned i = 0; i < NR_WORDS; i++)
		words[i] = random32(seed);
}

static bool same(const uint32_t *a, const uint32_t *b)
{
	for (unsigned i = 0; i < NR_WORDS; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* The sensitive instructions change nothing by themselves. */
static void test_quiet(uint32_t seed)
{
	uint32_t words[NR_WORDS], expected[NR_WORDS];

	stop();
	for (unsigned n = 0; n < 50; n++) {
		seed_words(words, &seed);
		memcpy(expected, words, sizeof(words));
		mix_clean(expected, ROUNDS);
		mix(words, ROUNDS);
		irq_disable();
		check(same(words, expected), "round %u: another result without interrupts", n);
	}
	section_end("cli sti pushf popf iret leave registers and flags alone");
}

static void test_preserved(uint32_t interrupts, uint32_t seed)
{
	uint32_t words[NR_WORDS], expected[NR_WORDS], rounds = 0;

	start(PERIOD, true);
	count = 0;
	disabled = 0;
	irq_enable();
	while (count < interrupts) {
		seed_words(words, &seed);
		memcpy(expected, words, sizeof(words));
		mix_clean(expected, ROUNDS);
		mix(words, ROUNDS);
		check(same(words, expected), "round %u: registers or flags changed", rounds);
		rounds++;
	}
	stop();
	print("# %u rounds, %u interrupts\n", rounds, count);
	section_end("registers and flags survive the storm");
	check(!while_disabled, "%u interrupts while disabled", while_disabled);
	check(!without_if, "%u interrupts with IF clear in the frame", without_if);
	check(!phantom, "%u interrupts that the 8259 does not know of", phantom);
	section_end("nothing is delivered while disabled");
}

/* A request that is pending when a window opens is delivered in it, however short. */
static void test_prompt(uint32_t windows)
{
	static void (*const kinds[])(void) = {window_sti, window_popf, window_iret};
	uint32_t late = 0, pending = 0;

	start(PERIOD, true);
	for (uint32_t n = 0; pending < windows; n++) {
		uint32_t before = count;
		bool request = pic_irr() & 1;

		kinds[n % 3]();
		pending += request;
		late += request && count == before;
	}
	stop();
	check(!late, "%u of %u requests were late", late, pending);
	check(!while_disabled, "%u interrupts while disabled", while_disabled);
	section_end("nothing is late by more than one enable");
}

/* Each expiry of the timer is one interrupt, wherever it falls. */
static void test_lost(uint32_t shots, uint32_t seed)
{
	uint32_t words[NR_WORDS] = {0}, lost = 0;

	for (uint32_t n = 0; n < shots; n++) {
		uint32_t spins = 0;

		start_shot(5 + random32(&seed) % 60);
		count = 0;
		disabled = 0;
		irq_enable();
		while (!count && spins++ < 1000000)
			mix(words, 1 + random32(&seed) % 4);
		irq_disable();
		if (count != 1)
			lost++;
	}
	stop();
	check(!lost, "%u of %u expiries were lost or came twice", lost, shots);
	section_end("nothing is lost");
}

static void on_syscall(struct frame *f)
{
	const uint32_t result[NR_WORDS] = {f->eax, f->ebx, f->ecx, f->edx, f->esi, f->edi, f->ebp};

	memcpy(user_words, result, sizeof(result));
	context_restore(&user_return, 1);
}

static void visit_user(const char *code)
{
	static char stack[1024] __attribute__((section(".user.data"), aligned(4096)));

	if (!context_save(&user_return))
		enter_user((uint32_t)code, (uint32_t)stack + sizeof(stack), EFLAGS_1 | EFLAGS_IF);
}

/* Ring 3 starts with all registers 0. */
static void user_expectation(uint32_t expected[NR_WORDS])
{
	visit_user(user_mix);
	memcpy(expected, user_words, sizeof(user_words));
}

static void test_user(uint32_t interrupts)
{
	uint32_t expected[NR_WORDS];

	stop();
	user_expectation(expected);
	start(PERIOD, true);
	count = 0;
	disabled = 0;
	while (count < interrupts) {
		visit_user(user_mix);
		check(same(user_words, expected), "ring 3 lost a register or a flag");
	}
	stop();
	section_end("registers and flags of ring 3 survive");
}

/* Interrupts on the way into and out of system calls. */
static void test_calls(uint32_t interrupts)
{
	uint32_t rounds = 0, sum = 0;

	for (uint32_t n = 0x1000; n; n--)
		sum += n + 1;
	gate_set(VEC_SYSCALL, SEL_KCODE, syscall_entry, 0xee);
	gate_dpl(VEC_DONE, 3);
	trap_set(VEC_DONE, on_syscall);
	start(PERIOD, true);
	count = 0;
	disabled = 0;
	syscalls = 0;
	while (count < interrupts) {
		visit_user(user_calls);
		rounds++;
		check(user_words[3] == sum && user_words[2] == 1,
		      "carry or sum: %08x %08x, expected %08x", user_words[2], user_words[3], sum);
		check(user_words[4] == 0x1000 && user_words[5] == 0x1000, "%u calls of %u arrived",
		      user_words[4], 0x1000);
	}
	stop();
	print("# %u system calls, %u interrupts\n", syscalls, count);
	check(syscalls == rounds * 0x1000, "%u system calls of %u", syscalls, rounds * 0x1000);
	check(!bad_frames, "%u system calls with a wrong frame or register", bad_frames);
	check(!without_if, "%u interrupts with IF clear in the frame", without_if);
	section_end("system calls under the storm");
}

static void test_spaces(uint32_t interrupts, uint32_t seed)
{
	uint32_t expected[NR_WORDS], words[NR_WORDS], clean[NR_WORDS], visits[2] = {0};

	stop();
	make_other_space();
	user_expectation(expected);
	start(PERIOD, true);
	count = 0;
	disabled = 0;
	switching = true;
	for (uint32_t n = 0; count < interrupts; n++) {
		irq_disable();
		write_cr3(n & 1 ? (uint32_t)other_directory : (uint32_t)page_directory);
		private_page[0] = ++visits[n & 1];
		irq_enable();
		visit_user(user_mix);
		check(same(user_words, expected), "ring 3 lost a register or a flag");
		seed_words(words, &seed);
		memcpy(clean, words, sizeof(words));
		mix_clean(clean, 4);
		mix(words, 4);
		check(same(words, clean), "registers or flags changed");
		check(private_page[0] == visits[n & 1], "space %u: page holds %u, not %u", n & 1,
		      private_page[0], visits[n & 1]);
	}
	switching = false;
	stop();
	write_cr3((uint32_t)page_directory);
	check(private_page[1] + own_page[1] == excursions, "%u + %u excursions of %u",
	      private_page[1], own_page[1], excursions);
	section_end("address spaces under the storm");
}

void test_main(void)
{
	uint32_t interrupts = option("interrupts", 5000), seed = option("seed", 1);

	print("# interrupts %u seed %u\n", interrupts, seed);
	trap_set(VEC_IRQ, on_timer);
	trap_set(VEC_SYSCALL, on_syscall);
	gate_dpl(VEC_SYSCALL, 3);
	paging_init();
	test_quiet(seed);
	test_preserved(interrupts, seed);
	test_prompt(interrupts);
	test_lost(interrupts, seed);
	test_user(interrupts / 10);
	test_calls(interrupts / 2);
	test_spaces(interrupts / 5, seed);
}

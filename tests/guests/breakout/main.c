/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * With -isolation process there is one thing of the wedge's in ring 3's reach: the code of its
 * process (wedge/linux/userstub.S). Ring 3 enters it everywhere, as only 64-bit code can. Whatever
 * comes of that, it ends in a trap, and afterwards the kernel's memory is no more in reach than
 * before. On a CPU there is no 64-bit code for ring 3 to go to.
 */
#include "tests/guests/runtime/runtime.h"

#define SECRET 0x5ec3e7
#define NOTHING 0xdeadbeef
#define STUB_SIZE 0x500 /* more than it has */

extern const char try_memory[], try_stub[], try_peek[];
extern uint32_t loot, visits, registers[6]; /* eax, edi, esi, edx, ebx, flags */

static volatile uint32_t secret = SECRET;
static struct frame last;
static struct context user_return;

static void on_trap(struct frame *f)
{
	last = *f;
	context_restore(&user_return, 1);
}

static void visit(const char *program, uint32_t ebx)
{
	static uint32_t stack[64] __attribute__((section(".user.data"), aligned(4096)));

	loot = NOTHING;
	visits = 0;
	if (!context_save(&user_return))
		enter_user_with((uint32_t)program, (uint32_t)(stack + 32), EFLAGS_1 | EFLAGS_IF,
				ebx);
	check((last.cs & 3) == 3, "a trap of ring 3 with cs %04x", last.cs);
}

/* What stands there may loop, as any program may: then the timer ends it. */
static void enter_stub(uint32_t offset)
{
	pit_oneshot(PIT_HZ / 500);
	pic_mask(0, false);
	do {
		visit(try_stub, offset);
		if (last.vector == VEC_IRQ)
			pic_eoi();
	} while (!visits);
	pic_mask(0, true);
	pit_stop();
}

static void check_memory(uint32_t offset)
{
	visit(try_memory, (uint32_t)&secret);
	check(loot == NOTHING, "after stub + %x: 64-bit code reads %08x", offset, loot);
	check(secret == SECRET, "after stub + %x: 64-bit code writes", offset);
	secret = SECRET;
}

/* The kernel puts another page where ring 3 had one: the old one is gone when it goes on. */
static void check_shown(uint32_t offset, bool other)
{
	static uint32_t page[2][1024] __attribute__((section(".user.data"), aligned(4096)));
	static uint32_t pte[2];

	if (!pte[0]) {
		pte[0] = *pte_of(page[0]);
		pte[1] = *pte_of(page[1]);
		page[1][0] = 1;
	}
	*pte_of(page[0]) = pte[other];
	invlpg(page[0]);
	visit(try_peek, (uint32_t)page[0]);
	check(loot == other, "after stub + %x: page %u is mapped for page %u", offset, loot, other);
}

static void enter_everywhere(uint32_t *seed)
{
	const uint32_t flags[] = {0, EFLAGS_TF, EFLAGS_AC, EFLAGS_NT};
	/* mmap munmap close modify_ldt sched_yield sendmsg rt_sigreturn exit_group */
	const uint32_t calls[] = {9, 11, 3, 154, 24, 46, 15, 231};

	for (uint32_t offset = 0; offset < STUB_SIZE; offset++) {
		registers[0] = calls[random32(seed) % 8];
		registers[1] = random32(seed) % 2 ? (uint32_t)&secret & ~0xfffu : random32(seed);
		registers[2] = 0x1000;
		registers[3] = random32(seed) % 2 ? 3 : random32(seed);
		registers[4] = random32(seed) % 3;
		registers[5] = EFLAGS_1 | EFLAGS_IF | flags[random32(seed) % 4];
		enter_stub(offset);
		check(secret == SECRET, "stub + %x: kernel memory was written", offset);
		check_shown(offset, offset % 2);
		check_memory(offset);
	}
}

void test_main(void)
{
	uint32_t seed = option("seed", 1);

	for (unsigned i = 0; i < 256; i++)
		trap_set((uint8_t)i, on_trap);
	paging_init();
	check_memory(0);
	section_end("64-bit code does not reach the kernel");
	for (unsigned round = 0; round < 4; round++)
		enter_everywhere(&seed);
	section_end("nor does it by the code of its process");
}

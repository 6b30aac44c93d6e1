/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest whose code is out to get at its host: at its selectors, its 64-bit code segment, its
 * system calls, at the wedge's window, and from ring 3 at the guest's own kernel. On bare metal
 * there is no such thing, and every attempt is an exception. On a wedge each must end in an
 * exception of the guest, too, or end the machine. What ring 3 may reach where it is not isolated
 * is counted in the lines that begin with #.
 *
 * end=N does one thing that need not return (hostile.py): 1 random code in ring 0 (seed=), 2 a word
 * of the window is overwritten (offset=, value=), 3 a system call from the 64-bit segment (call=).
 */
#include "tests/guests/runtime/runtime.h"

#define SECRET 0x5ec3e7
#define HOST_CS64 0x33
#define WINDOW 0xffc00000
#define GATE (WINDOW + 0x10000)
#define TRAMPOLINES (WINDOW + 0x20000)
#define TICK VEC_IRQ
#define NR_CALLS 600
#define X32 0x40000000u
#define EXIT_GROUP 231
#define SIGRETURN 15
#define IOCTL 16
#define PPOLL 271 /* these two wait for ever */
#define WAIT4 61
#define TIOCSTI 0x5412
#define RANDOM_ROUNDS 3000

#define CODE(name) extern const char try_##name[];
CODE(read_ds)
CODE(read_es)
CODE(read_fs)
CODE(read_gs)
CODE(write_ds)
CODE(write_es)
CODE(write_fs)
CODE(write_gs)
CODE(write_ss)
CODE(jump)
CODE(far_jump)
CODE(far_call)
CODE(far_return)
CODE(interrupt_return)
CODE(int80)
CODE(sysenter)
CODE(syscall)
extern const char landing[], call64[], int80_64[], sysenter64[], loop64[], reach64[];
extern uint32_t hostile_address, hostile_value, hostile_far[2], hostile_call, hostile_args[3];
extern volatile uint32_t hostile_returned;
extern uint8_t hostile_bytes[64];

static volatile uint32_t secret = SECRET, decoy;
static struct frame last;
static struct context back;
static unsigned tries = 20;
static unsigned ring, raised; /* raised: from ring 3 to ring 0, without the kernel's doing */

static void on_trap(struct frame *f)
{
	last = *f;
	if (f->vector == TICK)
		pic_eoi();
	context_restore(&back, 1);
}

static void enter(const char *code, uint32_t ebx)
{
	static uint32_t stack[256] __attribute__((section(".user.data"), aligned(4096)));

	memset(&last, 0, sizeof(last));
	if (context_save(&back))
		return;
	if (ring == 3)
		enter_user_with((uint32_t)code, (uint32_t)(stack + 128), EFLAGS_1 | EFLAGS_IF, ebx);
	asm volatile("sti; jmp *%0" : : "a"(code), "b"(ebx));
	__builtin_unreachable();
}

/* Ticks end what does not end by itself; one may come before that has begun. */
static void attempt(const char *code, uint32_t ebx)
{
	for (unsigned i = 0; i < tries; i++) {
		enter(code, ebx);
		if (last.vector != TICK)
			break;
	}
	check(secret == SECRET, "ring %u, %08x: the kernel's memory was written", ring, ebx);
	raised += ring == 3 && (last.cs & 3) == 0;
}

/* All selectors that a host may have, and some of any kind. */
static uint32_t next_selector(uint32_t sel)
{
	return sel < 0x800 ? sel + 1 : sel + 257;
}

static void test_loads(void)
{
	static const char *const reads[] = {try_read_ds, try_read_es, try_read_fs, try_read_gs};
	static const char *const writes[] = {try_write_ds, try_write_es, try_write_fs, try_write_gs,
					     try_write_ss};
	unsigned reached = 0, written = 0;

	for (uint32_t sel = 0; sel < 0x10000; sel = next_selector(sel)) {
		hostile_address = (uint32_t)&secret;
		for (unsigned i = 0; i < 4; i++) {
			attempt(reads[i], sel);
			reached += last.vector == VEC_UD && last.eax == SECRET;
		}
		hostile_address = (uint32_t)&decoy;
		hostile_value = sel | 0x10000;
		for (unsigned i = 0; i < (ring == 3 ? 5 : 4); i++) {
			attempt(writes[i], sel);
			written += decoy != 0;
			decoy = 0;
		}
	}
	if (ring == 3)
		print("# loads of selectors by which ring 3 reads its kernel's memory: %u, writes: "
		      "%u\n",
		      reached, written);
	section_end(ring ? "ring 3 loads every selector" : "ring 0 loads every selector");
}

static void test_far_transfers(void)
{
	static const char *const ways[] = {try_far_jump, try_far_call, try_far_return,
					   try_interrupt_return};

	for (uint32_t sel = 0; sel < 0x10000; sel = next_selector(sel)) {
		hostile_far[0] = (uint32_t)landing;
		hostile_far[1] = sel;
		/* Ring 0 may return to ring 3, with whatever is on its stack. */
		for (unsigned i = 0; i < (ring == 3 ? 4 : 1); i++)
			attempt(ways[i], sel);
	}
	if (ring == 3)
		print("# far transfers by which ring 3 becomes ring 0: %u\n", raised);
	section_end(ring ? "ring 3 jumps to every selector" : "ring 0 jumps to every selector");
}

/* In the host's 64-bit code segment, if there is one. */
static void in_64_bits(const char *code, uint32_t call)
{
	hostile_returned = 0;
	hostile_call = call;
	hostile_far[0] = (uint32_t)code;
	hostile_far[1] = HOST_CS64;
	attempt(try_far_jump, 0);
}

static void test_host_calls(void)
{
	static char key __attribute__((section(".user.data"))) = 'x';

	memset(hostile_args, 0, sizeof(hostile_args));
	for (uint32_t n = 0; n < NR_CALLS; n++) {
		if (n == EXIT_GROUP || n == SIGRETURN)
			continue;
		tries = n == PPOLL || n == WAIT4 ? 1 : 20;
		in_64_bits(call64, n);
		tries = 20;
		if (hostile_returned)
			print("# call %u returns in ring %u\n", n, ring);
		in_64_bits(call64, n | X32);
		check(!hostile_returned, "x32 call %u returns", n);
		in_64_bits(int80_64, n);
		check(!hostile_returned, "int $0x80, call %u, returns in the 64-bit segment", n);
		in_64_bits(sysenter64, n);
		check(!hostile_returned, "sysenter, call %u, returns in the 64-bit segment", n);
	}
	hostile_args[1] = TIOCSTI;
	hostile_args[2] = (uint32_t)&key;
	in_64_bits(call64, IOCTL);
	check(!hostile_returned, "a key is typed at the host's terminal");
	section_end(ring ? "ring 3 calls the host" : "ring 0 calls the host");
}

static void test_32_bit_calls(void)
{
	gate_dpl(VEC_SYSCALL, 3);
	for (uint32_t n = 0; n < NR_CALLS; n++) {
		attempt(try_int80, n);
		check(last.vector == VEC_SYSCALL && last.eax == n, "int 0x80: vector %u, eax %x",
		      last.vector, last.eax);
		attempt(try_sysenter, n);
		check(last.vector == VEC_GP || last.vector == VEC_UD, "sysenter: vector %u",
		      last.vector);
		attempt(try_syscall, n);
		check(last.vector == VEC_GP || last.vector == VEC_UD, "syscall: vector %u",
		      last.vector);
	}
	gate_dpl(VEC_SYSCALL, 0);
	section_end(ring ? "ring 3 makes 32-bit calls" : "ring 0 makes 32-bit calls");
}

static void test_64_bits(void)
{
	tries = 2;
	in_64_bits(loop64, 0);
	in_64_bits(reach64, 0);
	check(!hostile_returned, "an address that no process has is read");
	tries = 20;
	section_end(ring ? "ring 3 in the 64-bit segment" : "ring 0 in the 64-bit segment");
}

/* Its code segment need not stop it at once (doc/isolation.md), but nothing may come of it. */
static void jump_all(uint32_t from, uint32_t size)
{
	for (uint32_t a = from; a < from + size; a++)
		attempt(try_jump, a);
}

static void test_jumps(void)
{
	tries = 2; /* some of it loops */
	jump_all((uint32_t)test_main & ~0xfffu, 0x3000);
	section_end("ring 3 jumps to its kernel's code");
	jump_all(WINDOW, 0x400);
	jump_all(GATE, 0x40);
	jump_all(TRAMPOLINES, 0x2000);
	section_end("ring 3 jumps to where the wedge is");
	tries = 20;
}

static uint32_t random_byte(uint32_t *state)
{
	return random32(state) >> 11 & 0xff;
}

static void random_code(uint32_t *state)
{
	for (unsigned i = 0; i < sizeof(hostile_bytes) - 2; i++)
		hostile_bytes[i] = (uint8_t)random_byte(state);
	hostile_bytes[sizeof(hostile_bytes) - 2] = 0x0f;
	hostile_bytes[sizeof(hostile_bytes) - 1] = 0x0b;
}

static void test_random(void)
{
	static char copy[0x4000];
	uint32_t state = option("seed", 1), size = (uint32_t)(user_end - user_start);

	tries = 2;
	check(size <= sizeof(copy), "%u bytes of user memory", size);
	memcpy(copy, user_start, size);
	for (unsigned i = 0; i < RANDOM_ROUNDS; i++) {
		random_code(&state);
		attempt((const char *)hostile_bytes, random32(&state));
		memcpy(user_start, copy, size);
	}
	tries = 20;
	section_end("ring 3 runs random code");
}

/* Nothing of this need return. */
static void end(uint32_t way)
{
	uint32_t state = option("seed", 1);
	volatile uint32_t *word = (volatile uint32_t *)(WINDOW + option("offset", 0));

	ring = 0;
	switch (way) {
	case 1:
		for (unsigned i = 0; i < 1000; i++) {
			random_code(&state);
			enter((const char *)hostile_bytes, random32(&state));
		}
		break;
	case 2:
		*word = option("value", 0);
		asm volatile("cli; sti; pushf; popf; outb %%al, $0x80; movl %%cr3, %%eax; cli"
			     :
			     :
			     : "eax", "memory");
		ring = 3;
		for (unsigned i = 0; i < 3; i++)
			attempt(try_int80, 20);
		break;
	case 3:
		in_64_bits(call64, option("call", 0));
	}
}

void test_main(void)
{
	for (unsigned i = 0; i < 256; i++)
		trap_set((uint8_t)i, on_trap);
	paging_init();
	asm volatile("movl %0, %%cr0"
		     :
		     : "r"(CR0_PG | CR0_WP | CR0_NE | 1)); /* errors of the x87: #MF */
	pic_mask(0, false);
	pit_periodic(PIT_HZ / 200);
	if (option("end", 0)) {
		end(option("end", 0));
		return;
	}
	for (ring = 3;; ring = 0) {
		test_loads();
		test_far_transfers();
		test_32_bit_calls();
		test_host_calls();
		test_64_bits();
		if (ring == 0)
			break;
		test_jumps();
		test_random();
	}
	pit_stop();
}

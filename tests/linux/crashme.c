/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crashme SEED COUNT: programs without rights that do what no program does, one process each:
 * random code, jumps into the kernel, to where a wedge is, to the host's code segments; the host's
 * data segments. Linux must see a signal or an exit each time. Prints how many of which kind there
 * were.
 */
#include "linux-guest/syscall.h"

#define KERNEL 0xc1000000u
#define WINDOW 0xffc00000u
#define CODE_SIZE 256
#define NOBODY 65534
#define TIMER_US 20000
#define RWX 7
#define PRIVATE_ANONYMOUS 0x22
#define MIN_SELECTOR 7 /* TI = 1, RPL = 3 */

static unsigned int state;

static unsigned int random32(void)
{
	state = state * 1664525u + 1013904223u;
	return state ^ state >> 15;
}

static void jump(unsigned int address)
{
	__asm__ volatile("jmp *%0" : : "r"(address));
}

static void far_jump(unsigned int address, unsigned int selector)
{
	const struct {
		unsigned int offset;
		unsigned short selector;
	} __attribute__((packed)) to = {address, (unsigned short)selector};

	__asm__ volatile("ljmp *%0" : : "m"(to));
}

static void read_by(unsigned int selector)
{
	__asm__ volatile("movl %0, %%es\n\tmovl %%es:(%1), %%eax"
			 :
			 : "r"(selector), "r"(KERNEL)
			 : "eax");
}

static void random_code(unsigned char *code)
{
	for (int i = 0; i < CODE_SIZE; i++)
		code[i] = (unsigned char)(random32() >> 9);
}

/* What a child does; it need not come back. */
static void misbehave(unsigned int kind, unsigned char *code)
{
	switch (kind) {
	case 0:
		jump(KERNEL + (random32() & 0xfffff));
		break;
	case 1:
		jump(WINDOW + (random32() & 0x3ffff));
		break;
	case 2:
		far_jump((unsigned int)code, random32() & 1 ? 0x33 : 0x23);
		break;
	case 3:
		read_by(random32() & 1 ? 0x2b : MIN_SELECTOR | (random32() & 0x7ff) << 3);
		break;
	case 4: /* jmp . */
		code[0] = 0xeb;
		code[1] = 0xfe;
		far_jump((unsigned int)code, 0x33);
		break;
	default:
		jump((unsigned int)code);
	}
}

static void child(unsigned int kind)
{
	const unsigned long timer[4] = {0, 0, 0, TIMER_US};
	const unsigned long map[6] = {0, 4096, RWX, PRIVATE_ANONYMOUS, -1ul, 0};
	unsigned char *code = (unsigned char *)SYS1(mmap, map);

	SYS3(setresuid32, NOBODY, NOBODY, NOBODY);
	SYS3(setitimer, 0, timer, 0); /* SIGALRM ends what does not end by itself */
	random_code(code);
	misbehave(kind, code);
	exit_program(0);
}

static void say_number(const char *what, unsigned int n)
{
	char digits[12], *d = digits + sizeof(digits) - 1;

	*d = 0;
	do
		*--d = (char)('0' + n % 10);
	while (n /= 10);
	say(what);
	say(d);
}

static unsigned int number(const char *s)
{
	unsigned int n = 0;

	while (*s)
		n = n * 10 + (unsigned int)(*s++ - '0');
	return n;
}

static int run(unsigned int seed, unsigned int count)
{
	unsigned int signals = 0, exits = 0;

	for (unsigned int i = 0; i < count; i++) {
		int status = 0;
		long pid;

		state = seed + i * 2654435761u;
		pid = SYS0(fork);
		if (pid == 0)
			child(i % 10);
		if (pid < 0 || SYS4(wait4, pid, &status, 0, 0) != pid)
			return 1;
		if (status & 0x7f)
			signals++;
		else
			exits++;
	}
	say_number("crashme: signals ", signals);
	say_number(" exits ", exits);
	say("\n");
	return 0;
}

void start(const int *stack);
void start(const int *stack)
{
	const char *const *argv = (const char *const *)(stack + 1);

	exit_program(stack[0] == 3 ? run(number(argv[1]), number(argv[2])) : 2);
}

__asm__(".globl _start\n_start: movl %esp, %eax\n\tandl $-16, %esp\n\tsubl $12, %esp\n\tpushl "
	"%eax\n\tcall start");

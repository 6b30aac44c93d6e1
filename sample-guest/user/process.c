/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fork, exec, wait, sleep, kill, threads and preemption. */
#include "user.h"

static void many_children(void)
{
	struct death d;
	int i, sum = 0;

	for (i = 1; i <= 20; i++) {
		int pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			exit(i);
		CHECK(pid != getpid());
	}
	for (i = 1; i <= 20; i++) {
		CHECK(wait(&d) > 0 && d.vector == NO_VECTOR);
		sum += d.status;
	}
	CHECK(sum == 20 * 21 / 2);
	CHECK(wait(&d) == -1); /* none left */
}

static void exec_child(void)
{
	struct death d;
	int pid = fork();

	if (!pid) {
		exec("hello", 76);
		exit(-1);
	}
	CHECK(wait(&d) == pid && d.status == 77);
	CHECK(exec("nonesuch", 0) == -1);
}

/* A tree of processes; each gives the number of its nodes. */
static int tree(unsigned depth)
{
	struct death d;
	int i, nodes = 1;

	if (!depth)
		return nodes;
	for (i = 0; i < 2; i++) {
		int pid = fork();

		if (!pid)
			exit(tree(depth - 1));
		CHECK(pid > 0);
	}
	while (wait(&d) > 0)
		nodes += d.status;
	return nodes;
}

/* Children that sleep longer end later. */
static void sleep_sort(void)
{
	static const int order[] = {3, 1, 4, 2};
	struct death d;
	int i;

	for (i = 0; i < 4; i++)
		if (!fork()) {
			sleep_ms(order[i] * 150);
			exit(order[i]);
		}
	for (i = 1; i <= 4; i++)
		CHECK(wait(&d) > 0 && d.status == i);
}

static volatile uint32_t turn;
static uint32_t stack[1024];

static void ping(uint32_t argument)
{
	unsigned i;

	for (i = 0; i < 5; i++) {
		while (turn != argument)
			;
		turn = argument + 1;
	}
	exit(argument);
}

/* Two threads that wait for each other without ever calling the kernel: only the timer makes them
 * go on. */
static void preempted(void)
{
	struct death d;
	unsigned i;
	int pid = thread(ping, stack + 1024, 1);

	CHECK(pid > 0);
	for (i = 0; i < 5; i++) {
		turn = 1;
		while (turn != 2)
			;
	}
	CHECK(wait(&d) == pid && d.status == 1);
}

static void kill_spinner(void)
{
	struct death d;
	int pid = fork();

	if (!pid)
		for (;;)
			;
	sleep_ms(30);
	CHECK(kill(pid) == 0);
	CHECK(wait(&d) == pid && d.status == -1);
	CHECK(kill(pid) == -1);
}

/* Registers that a system call does not return in stay as they are. */
static void registers(void)
{
	uint32_t b = 0x11111111, c = 0x22222222, d = 0x33333333, si = 0x44444444, di = 0x55555555,
		 i, pid;

	for (i = 0; i < 50; i++) {
		asm volatile("int $0x80"
			     : "=a"(pid), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di)
			     : "0"(SYS_getpid));
		CHECK(pid == (uint32_t)getpid());
		CHECK(b == 0x11111111 && c == 0x22222222 && d == 0x33333333 && si == 0x44444444 &&
		      di == 0x55555555);
	}
}

static void flags_kept(void)
{
	uint32_t flags, i;

	for (i = 0; i < 2; i++) {
		asm volatile(
		    "movl %2, %%ecx; addl $0x7fffffff, %%ecx; stc; int $0x80; pushfl; popl %0"
		    : "=r"(flags)
		    : "a"(SYS_getpid), "r"(i)
		    : "ecx", "cc", "memory");
		CHECK((flags & 1) == 1);
		CHECK((flags & 0x800) == (i ? 0x800 : 0));
	}
}

/* The kernel starts it where it says; that it may not be there is for the CPU to find. */
static void thread_in_kernel(void)
{
	uint32_t there = KERNEL_BASE + 0x100040;
	struct death d;
	int pid = thread((void (*)(uint32_t))there, stack + 1024, 0);

	CHECK(pid > 0 && wait(&d) == pid);
	CHECK(d.vector == 14 && d.error == 5 && d.cr2 == there && d.eip == there);
}

int main(uint32_t argument)
{
	switch (argument) {
	case 0:
		many_children();
		break;
	case 1:
		exec_child();
		break;
	case 2:
		CHECK(tree(3) == 15);
		break;
	case 3:
		sleep_sort();
		break;
	case 4:
		preempted();
		break;
	case 5:
		kill_spinner();
		break;
	case 6:
		registers();
		break;
	case 7:
		flags_kept();
		break;
	case 8:
		for (;;) /* for the kernel to preempt and to kill */
			;
	case 9:
		thread_in_kernel();
		break;
	default:
		return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Demand paging, copy-on-write, the stack, the heap, and bad pointers given to the kernel. */
#include "user.h"

#define PAGES 64

static volatile uint32_t zero[PAGES][1024];
static volatile uint32_t data[2048] = {[0] = 0x11111111, [1023] = 0x22222222, [2047] = 0x33333333};
static const uint32_t constant = 0x44444444;

static void demand(void)
{
	unsigned i;

	for (i = 0; i < PAGES; i++)
		CHECK(zero[i][i] == 0);
	for (i = 0; i < PAGES; i++)
		zero[i][7] = i + 1;
	for (i = 0; i < PAGES; i++)
		CHECK(zero[i][7] == i + 1 && zero[i][8] == 0);
	CHECK(data[0] == 0x11111111 && data[1023] == 0x22222222 && data[2047] == 0x33333333 &&
	      data[1] == 0);
	CHECK(*(const volatile uint32_t *)&constant == 0x44444444);
}

static uint32_t deep(uint32_t n)
{
	volatile uint32_t pad[64];

	pad[0] = n;
	return n ? deep(n - 1) + pad[0] : 0;
}

static void copy_on_write(void)
{
	struct death d;
	int i, pid;

	zero[0][0] = 1;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(zero[0][0] == 1 && data[0] == 0x11111111);
		zero[0][0] = 2;
		data[0] = 3;
		for (i = 0; i < PAGES; i++)
			zero[i][1] = 5;
		CHECK(zero[0][0] == 2 && data[0] == 3);
		exit(0);
	}
	zero[0][1] = 4;
	CHECK(wait(&d) == pid && d.status == 0 && d.vector == NO_VECTOR);
	CHECK(zero[0][0] == 1 && zero[0][1] == 4 && data[0] == 0x11111111);
	for (i = 1; i < PAGES; i++)
		CHECK(zero[i][1] == 0);
}

/* The other side writes first. */
static void parent_writes(void)
{
	struct death d;
	int pid;

	zero[1][0] = 10;
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		exit(zero[1][0] == 10 ? 0 : __LINE__);
	}
	zero[1][0] = 11;
	CHECK(wait(&d) == pid && d.status == 0);
	CHECK(zero[1][0] == 11);
}

static void heap(void)
{
	uint32_t *p = sbrk(0), *q;

	CHECK(sbrk(3 * PAGE_SIZE) == p);
	CHECK(p[0] == 0 && p[3 * 1024 - 1] == 0);
	p[0] = p[3 * 1024 - 1] = 99;
	CHECK(sbrk(-2 * PAGE_SIZE) == (char *)p + 3 * PAGE_SIZE);
	CHECK(p[0] == 99);
	q = sbrk(PAGE_SIZE);
	CHECK(q == p + 1024 && q[0] == 0);
	CHECK(sbrk(PAGE_SIZE) == q + 1024 && p[3 * 1024 - 1] == 0); /* it comes back as zeroes */
}

/* The kernel writes to pages that are not there yet, or shared. */
static void kernel_faults(void)
{
	struct death *d = (struct death *)&zero[2][0];
	int pid = fork();

	if (!pid)
		exit(17);
	CHECK(wait(d) == pid && d->status == 17); /* absent */
	pid = fork();
	if (!pid)
		exit(d->status + 1);
	CHECK(wait(d) == pid && d->status == 18); /* shared */
}

static void bad_pointers(void)
{
	int pid;

	CHECK(system_call(SYS_write, 0x10, 4, 0) == -1);
	CHECK(system_call(SYS_write, KERNEL_BASE, 4, 0) == -1);
	CHECK(system_call(SYS_write, KERNEL_BASE - 2, 4, 0) == -1);
	CHECK(system_call(SYS_write, 0xfffffffe, 4, 0) == -1);
	pid = fork();
	if (!pid)
		exit(0);
	CHECK(system_call(SYS_wait, (uint32_t)heap, 0, 0) == -1); /* code is read-only */
	pid = fork();
	if (!pid)
		exit(0);
	CHECK(system_call(SYS_wait, 0x10, 0, 0) == -1);
	CHECK(system_call(SYS_exec, 0x10, 0, 0) == -1);
	CHECK(system_call(1000, 0, 0, 0) == -1);
}

int main(uint32_t argument)
{
	switch (argument) {
	case 0:
		demand();
		break;
	case 1:
		CHECK(deep(200) == 200 * 201 / 2);
		break;
	case 2:
		copy_on_write();
		break;
	case 3:
		parent_writes();
		break;
	case 4:
		heap();
		break;
	case 5:
		kernel_faults();
		break;
	case 6:
		bad_pointers();
		break;
	default:
		return -1;
	}
	return 0;
}

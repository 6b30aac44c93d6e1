/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of a thread's own behind %gs, through the GDT and through an LDT. */
#include "user.h"

#define THREADS 4

static uint32_t area[THREADS + 1][4096];
static uint32_t stacks[THREADS][1024];
static volatile bool wrong;

static void load_gs(uint16_t selector)
{
	asm volatile("movw %0, %%gs" ::"r"(selector));
}

static uint32_t gs_read(int32_t offset)
{
	uint32_t value;

	asm volatile("movl %%gs:(%1), %0" : "=r"(value) : "r"(offset) : "memory");
	return value;
}

static void gs_write(int32_t offset, uint32_t value)
{
	asm volatile("movl %0, %%gs:(%1)" ::"r"(value), "r"(offset) : "memory");
}

/* The base is in the middle: what is below it has negative offsets, as thread-local variables do.
 */
static void use(uint32_t where, uint32_t n)
{
	uint32_t *base = &area[n][2048], i;

	load_gs(set_tls(where, base));
	base[0] = n;
	base[-1] = ~n;
	CHECK(gs_read(0) == n && gs_read(-4) == ~n);
	gs_write(4096, n * 3);
	gs_write(-4096, n * 5);
	CHECK(base[1024] == n * 3 && base[-1024] == n * 5);
	for (i = 0; i < 5; i++) {
		sleep_ms(10);
		CHECK(gs_read(0) == n && gs_read(-4) == ~n);
		CHECK(gs_read(4096) == n * 3 && gs_read(-4096) == n * 5);
	}
	load_gs(0);
}

static void run(uint32_t n)
{
	use(n % 2 ? TLS_GDT : TLS_LDT, n);
	exit(0);
}

static void threads(void)
{
	struct death d;
	uint32_t n;

	for (n = 0; n < THREADS; n++)
		CHECK(thread(run, stacks[n] + 1024, n) > 0);
	use(TLS_GDT, THREADS);
	for (n = 0; n < THREADS; n++)
		CHECK(wait(&d) > 0 && d.status == 0 && d.vector == NO_VECTOR);
}

/* The same while the timer takes the CPU away, instead of system calls. */
static void spin(uint32_t n)
{
	uint32_t i;

	load_gs(set_tls(n % 2 ? TLS_GDT : TLS_LDT, &area[n][16]));
	area[n][16] = n;
	for (i = 0; i < 3000000; i++)
		if (gs_read(0) != n)
			exit(__LINE__);
	exit(0);
}

static void preempted(void)
{
	struct death d;
	uint32_t n;

	for (n = 0; n < THREADS; n++)
		CHECK(thread(spin, stacks[n] + 1024, n) > 0);
	for (n = 0; n < THREADS; n++)
		CHECK(wait(&d) > 0 && d.status == 0 && d.vector == NO_VECTOR);
}

int main(uint32_t argument)
{
	switch (argument) {
	case 0:
		use(TLS_GDT, 0);
		break;
	case 1:
		use(TLS_LDT, 1);
		break;
	case 2:
		threads();
		break;
	case 3:
		preempted();
		break;
	default:
		return -1;
	}
	return 0;
}

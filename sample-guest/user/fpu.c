/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floating point and SSE: each process keeps its own registers. Compiled with both in use. */
#include "user.h"

static void load(uint32_t seed)
{
	uint32_t v[4] = {seed, seed * 3, seed * 5, seed * 7};
	uint16_t control = 0x037f;

	asm volatile("fldcw %2; fildl %0; fildl %1" ::"m"(v[0]), "m"(v[1]), "m"(control));
	asm volatile("movups %0, %%xmm0; movups %0, %%xmm7" ::"m"(v) : "xmm0", "xmm7");
}

static bool holds(uint32_t seed)
{
	uint32_t v[4] = {0, 0, 0, 0}, w[4], a, b, i;

	asm volatile("fistl %0; fxch; fistl %1; fxch" : "=m"(b), "=m"(a));
	asm volatile("movups %%xmm0, %0; movups %%xmm7, %1" : "=m"(v), "=m"(w));
	for (i = 0; i < 4; i++)
		if (v[i] != seed * (2 * i + 1) || w[i] != v[i])
			return false;
	return a == seed && b == seed * 3;
}

/* Nothing in these loops may use the registers but load() and holds(). */
static void keeps(uint32_t seed)
{
	volatile uint32_t i;
	uint32_t round;

	load(seed);
	for (round = 0; round < 5; round++) {
		CHECK(holds(seed));
		sleep_ms(10);
		CHECK(holds(seed));
		for (i = 0; i < 2000000; i++)
			;
	}
	CHECK(holds(seed));
}

static void several(void)
{
	struct death d;
	uint32_t n;

	for (n = 1; n <= 4; n++)
		if (!fork()) {
			keeps(n * 1000);
			exit(0);
		}
	keeps(77);
	for (n = 1; n <= 4; n++)
		CHECK(wait(&d) > 0 && d.status == 0 && d.vector == NO_VECTOR);
}

/* All of them come back from the same system call, one after the other. */
static void in_step(uint32_t seed)
{
	uint32_t round;

	load(seed);
	for (round = 0; round < 10; round++) {
		sleep_ms(10);
		CHECK(holds(seed));
	}
}

static void several_in_step(void)
{
	struct death d;
	uint32_t n;

	for (n = 1; n <= 4; n++)
		if (!fork()) {
			in_step(n * 1000);
			exit(0);
		}
	in_step(77);
	for (n = 1; n <= 4; n++)
		CHECK(wait(&d) > 0 && d.status == 0 && d.vector == NO_VECTOR);
}

static void inherited(void)
{
	struct death d;
	int pid;

	load(4321);
	pid = fork();
	if (!pid) {
		CHECK(holds(4321));
		load(1);
		exit(holds(1) ? 0 : __LINE__);
	}
	CHECK(wait(&d) == pid && d.status == 0);
	CHECK(holds(4321));
}

static void clean(void)
{
	uint32_t v[4], mxcsr = 0;
	uint16_t control, status;

	asm volatile("fnstcw %0; fnstsw %1; stmxcsr %2; movups %%xmm5, %3"
		     : "=m"(control), "=m"(status), "=m"(mxcsr), "=m"(v));
	CHECK(control == 0x037f && (status & 0x38ff) == 0 && (mxcsr & 0xffff) == 0x1f80);
}

static double pi(void)
{
	double sum = 0;
	int i;

	for (i = 0; i < 100000; i++)
		sum += (i % 2 ? -4.0 : 4.0) / (2 * i + 1);
	return sum;
}

static void arithmetic(void)
{
	struct death d;
	double mine, other;
	int pid = fork();

	mine = pi();
	if (!pid)
		exit((int)(mine * 100000));
	CHECK(wait(&d) == pid);
	other = d.status;
	CHECK(mine > 3.1415 && mine < 3.1416);
	CHECK(other > 314150 && other < 314160);
}

/* #MF, which ends the process. */
static void divide_x87(void)
{
	uint16_t control = 0x037b; /* division by zero not masked */

	asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(control));
}

int main(uint32_t argument)
{
	switch (argument) {
	case 0:
		several();
		break;
	case 1:
		inherited();
		break;
	case 2:
		clean();
		break;
	case 3:
		arithmetic();
		break;
	case 4:
		divide_x87();
		break;
	case 5:
		several_in_step();
		break;
	default:
		return -1;
	}
	return 0;
}

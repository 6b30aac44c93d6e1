/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Print what the kernel's clocks say at one value of the time-stamp counter, which the host reads
 * too: "TSC-HIGH TSC-LOW SECONDS NANOSECONDS TICKS". The clock is CLOCK_MONOTONIC, a tick is 10 ms
 * of jiffies.
 */
#include "syscall.h"

#define CLOCK_MONOTONIC 1
#define TRIES 64

struct sample {
	unsigned int high, low;
	struct {
		int seconds, nanoseconds;
	} time;
	unsigned int ticks;
};

static unsigned int tsc_low(unsigned int *high)
{
	unsigned int low;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(*high));
	return low;
}

/* The tightest of many readings: in between something else may have run. Its two ends are less than
 * 2^32 cycles apart. */
static struct sample take_sample(void)
{
	struct sample best = {0}, s;
	unsigned int least = ~0u, before, passed, unused;

	for (int i = 0; i < TRIES; i++) {
		before = tsc_low(&s.high);
		SYS2(clock_gettime, CLOCK_MONOTONIC, &s.time);
		s.ticks = (unsigned int)SYS1(times, 0);
		passed = tsc_low(&unused) - before;
		if (passed >= least)
			continue;
		least = passed;
		s.low = before + passed / 2;
		s.high += s.low < before;
		best = s;
	}
	return best;
}

static void say_number(unsigned int n)
{
	char text[12];
	char *p = text + sizeof(text) - 1;

	*p = 0;
	*--p = ' ';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	say(p);
}

void _start(void);
void _start(void)
{
	struct sample s = take_sample();

	say("clock ");
	say_number(s.high);
	say_number(s.low);
	say_number((unsigned int)s.time.seconds);
	say_number((unsigned int)s.time.nanoseconds);
	say_number(s.ticks);
	say("\n");
	exit_program(0);
}

/* SPDX-License-Identifier: MIT */
/* The host's time-stamp counter, which the guest reads as it is: does it keep time, and how fast?
 */
#include <cpuid.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>
#include "wedge/linux/linux.h"
#include "wedge/platform.h"

#define INVARIANT_LEAF 0x80000007u
#define INVARIANT_TSC 0x100u
#define MEASURE_NS 10000000u /* with samples that are good to 30 ns: a few millionths */
#define TRIES 16

struct sample {
	uint64_t tsc, ns;
};

static struct sample begin;
static bool stable;

/* The tightest of a few readings: between its two ends the host ran something else. */
static struct sample take_sample(void)
{
	uint64_t best = UINT64_MAX, before, after;
	struct sample s = {0};
	struct timespec t = {0};

	for (int i = 0; i < TRIES; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC, &t);
		after = __rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		s = (struct sample){.tsc = before + best / 2,
				    .ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec};
	}
	return s;
}

/* The CPU promises it, and the host's kernel has not found otherwise. */
static bool keeps_time(void)
{
	static const char file[] =
	    "/sys/devices/system/clocksource/clocksource0/current_clocksource";
	char name[32] = "";
	uint32_t a, b, c, d = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	bool other = fd >= 0 && read(fd, name, sizeof name - 1) > 0 && strncmp(name, "tsc", 3) &&
		     strncmp(name, "kvm-clock", 9) && strncmp(name, "hyperv_clocksource_tsc", 22);

	if (fd >= 0)
		close(fd);
	return !other && __get_cpuid(INVARIANT_LEAF, &a, &b, &c, &d) && (d & INVARIANT_TSC);
}

void linux_tsc_begin(void)
{
	stable = keeps_time();
	begin = take_sample();
}

uint32_t linux_tsc_khz(void)
{
	struct sample end;

	if (!stable)
		return 0;
	do
		end = take_sample();
	while (end.ns - begin.ns < MEASURE_NS);
	return (uint32_t)(((end.tsc - begin.tsc) * 1000000 + (end.ns - begin.ns) / 2) /
			  (end.ns - begin.ns));
}

bool platform_tsc_stable(void)
{
	return stable;
}

uint64_t platform_tsc(void)
{
	return __rdtsc();
}

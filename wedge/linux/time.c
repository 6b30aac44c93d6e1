/* SPDX-License-Identifier: MIT */
/* Time: one POSIX timer that ends guest code, and the sleep of an idle guest. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include "wedge/linux/debug.h"
#include "wedge/linux/net.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define NS 1000000000ull
#define LISTEN (NS / 10)

static __thread int timer_id;   /* every process of the monitor has one */
static __thread uint64_t armed; /* the time it is set to */
static uint64_t start, wanted = UINT64_MAX;

static uint64_t clock_ns(int clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t); /* the vDSO's, no system call where the TSC is the host's clock */
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

uint64_t platform_now(void)
{
	return clock_ns(CLOCK_MONOTONIC) - start;
}

uint64_t platform_wallclock(void)
{
	return clock_ns(CLOCK_REALTIME) / NS;
}

bool time_init_process(void)
{
	/* The kernel's struct sigevent begins with value, signo, notify: the same in every C
	 * library. */
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};

	long error =
	    host_syscall(SYS_timer_create, CLOCK_MONOTONIC, (long)&e, (long)&timer_id, 0, 0, 0);

	armed = UINT64_MAX;
	if (error < 0)
		platform_message("the host refuses a timer: %s (see ulimit -i)",
				 strerror((int)-error));
	return error == 0;
}

bool time_init(void)
{
	start = clock_ns(CLOCK_MONOTONIC);
	return time_init_process();
}

void time_sync(void)
{
	platform_timer(wanted);
}

/* Whoever is at the terminal or at gdb is listened to, however long the guest goes without a timer
 * of its own. */
static uint64_t listen_by(uint64_t deadline)
{
	uint64_t next;

	if (!terminal_raw() && gdb_fd() < 0)
		return deadline;
	next = (platform_now() / LISTEN + 1) * LISTEN;
	return next < deadline ? next : deadline;
}

static void arm(uint64_t deadline)
{
	struct itimerspec t = {0};

	if (deadline == armed)
		return;
	armed = deadline;
	if (deadline != UINT64_MAX) {
		uint64_t at = start + deadline;
		t.it_value.tv_sec = (time_t)(at / NS);
		t.it_value.tv_nsec = (long)(at % NS);
	}
	host_syscall(SYS_timer_settime, timer_id, TIMER_ABSTIME, (long)&t, 0, 0, 0);
}

void platform_timer(uint64_t deadline)
{
	wanted = deadline;
	arm(listen_by(deadline));
}

void time_again(uint64_t ns)
{
	arm(platform_now() + ns);
}

void platform_idle(uint64_t deadline)
{
	uint64_t now = platform_now();
	uint64_t wait = deadline > now ? deadline - now : 0;
	struct timespec t = {.tv_sec = (time_t)(wait / NS), .tv_nsec = (long)(wait % NS)};
	struct pollfd p[] = {{.fd = serial_input_fd(), .events = POLLIN},
			     {.fd = gdb_fd(), .events = POLLIN},
			     {.fd = net_input_fd(), .events = POLLIN},
			     {.fd = terminal_resized_fd(), .events = POLLIN}};

	serial_flush();
	host_syscall(SYS_ppoll, (long)p, sizeof p / sizeof *p,
		     deadline == UINT64_MAX ? 0 : (long)&t, 0, 0, 0);
	serial_poll();
	linux_machine.m.cpu.stop = p[1].revents || console_open();
}

/* SPDX-License-Identifier: MIT */
/*
 * The person's terminal: raw while the guest runs, restored on every way out, and its size.
 * SIGWINCH is blocked in all of the monitor's processes and read from a descriptor, so that it is
 * neither lost before a sleep nor comes in the middle of anything.
 */
#include <signal.h>
#include <termios.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

static int terminal = -1, resized = -1;
static struct termios saved;
static struct winsize size;

static void read_size(void)
{
	host_syscall(SYS_ioctl, terminal, TIOCGWINSZ, (long)&size, 0, 0, 0);
}

static void watch_size(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	resized = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	read_size();
}

void terminal_init(int fd)
{
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &saved) < 0)
		return;
	t = saved;
	cfmakeraw(&t);
	t.c_oflag =
	    saved.c_oflag; /* what the guest prints still gets its newlines as the user set them */
	if (tcsetattr(fd, TCSANOW, &t) < 0)
		return;
	terminal = fd;
	watch_size();
}

void terminal_restore(void)
{
	if (terminal >= 0)
		host_syscall(SYS_ioctl, terminal, TCSETS, (long)&saved, 0, 0, 0);
	terminal = -1;
}

bool terminal_raw(void)
{
	return terminal >= 0;
}

int terminal_resized_fd(void)
{
	return resized;
}

/* Several signals while nobody looked are one. */
void terminal_resized(void)
{
	struct signalfd_siginfo info;

	if (host_syscall(SYS_read, resized, (long)&info, sizeof info, 0, 0, 0) > 0)
		read_size();
}

bool platform_console_size(uint16_t *columns, uint16_t *rows)
{
	*columns = size.ws_col;
	*rows = size.ws_row;
	return terminal >= 0;
}

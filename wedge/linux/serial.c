/* SPDX-License-Identifier: MIT */
/* COM1 on the process's own descriptors; raw terminal; Ctrl-A x leaves. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define CTRL_A 1

static int in_fd = -1, out_fd = -1;
static struct termios saved;
static bool raw, escape;
static uint8_t out[512];
static unsigned out_len;

bool serial_init(const struct linux_config *c)
{
	struct termios t;

	in_fd = c->serial_in;
	out_fd = c->serial_out;
	if (!c->raw_terminal || in_fd < 0 || tcgetattr(in_fd, &saved) < 0)
		return true;
	t = saved;
	cfmakeraw(&t);
	t.c_oflag =
	    saved.c_oflag; /* what the guest prints still gets its newlines as the user set them */
	raw = tcsetattr(in_fd, TCSANOW, &t) == 0;
	return true;
}

void serial_restore(void)
{
	serial_flush();
	if (raw)
		host_syscall(SYS_ioctl, in_fd, TCSETS, (long)&saved, 0, 0, 0);
	raw = false;
}

int serial_input_fd(void)
{
	return in_fd;
}

void serial_flush(void)
{
	for (unsigned done = 0; done < out_len;) {
		long n =
		    host_syscall(SYS_write, out_fd, (long)(out + done), out_len - done, 0, 0, 0);
		if (n == -EAGAIN) {
			struct pollfd p = {.fd = out_fd, .events = POLLOUT};
			host_syscall(SYS_ppoll, (long)&p, 1, 0, 0, 0, 0);
		} else if (n < 0 && n != -EINTR) {
			break; /* the reader is gone: the guest's line is simply not connected any
				  more */
		} else if (n > 0) {
			done += (unsigned)n;
		}
	}
	out_len = 0;
}

void platform_serial_write(unsigned port, uint8_t byte)
{
	if (port != 0 || out_fd < 0)
		return;
	out[out_len++] = byte;
	if (byte == '\n' || out_len == sizeof out)
		serial_flush();
}

/* One byte from the descriptor, or -1. */
static int read_byte(void)
{
	struct pollfd p = {.fd = in_fd, .events = POLLIN};
	struct timespec none = {0};
	uint8_t byte;

	if (in_fd < 0 || host_syscall(SYS_ppoll, (long)&p, 1, (long)&none, 0, 0, 0) <= 0)
		return -1;
	if (host_syscall(SYS_read, in_fd, (long)&byte, 1, 0, 0, 0) == 1)
		return byte;
	in_fd = -1; /* end of file: never ready again */
	return -1;
}

int platform_serial_read(unsigned port)
{
	int c;

	serial_flush();
	if (port != 0)
		return -1;
	c = read_byte();
	if (!raw)
		return c;
	if (escape && c >= 0) {
		escape = false;
		if (c == 'x')
			platform_exit(&linux_machine.m, WEDGE_EXIT_OK);
		return c;
	}
	if (c == CTRL_A) {
		escape = true;
		return -1;
	}
	return c;
}

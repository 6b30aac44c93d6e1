/* SPDX-License-Identifier: MIT */
/* COM1 and the virtio console on the process's own descriptors; on a terminal Ctrl-A begins a
 * command. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "wedge/linux/debug.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define CTRL_A 1

static int in_fd = -1;
static unsigned in_port; /* which port input is for */
static int ports[PLATFORM_PORTS] = {-1, -1};
static bool escape;
static uint8_t out[512];
static unsigned out_len;
static int out_fd = -1; /* where the bytes in out[] go */

void serial_init(const struct linux_config *c)
{
	in_fd = c->input;
	in_port = c->input_port;
	__builtin_memcpy(ports, c->output, sizeof ports);
	if (c->raw_terminal)
		terminal_init(in_fd);
}

void serial_restore(void)
{
	serial_flush();
	terminal_restore();
}

/*
 * The machine ends with whoever looks at it, as other programs do: the reader of a pipe, a
 * terminal. Otherwise it is only output that is lost.
 */
static _Noreturn void gone(const char *what, int sig)
{
	in_fd = out_fd = -1;
	platform_message("%s", what);
	platform_exit(&linux_machine.m, 128 + sig);
}

static void output_failed(long error)
{
	static long told;

	out_len = 0;
	if (error == -EPIPE)
		gone("nobody reads the guest's output any more: standard output is a closed pipe",
		     SIGPIPE);
	if (error == -EIO && terminal_raw())
		gone("the terminal is gone", SIGHUP);
	if (told == error)
		return;
	told = error;
	platform_message("the guest's output is lost: %s", strerrordesc_np((int)-error));
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
			output_failed(n);
		} else if (n > 0) {
			done += (unsigned)n;
		}
	}
	out_len = 0;
}

void platform_serial_write(unsigned port, uint8_t byte)
{
	if (ports[port] < 0)
		return;
	if (ports[port] != out_fd) {
		serial_flush();
		out_fd = ports[port];
	}
	out[out_len++] = byte;
	if (byte == '\n' || out_len == sizeof out)
		serial_flush();
}

void serial_print(const char *text)
{
	while (*text)
		platform_serial_write(in_port, (uint8_t)*text++);
	serial_flush();
}

/*
 * What the host has for the guest waits in a ring, so that keys behind Ctrl-A are seen though the
 * guest does not read, and the sleep of an idle guest does not end at once for input that it leaves
 * lying. When it is full a file or a pipe waits; a terminal is still listened to for Ctrl-A, and
 * its other keys are lost.
 */
static uint8_t ring[0x10000];
static unsigned ring_head, ring_length;

static void to_guest(uint8_t byte)
{
	if (ring_length < sizeof ring)
		ring[(ring_head + ring_length++) % sizeof ring] = byte;
}

static void help(void)
{
	serial_print("\nCtrl-A h  this help\nCtrl-A x  end the machine\n"
		     "Ctrl-A c  console, and back\nCtrl-A Ctrl-A  send Ctrl-A\n");
}

/* The key behind Ctrl-A; one that means nothing is dropped. */
static void command(uint8_t key)
{
	switch (key) {
	case 'x':
		platform_exit(&linux_machine.m, WEDGE_EXIT_OK);
	case 'c':
		console_toggle();
		break;
	case 'h':
		help();
		break;
	case CTRL_A:
		to_guest(key);
		break;
	}
}

static void receive(uint8_t byte)
{
	bool escaped = escape;

	escape = terminal_raw() && !escaped && byte == CTRL_A;
	if (escaped)
		command(byte);
	else if (!escape && console_open())
		console_key(byte);
	else if (!escape)
		to_guest(byte);
}

/* Take some of what there is. True: there may be more. */
static bool take_input(void)
{
	struct pollfd p[] = {{.fd = in_fd, .events = POLLIN},
			     {.fd = terminal_resized_fd(), .events = POLLIN}};
	struct timespec none = {0};
	uint8_t bytes[256];
	unsigned room = terminal_raw() ? sizeof bytes : sizeof ring - ring_length;
	long n;

	if (in_fd < 0 || !room || host_syscall(SYS_ppoll, (long)p, 2, (long)&none, 0, 0, 0) <= 0)
		return false;
	if (p[1].revents)
		terminal_resized();
	if (!p[0].revents)
		return false;
	if (room > sizeof bytes)
		room = sizeof bytes;
	n = host_syscall(SYS_read, in_fd, (long)bytes, room, 0, 0, 0);
	for (long i = 0; i < n; i++)
		receive(bytes[i]);
	if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) {
		if (terminal_raw())
			gone("the terminal is gone", SIGHUP);
		in_fd = -1; /* end of file: never ready again */
	}
	return n == (long)room;
}

void serial_poll(void)
{
	while (take_input())
		;
}

int serial_input_fd(void)
{
	return terminal_raw() || ring_length < sizeof ring ? in_fd : -1;
}

int platform_serial_read(unsigned port)
{
	uint8_t byte;

	serial_flush();
	if (port != in_port)
		return -1;
	if (!ring_length)
		serial_poll();
	if (!ring_length)
		return -1;
	byte = ring[ring_head];
	ring_head = (ring_head + 1) % sizeof ring;
	ring_length--;
	return byte;
}

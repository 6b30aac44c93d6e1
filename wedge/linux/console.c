/* SPDX-License-Identifier: MIT */
/* Ctrl-A c: a console on the guest's terminal. The guest stands still while it is open. */
#include <poll.h>
#include "wedge/core/info.h"
#include "wedge/devices/devices.h"
#include "wedge/linux/debug.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define DELETE 0x7f
#define CTRL_U 0x15

static bool open;
static char line[128];
static unsigned length;
static bool complete;

bool console_open(void)
{
	return open;
}

static void put_line(void *to, const char *text)
{
	(void)to;
	serial_print(text);
	serial_print("\n");
}

static void prompt(void)
{
	length = 0;
	complete = false;
	serial_print("(afterburn) ");
}

void console_toggle(void)
{
	open = !open;
	serial_print("\n");
	if (open)
		prompt();
}

/* A line's worth of editing: backspace and Ctrl-U. What follows a complete line too soon is lost.
 */
void console_key(uint8_t key)
{
	if (complete)
		return;
	if (key == '\r' || key == '\n') {
		line[length] = '\0';
		complete = true;
		serial_print("\n");
	} else if ((key == '\b' || key == DELETE) && length) {
		length--;
		serial_print("\b \b");
	} else if (key == CTRL_U) {
		for (; length; length--)
			serial_print("\b \b");
	} else if (key >= ' ' && key < DELETE && length < sizeof line - 1) {
		line[length++] = (char)key;
		serial_print((const char[]){(char)key, '\0'});
	}
}

/* system_powerdown presses a button of ACPI, and this machine has no ACPI. */
static void powerdown(void)
{
	serial_print(
	    "the machine has no ACPI, so no power button: power off in the guest, or quit\n");
}

static bool is(const char *name)
{
	unsigned n = 0;

	while (n < length && line[n] == name[n])
		n++;
	return n == length && !name[n];
}

static void execute(struct vcpu *v)
{
	while (length && line[length - 1] == ' ')
		line[--length] = '\0';
	if (!length)
		return;
	if (is("quit") || is("q")) {
		platform_exit(v->machine, WEDGE_EXIT_OK);
	} else if (is("system_reset")) {
		open = false;
		machine_reset(v->machine);
	} else if (is("system_powerdown")) {
		powerdown();
	} else if (is("help")) {
		serial_print(INFO_HELP
			     ", system_reset, system_powerdown, quit, help; Ctrl-A c goes back\n");
	} else if (!info_command(v, line, put_line, NULL)) {
		serial_print("unknown command; try help\n");
	}
}

void console_run(struct vcpu *v)
{
	while (open) {
		struct pollfd p = {.fd = serial_input_fd(), .events = POLLIN};

		if (complete) {
			execute(v);
			prompt();
		}
		if (p.fd < 0)
			open = false; /* the terminal is gone */
		else
			host_syscall(SYS_ppoll, (long)&p, 1, 0, 0, 0, 0);
		serial_poll();
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * The connection to gdb, and the guest stopped for it.
 *
 * The monitor is several processes (spaces.c), of which any may have to speak to gdb, and none may
 * open a descriptor any more. So one more process, the relay, accepts connections and passes bytes
 * on: to and from a pair of sockets that the others have had from the start. A message of no bytes
 * to the monitor says that gdb has gone. The relay ends when the monitor does.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include "wedge/core/gdb.h"
#include "wedge/linux/debug.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define CHUNK 4096

static struct gdb gdb;
static int link_fd = -1;
static enum { RUNNING, STOPPED, STEPPING } mode;
static uint32_t step_from;
static int stop_signal; /* not 0: stop at the end of this exit, and tell gdb so */
static bool stop_at_breakpoint;
static bool look; /* time to see whether gdb has something to say */

/* The relay. */

static bool write_all(int fd, const char *bytes, ssize_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, (size_t)n);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0)
			bytes += done, n -= done;
	}
	return true;
}

static int accept_client(int listening)
{
	int one = 1, fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

/* From gdb to the monitor. False: gdb has gone. */
static bool pass_on(int client, int link)
{
	char bytes[CHUNK];
	ssize_t n = read(client, bytes, sizeof bytes);

	if (n < 0 && errno == EINTR)
		return true;
	send(link, bytes, n > 0 ? (size_t)n : 0, 0);
	return n > 0;
}

static _Noreturn void relay(int listening, int link)
{
	char bytes[2 * CHUNK];
	int client = -1;

	for (;;) {
		struct pollfd p[] = {{.fd = client < 0 ? listening : client, .events = POLLIN},
				     {.fd = link, .events = POLLIN}};

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents) {
			ssize_t n = read(link, bytes, sizeof bytes);

			if (n <= 0)
				_exit(0);
			if (client >= 0)
				write_all(client, bytes, n);
		}
		if (p[0].revents && client < 0) {
			client = accept_client(listening);
		} else if (p[0].revents && !pass_on(client, link)) {
			close(client);
			client = -1;
		}
	}
}

static void send_to_gdb(const void *bytes, size_t size)
{
	host_syscall(SYS_write, link_fd, (long)bytes, (long)size, 0, 0, 0);
}

bool gdb_init(const struct linux_config *c)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
	int ends[2];
	pid_t pid;

	if (c->gdb_listen < 0)
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 || (pid = fork()) < 0) {
		platform_message("no process for gdb's connection");
		return false;
	}
	if (pid == 0) {
		for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
			signal(ignored[i], SIG_IGN);
		close(ends[0]);
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		if (!sandbox_relay())
			_exit(WEDGE_EXIT_INTERNAL);
		relay(c->gdb_listen, ends[1]);
	}
	close(ends[1]);
	close(c->gdb_listen);
	link_fd = ends[0];
	gdb.send = send_to_gdb;
	gdb.signal = GDB_SIGTRAP;
	return true;
}

int gdb_fd(void)
{
	return link_fd;
}

/* The guest. */

bool gdb_stepping(void)
{
	return mode == STEPPING;
}

static void stop(int signal, bool at_breakpoint)
{
	stop_signal = signal;
	stop_at_breakpoint = at_breakpoint;
}

static bool readable(void)
{
	struct pollfd p = {.fd = link_fd, .events = POLLIN};
	struct timespec none = {0};

	return host_syscall(SYS_ppoll, (long)&p, 1, (long)&none, 0, 0, 0) > 0;
}

bool gdb_takes(struct vcpu *v, const struct exit *x, bool stepped)
{
	if (link_fd < 0)
		return false;
	look = x->kind == EXIT_INTERRUPT; /* time.c makes one now and then */
	gdb_retry(&gdb, v);
	if (x->kind == EXIT_EXCEPTION && x->vector == VEC_BP && gdb_hit(&gdb, v)) {
		stop(GDB_SIGTRAP, true);
		return true;
	}
	if (stepped && mode == STEPPING)
		stop(GDB_SIGTRAP, false);
	return false;
}

bool gdb_wanted(const struct vcpu *v)
{
	if (link_fd < 0)
		return false;
	if (mode == STEPPING && v->eip != step_from)
		stop(GDB_SIGTRAP, false);
	return stop_signal || ((look || v->stop) && readable());
}

static void detach(struct vcpu *v)
{
	gdb_unbreak_all(&gdb);
	gdb.frame = FRAME_IDLE;
	gdb.reply_length = 0;
	mode = RUNNING;
	v->hold = false;
}

/* A rewritten site, and the far call that fastpath.c puts before an `int $0x80`, are done by the
 * monitor: one instruction for gdb, whatever runs in their place. */
static bool step_over(struct vcpu *v)
{
	uint32_t address = v->seg[SEG_CS].base + v->eip;
	struct site *s = v->cpl ? NULL : gdb_site(&gdb, v, address);
	uint8_t code[FASTPATH_SLOT];

	if (s && address - s->slot <= s->insn_off) {
		v->eip += s->slot + s->insn_off - address;
		vcpu_exit(v, &(struct exit){.kind = EXIT_SITE,
					    .site = (uint32_t)(s - v->machine->sites)});
		return true;
	}
	if (s) {
		v->eip += s->slot + s->slot_len - address;
		return true;
	}
	if (v->cpl == 3 && gdb_read(&gdb, v, address, code, sizeof code) == sizeof code &&
	    code[0] == 0x9a && code[7] == 0xcd && code[8] == 0x80) {
		v->eip += sizeof code;
		vcpu_exit(v, &(struct exit){.kind = EXIT_SYSCALL});
		return true;
	}
	return false;
}

static void step(struct vcpu *v)
{
	v->hold = !v->halted;
	if (!v->halted && step_over(v) && !v->halted) {
		gdb_stopped(&gdb, GDB_SIGTRAP, false);
		return;
	}
	mode = STEPPING; /* if halted, until an interrupt */
	step_from = v->eip;
}

static void act(struct vcpu *v, enum gdb_action action)
{
	switch (action) {
	case GDB_STAY:
		break;
	case GDB_STEP:
		step(v);
		break;
	case GDB_DETACH:
		detach(v);
		break;
	case GDB_CONTINUE:
		mode = RUNNING;
		v->hold = false;
		break;
	case GDB_KILL:
		platform_exit(v->machine, WEDGE_EXIT_OK);
	}
}

/* Anything from gdb stops the guest: an interrupt with a report, a packet for its answer. */
static void take(struct vcpu *v, uint8_t byte)
{
	switch (gdb_receive(&gdb, byte)) {
	case GDB_NOTHING:
		break;
	case GDB_INTERRUPT:
		if (mode != STOPPED)
			gdb_stopped(&gdb, GDB_SIGINT, false);
		mode = STOPPED;
		break;
	case GDB_PACKET_READY:
		mode = STOPPED;
		act(v, gdb_packet(&gdb, v));
	}
}

static void take_all(struct vcpu *v)
{
	static uint8_t bytes[CHUNK];
	long n = host_syscall(SYS_read, link_fd, (long)bytes, sizeof bytes, 0, 0, 0);

	if (n == 0)
		detach(v);
	for (long i = 0; i < n; i++)
		take(v, bytes[i]);
}

/* Signals may come meanwhile, though this is often inside a handler. */
static void wait(void)
{
	struct pollfd p[] = {{.fd = link_fd, .events = POLLIN},
			     {.fd = serial_input_fd(), .events = POLLIN}};

	host_syscall(SYS_ppoll, (long)p, 2, 0, 0, 0, 0);
	serial_poll();
}

void gdb_stop(struct vcpu *v)
{
	serial_flush();
	if (stop_signal) {
		mode = STOPPED;
		v->hold = false;
		gdb_stopped(&gdb, stop_signal, stop_at_breakpoint);
		stop_signal = 0;
	}
	do {
		if (mode == STOPPED)
			wait();
		if (console_open())
			console_run(v);
		if (readable())
			take_all(v);
	} while (mode == STOPPED);
}

void gdb_begin(struct vcpu *v)
{
	mode = STOPPED;
	gdb_stop(v);
}

void gdb_reset(void)
{
	gdb_forget(&gdb);
	mode = RUNNING;
	stop_signal = 0;
}

void gdb_end(int status)
{
	if (link_fd >= 0 && gdb.reply_length)
		gdb_exited(&gdb, status);
}

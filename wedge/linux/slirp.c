/* SPDX-License-Identifier: MIT */
/*
 * User-mode networking: libslirp in a process of its own, without the guest's RAM, which talks
 * Ethernet frames over a socket, one a message. It opens sockets of the host for what the guest
 * does, so its sandbox is another than the monitor's. It ends when the monitor's end of the socket
 * closes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "wedge/linux/net.h"
#include "wedge/platform.h"

#define MAX_POLLED 1024
#define FRAME_MAX 65536
#define TIMERS 8
#define NS_PER_MS 1000000

static struct pollfd polled[MAX_POLLED];
static unsigned nr_polled;
static int monitor; /* the socket */

static struct timer {
	SlirpTimerCb call;
	void *arg;
	int64_t due; /* milliseconds; INT64_MAX: not set */
} timers[TIMERS];
static unsigned nr_timers;

/* What it may ask of the host. Anything else fails with EPERM. */
static const int allowed[] = {
    SCMP_SYS(socket), /* the guest's connections */
    SCMP_SYS(connect),      SCMP_SYS(bind),        SCMP_SYS(listen),
    SCMP_SYS(accept),       SCMP_SYS(accept4),     SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),  SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),   SCMP_SYS(sendto),      SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),      SCMP_SYS(recvmsg),     SCMP_SYS(read),
    SCMP_SYS(write),        SCMP_SYS(readv),       SCMP_SYS(writev),
    SCMP_SYS(poll),         SCMP_SYS(ppoll),       SCMP_SYS(close),
    SCMP_SYS(fcntl),        SCMP_SYS(newfstatat),                  /* resolv.conf */
    SCMP_SYS(fstat),        SCMP_SYS(lseek),       SCMP_SYS(mmap), /* malloc */
    SCMP_SYS(munmap),       SCMP_SYS(mremap),      SCMP_SYS(brk),
    SCMP_SYS(madvise),      SCMP_SYS(futex),       SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),   SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(exit_group),
};

static bool close_sandbox(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof allowed / sizeof *allowed; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	/* No other ioctl: its terminal is that of the monitor. */
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, FIONREAD));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, FIONBIO));
	/* resolv.conf changes while a laptop travels: files may be read. */
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return !err;
}

static int64_t now_ns(void *opaque)
{
	struct timespec t = {0};

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

/* A frame for which the socket has no room is lost; TCP sends it again. */
static ssize_t send_frame(const void *frame, size_t size, void *opaque)
{
	(void)opaque;
	if (send(monitor, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    (errno == EPIPE || errno == ECONNRESET))
		_exit(0);
	return (ssize_t)size;
}

static void guest_error(const char *text, void *opaque)
{
	(void)text, (void)opaque;
}

static void *timer_new(SlirpTimerCb call, void *arg, void *opaque)
{
	(void)opaque;
	if (nr_timers == TIMERS)
		abort();
	timers[nr_timers] = (struct timer){.call = call, .arg = arg, .due = INT64_MAX};
	return &timers[nr_timers++];
}

static void timer_free(void *timer, void *opaque)
{
	(void)opaque;
	((struct timer *)timer)->due = INT64_MAX;
}

static void timer_mod(void *timer, int64_t due, void *opaque)
{
	(void)opaque;
	((struct timer *)timer)->due = due;
}

static void poll_fd(int fd, void *opaque)
{
	(void)fd, (void)opaque; /* the list is made anew each time */
}

static void notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = send_frame,
    .guest_error = guest_error,
    .clock_get_ns = now_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = poll_fd,
    .unregister_poll_fd = poll_fd,
    .notify = notify,
};

static const struct {
	int slirp;
	short host;
} events[] = {
    {SLIRP_POLL_IN, POLLIN},   {SLIRP_POLL_OUT, POLLOUT}, {SLIRP_POLL_PRI, POLLPRI},
    {SLIRP_POLL_ERR, POLLERR}, {SLIRP_POLL_HUP, POLLHUP},
};
#define NR_EVENTS (sizeof events / sizeof *events)

static int add_poll(int fd, int wanted, void *opaque)
{
	short host = 0;

	(void)opaque;
	if (nr_polled == MAX_POLLED)
		return -1;
	for (size_t i = 0; i < NR_EVENTS; i++)
		if (wanted & events[i].slirp)
			host |= events[i].host;
	polled[nr_polled] = (struct pollfd){.fd = fd, .events = host};
	return (int)nr_polled++;
}

static int get_events(int index, void *opaque)
{
	int found = 0;

	(void)opaque;
	for (size_t i = 0; index >= 0 && i < NR_EVENTS; i++)
		if (polled[index].revents & events[i].host)
			found |= events[i].slirp;
	return found;
}

static void run_timers(uint32_t *wait)
{
	int64_t now = now_ns(NULL) / NS_PER_MS;

	for (unsigned i = 0; i < nr_timers; i++) {
		if (timers[i].due <= now) {
			timers[i].due = INT64_MAX;
			timers[i].call(timers[i].arg);
		}
		if (timers[i].due != INT64_MAX && timers[i].due - now < *wait)
			*wait = (uint32_t)(timers[i].due - now);
	}
}

static void from_monitor(Slirp *s)
{
	static uint8_t frame[FRAME_MAX];
	ssize_t n;

	while ((n = recv(monitor, frame, sizeof frame, MSG_DONTWAIT)) > 0)
		slirp_input(s, frame, (int)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		_exit(0); /* the machine has ended */
}

static _Noreturn void loop(Slirp *s)
{
	for (;;) {
		uint32_t wait = 1000;
		int n;

		run_timers(&wait);
		nr_polled = 0;
		add_poll(monitor, SLIRP_POLL_IN, NULL);
		slirp_pollfds_fill(s, &wait, add_poll, NULL);
		n = poll(polled, nr_polled, (int)wait);
		slirp_pollfds_poll(s, n < 0, get_events, NULL);
		if (n > 0 && polled[0].revents)
			from_monitor(s);
	}
}

/* The network of QEMU's -nic user: 10.0.2.0/24, host .2, name server .3, the guest .15 by DHCP. */
static Slirp *make_network(void)
{
	SlirpConfig c = {
	    .version = 1,
	    .in_enabled = true,
	    .vnetwork.s_addr = htonl(0x0a000200),
	    .vnetmask.s_addr = htonl(0xffffff00),
	    .vhost.s_addr = htonl(0x0a000202),
	    .vnameserver.s_addr = htonl(0x0a000203),
	    .vdhcp_start.s_addr = htonl(0x0a00020f),
	};

	return slirp_new(&c, &callbacks, NULL);
}

/* Answer the monitor, which waits: 0, or the number of the forward that failed and why. */
struct answer {
	int forward; /* -1: none failed */
	int error;
};

static _Noreturn void run(const struct linux_forward *forwards, unsigned n)
{
	struct answer a = {.forward = -1};
	struct in_addr guest = {.s_addr = htonl(0x0a00020f)};
	Slirp *s;

	close_range(STDERR_FILENO + 1, (unsigned)monitor - 1, 0);
	close_range((unsigned)monitor + 1, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, sig == SIGHUP || sig == SIGINT || sig == SIGQUIT || sig == SIGTERM ||
				    sig == SIGPIPE
				? SIG_IGN
				: SIG_DFL);
	s = make_network();
	for (unsigned i = 0; s && i < n && a.forward < 0; i++) {
		const struct linux_forward *f = &forwards[i];

		if (slirp_add_hostfwd(s, f->udp, f->host, f->host_port,
				      f->guest.s_addr ? f->guest : guest, f->guest_port) < 0)
			a = (struct answer){.forward = (int)i, .error = errno};
	}
	if (a.forward < 0 && (!s || !close_sandbox()))
		a = (struct answer){.forward = (int)n, .error = ENOMEM};
	if (send(monitor, &a, sizeof a, MSG_NOSIGNAL) < 0 || a.forward >= 0)
		_exit(1);
	loop(s);
}

/* Not a child of the monitor, which watches over those: forked twice. */
static bool fork_away(int theirs, const struct linux_forward *forwards, unsigned n)
{
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (pid == 0) {
		monitor = theirs;
		pid = fork();
		if (pid == 0)
			run(forwards, n);
		_exit(pid < 0);
	}
	return waitpid(pid, NULL, 0) == pid;
}

int slirp_start(const struct linux_forward *forwards, unsigned n)
{
	struct answer a = {.forward = (int)n, .error = ECONNRESET};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    !fork_away(pair[1], forwards, n)) {
		platform_message("-nic user: %s", strerror(errno));
		return -1;
	}
	close(pair[1]);
	if (recv(pair[0], &a, sizeof a, 0) == sizeof a && a.forward < 0 &&
	    fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0)
		return pair[0];
	if (a.forward < (int)n)
		platform_message("-nic user: cannot forward port %u of the host: %s",
				 forwards[a.forward].host_port, strerror(a.error));
	else
		platform_message("-nic user: cannot start the network: %s", strerror(a.error));
	close(pair[0]);
	return -1;
}

/* SPDX-License-Identifier: MIT */
/*
 * The network card's wire: a descriptor that takes and gives one Ethernet frame a call. Either a
 * tap interface, or the socket of the process that runs libslirp (slirp.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "wedge/linux/net.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define FULL_WAIT_NS 100000000 /* then the frame is lost */

static int wire = -1;
static bool awake; /* a frame is to end the sleep of an idle guest */

bool linux_nic_tap(const char *interface)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (strlen(interface) >= sizeof r.ifr_name) {
		platform_message("-nic tap: `%s' is too long a name", interface);
		return false;
	}
	memcpy(r.ifr_name, interface, strlen(interface));
	wire = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (wire < 0)
		platform_message("/dev/net/tun: %s", strerror(errno));
	else if (ioctl(wire, TUNSETIFF, &r) < 0)
		platform_message("-nic tap: interface %s: %s", interface, strerror(errno));
	else
		return true;
	return false;
}

bool linux_nic_user(const struct linux_forward *forwards, unsigned n)
{
	wire = slirp_start(forwards, n);
	return wire >= 0;
}

void platform_net_send(const struct platform_buffer *frame, unsigned n)
{
	struct pollfd p = {.fd = wire, .events = POLLOUT};
	struct timespec wait = {.tv_nsec = FULL_WAIT_NS};
	long r;

	if (wire < 0)
		return;
	r = host_syscall(SYS_writev, wire, (long)frame, n, 0, 0, 0);
	if (r == -EAGAIN && host_syscall(SYS_ppoll, (long)&p, 1, (long)&wait, 0, 0, 0) > 0)
		host_syscall(SYS_writev, wire, (long)frame, n, 0, 0, 0);
}

size_t platform_net_receive(void *frame, size_t size)
{
	long r = wire < 0 ? 0 : host_syscall(SYS_read, wire, (long)frame, (long)size, 0, 0, 0);

	if (wire >= 0 && (r == 0 || r == -ECONNRESET)) {
		platform_message("the network is gone: its process has ended");
		wire = -1;
	}
	return r > 0 ? (size_t)r : 0;
}

void platform_net_wake(bool wake)
{
	awake = wake;
}

int net_input_fd(void)
{
	return awake ? wire : -1;
}

/* SPDX-License-Identifier: MIT */
/* What the loader needs of platform `linux` beyond platform.h: create the machine, start it. */
#ifndef WEDGE_LINUX_LINUX_H
#define WEDGE_LINUX_LINUX_H

#include <netinet/in.h>
#include "wedge/core/machine.h"
#include "wedge/platform.h"

struct linux_config {
	struct trace
	    *trace;        /* profiling mode: memory that is shared with who reads it; else null */
	uint32_t ram_size; /* bytes, multiple of 4096, at most 3 GiB */
	int input;         /* file descriptor or -1 */
	unsigned input_port;        /* which port (platform.h) it is for */
	int output[PLATFORM_PORTS]; /* file descriptors or -1 */
	bool raw_terminal;          /* input is a terminal: raw mode, Ctrl-A x leaves */
	bool stats, no_reboot;
	bool isolated;   /* ring 3 in host processes of its own */
	int gdb_listen;  /* a listening socket for gdb, or -1 */
	bool stopped;    /* wait for gdb before the first instruction */
	uint32_t window; /* linear address of the window; 0: LINUX_WINDOW_DEFAULT */
};

#define LINUX_DRIVES VIRTIO_SLOTS

/* Open the next drive's image and lock it. On false a message has been printed. The name stays the
 * caller's, for messages. */
bool linux_drive(const char *file, bool read_only);

/* A port of the host that leads to one of the guest; addresses in network byte order, 0: any, and
 * the guest that DHCP knows. */
struct linux_forward {
	bool udp;
	struct in_addr host, guest;
	uint16_t host_port, guest_port;
};
#define LINUX_FORWARDS 16

/* Connect the network card: to libslirp, which starts in a process of its own, or to a tap
 * interface. Before linux_drive and linux_create. On false a message has been printed. */
bool linux_nic_user(const struct linux_forward *forwards, unsigned n);
bool linux_nic_tap(const char *interface);

/* How fast the host's time-stamp counter is by the host's clock, in kHz; 0: it does not keep time.
 * begin comes first, and the more happens in between, the less has to be waited. */
void linux_tsc_begin(void);
uint32_t linux_tsc_khz(void);

#define LINUX_WINDOW_DEFAULT 0xffc00000u
#define LINUX_WINDOW_SIZE 0x400000u

/*
 * Allocate RAM (zeroed; m->ram is writable at once), the window, devices and the reset vCPU.
 * Returns null and has printed why on failure. The loader then fills RAM, emits trampolines into
 * linux_trampolines(), sets the boot registers in m->cpu, and calls linux_run.
 */
struct machine *linux_create(const struct linux_config *c);

/* Where trampolines go: *at is the linear address of *code, *room its size in bytes. */
void linux_trampolines(struct machine *m, uint8_t **code, uint32_t *at, size_t *room);

/* Close the sandbox and run the guest. reload is called after a guest reset (single-threaded,
 * monitor context) and must rebuild RAM and boot registers; false ends the machine. */
_Noreturn void linux_run(struct machine *m, bool (*reload)(struct machine *m, void *arg),
			 void *arg);

#endif

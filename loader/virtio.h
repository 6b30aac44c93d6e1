/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which virtio device is at which transport: the same on every platform. */
#ifndef LOADER_VIRTIO_H
#define LOADER_VIRTIO_H

#include "loader/run.h"
#include "wedge/linux/linux.h"

#define VIRTIO_WORDS_SIZE 512
#define VIRTIO_MAX_DEVICES                                                                         \
	(VIRTIO_SLOTS - 1u) /* one transport has the line of the real-time clock */

/* One -drive, as far as platform linux knows it. */
struct drive_spec {
	char *file;
	bool read_only;
};

/* "file=F,format=raw,readonly=on": a comma in a name is written twice. On false a message has been
 * printed. */
bool drive_parse(const char *spec, struct drive_spec *d);

/* One -nic, as far as platform linux knows it. */
struct nic_spec {
	char *tap; /* the interface; null: user-mode networking */
	struct linux_forward forwards[LINUX_FORWARDS];
	unsigned nr_forwards;
};

/* "user,hostfwd=tcp:[ADDRESS]:PORT-[ADDRESS]:PORT,..." or "tap,ifname=NAME". On false a message has
 * been printed. */
bool nic_parse(const char *spec, struct nic_spec *nic);

/* How many transports the options ask for. */
unsigned virtio_wanted(const struct run_options *o);

/* Give each device that the options name its transport, and entropy the next free one unless the
 * options are against it. No more are wanted than there are. */
void virtio_assign(const struct run_options *o, struct virtio_slot slots[VIRTIO_SLOTS]);

/* The words on Linux's command line that name the transports in use: without ACPI it has no other
 * way to learn of them. */
void virtio_words(const struct virtio_slot slots[VIRTIO_SLOTS], char words[VIRTIO_WORDS_SIZE]);

#endif

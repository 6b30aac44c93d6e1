/* SPDX-License-Identifier: MIT */
/*
 * virtio devices at virtio-mmio transports (virtio 1.2, 4.2). A device is a struct virtio_class;
 * virtio-mmio.c has the registers, the life cycle and the interrupts.
 */
#ifndef WEDGE_DEVICES_VIRTIO_H
#define WEDGE_DEVICES_VIRTIO_H

#include "wedge/devices/virtqueue.h"

/* Where QEMU's microvm has them: one behind the other, each with the next interrupt line. */
#define VIRTIO_BASE 0xfeb00000u
#define VIRTIO_SIZE 0x200u
#define VIRTIO_LINE 5u

#define VIRTIO_QUEUES 2   /* of a device */
#define VIRTIO_CONFIG 64u /* bytes of configuration space, of a device */

/* Interrupt status, 4.2.2. */
#define VIRTIO_INT_USED 1u
#define VIRTIO_INT_CONFIG 2u

struct virtio_device;

struct virtio_class {
	uint32_t id;
	unsigned nr_queues;
	uint16_t queue_size; /* at most so many descriptors; 0: VIRTQ_MAX */
	/* Fill in d->offered (its own bits) and d->config. */
	void (*init)(struct virtio_device *d);
	/* The driver has put requests into the queue. */
	void (*notify)(struct virtio_device *d, unsigned queue);
};

struct virtio_device {
	const struct virtio_class *class;
	struct machine *m;
	unsigned unit; /* for platform.h */
	unsigned slot;
	uint64_t offered, accepted; /* features */
	uint32_t offered_select, accepted_select, queue_select;
	uint32_t status, interrupt;
	uint32_t generation; /* of config */
	struct virtqueue queues[VIRTIO_QUEUES];
	uint8_t config[VIRTIO_CONFIG];
};

extern const struct virtio_class virtio_block, virtio_console, virtio_entropy, virtio_network;

/* May the device touch this queue? */
bool virtio_queue_live(const struct virtio_device *d, unsigned queue);

/* Requests were given back: interrupt if the driver wants it. */
void virtio_used(struct virtio_device *d, unsigned queue);

/* d->config is another now: tell the driver. */
void virtio_config_changed(struct virtio_device *d);

/* The driver did what the specification forbids: the device needs a reset (2.1.1). */
void virtio_broken(struct virtio_device *d, const char *why);

#endif

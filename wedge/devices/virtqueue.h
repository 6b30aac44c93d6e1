/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues (virtio 1.2, 2.7), the device's side.
 *
 * Rings and descriptors lie in guest RAM and are the guest's to get wrong: each is read once,
 * checked against RAM, and kept here. What is against the specification is VIRTQ_BROKEN; the
 * device then stops until the driver resets it.
 */
#ifndef WEDGE_DEVICES_VIRTQUEUE_H
#define WEDGE_DEVICES_VIRTQUEUE_H

#include "wedge/core/machine.h"
#include "wedge/platform.h"

#define VIRTQ_MAX 256 /* descriptors in a queue */

struct virtqueue {
	struct machine *m;
	uint64_t table, avail, used; /* guest-physical: descriptor, driver and device area */
	uint16_t size;
	bool ready;
	bool event_index;      /* VIRTIO_F_EVENT_IDX was negotiated */
	uint16_t next_avail;   /* index of the next chain to take */
	uint16_t next_used;    /* index of the next element to give */
	uint16_t signalled;    /* next_used at the last look whether to interrupt */
	const char *complaint; /* why it is broken */
};

/* One request: buffers the device reads, then buffers it writes. virtq_pull and virtq_push use them
 * up from the front. */
struct virtq_chain {
	uint16_t head;
	uint16_t nr_out, nr_in;
	struct platform_buffer *out, *in; /* in buffers[] */
	struct platform_buffer buffers[VIRTQ_MAX];
};

enum virtq_result { VIRTQ_EMPTY, VIRTQ_CHAIN, VIRTQ_BROKEN };

/* The driver says that the queue is set up. False: not a place for one. */
bool virtq_enable(struct virtqueue *q);

/* Is there a request to take, as far as the driver's index tells? */
bool virtq_waiting(const struct virtqueue *q);

/* Take the next request from the available ring. */
enum virtq_result virtq_take(struct virtqueue *q, struct virtq_chain *c);

/* Return a request; written: bytes that the device wrote to it. */
void virtq_give(struct virtqueue *q, const struct virtq_chain *c, uint32_t written);

/* After one or more virtq_give: does the driver want to hear of it? */
bool virtq_wants_interrupt(struct virtqueue *q);

/* Sizes of what is left. */
uint64_t virtq_out_size(const struct virtq_chain *c);
uint64_t virtq_in_size(const struct virtq_chain *c);

/* Move bytes out of, or into, the chain. False: it has not so many, and is as it was. */
bool virtq_pull(struct virtq_chain *c, void *to, size_t size);
bool virtq_push(struct virtq_chain *c, const void *from, size_t size);

/* Take the last byte off the buffers that the device writes; null if there is none. */
uint8_t *virtq_last_byte(struct virtq_chain *c);

#endif

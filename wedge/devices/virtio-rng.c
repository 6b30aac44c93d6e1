/* SPDX-License-Identifier: MIT */
/* Entropy (virtio 1.2, 5.4): every buffer is filled at once. */
#include "wedge/devices/devices.h"
#include "wedge/devices/virtio.h"

#define MAX_BYTES 4096u /* a request; the driver gets less than it asked for, and asks again */

static void init(struct virtio_device *d)
{
	d->offered = 0;
}

static uint32_t fill(struct virtq_chain *c)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < c->nr_in && done < MAX_BYTES; i++) {
		size_t size = c->in[i].size;

		if (size > MAX_BYTES - done)
			size = MAX_BYTES - done;
		if (size && !platform_random(c->in[i].base, size))
			break;
		done += (uint32_t)size;
	}
	return done;
}

static void notify(struct virtio_device *d, unsigned queue)
{
	static struct virtq_chain chain;
	struct virtqueue *q = &d->queues[queue];
	enum virtq_result r;

	while ((r = virtq_take(q, &chain)) == VIRTQ_CHAIN)
		virtq_give(q, &chain, fill(&chain));
	if (r == VIRTQ_BROKEN)
		virtio_broken(d, q->complaint);
	virtio_used(d, queue);
}

const struct virtio_class virtio_entropy = {
    .id = VIRTIO_ENTROPY,
    .nr_queues = 1,
    .init = init,
    .notify = notify,
};

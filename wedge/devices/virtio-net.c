/* SPDX-License-Identifier: MIT */
/*
 * A network card (virtio 1.2, 5.1) without offloads: one frame a buffer chain. What the guest sends
 * leaves at its notification. What comes in is fetched when the platform wakes an idle guest, at
 * the guest's own notifications and ticks, and every millisecond while there is traffic.
 */
#include "wedge/devices/devices.h"
#include "wedge/devices/virtio.h"

#define F_MAC (1ull << 5)

enum { RECEIVE_QUEUE, TRANSMIT_QUEUE };

#define FRAME_MAX 65536u
#define POLL_NS 1000000u   /* while there is traffic */
#define QUIET_NS 20000000u /* without a frame for so long there is none */
#define LOOK_NS 20000u     /* looking costs a system call: at most so often */
#define FRAMES_AT_ONCE 256

/* 5.1.6; zeroes but for num_buffers. */
struct header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

static struct virtio_device *net; /* there is one at most */
static uint64_t looked, heard;    /* when last asked, when there last was a frame */

/* Does the driver wait for frames with a buffer at hand? */
static bool wanted(void)
{
	return virtio_queue_live(net, RECEIVE_QUEUE) && virtq_waiting(&net->queues[RECEIVE_QUEUE]);
}

/* A frame that does not fit into its buffers is lost, as on a wire. */
static bool deliver(struct virtqueue *q, const uint8_t *frame, size_t size)
{
	static const struct header header = {.num_buffers = 1};
	static struct virtq_chain chain;
	uint32_t written = 0;

	if (virtq_take(q, &chain) != VIRTQ_CHAIN)
		return false;
	if (virtq_in_size(&chain) >= sizeof header + size) {
		virtq_push(&chain, &header, sizeof header);
		virtq_push(&chain, frame, size);
		written = (uint32_t)(sizeof header + size);
	}
	virtq_give(q, &chain, written);
	return true;
}

static void receive(uint64_t now)
{
	static uint8_t frame[FRAME_MAX];
	struct virtqueue *q = &net->queues[RECEIVE_QUEUE];
	size_t size;

	looked = now;
	for (int i = 0; i < FRAMES_AT_ONCE && wanted(); i++) {
		size = platform_net_receive(frame, sizeof frame);
		if (!size)
			break;
		heard = now;
		if (!deliver(q, frame, size)) {
			virtio_broken(net, q->complaint);
			return;
		}
	}
	if (virtio_queue_live(net, RECEIVE_QUEUE))
		virtio_used(net, RECEIVE_QUEUE);
	platform_net_wake(wanted());
}

static void run(void *dev, uint64_t now)
{
	(void)dev;
	if (now - looked >= LOOK_NS)
		receive(now);
}

static uint64_t deadline(void *dev)
{
	(void)dev;
	return wanted() && looked - heard < QUIET_NS ? looked + POLL_NS : UINT64_MAX;
}

static void transmit(void)
{
	static struct virtq_chain chain;
	struct virtqueue *q = &net->queues[TRANSMIT_QUEUE];
	enum virtq_result r;
	struct header h;

	while ((r = virtq_take(q, &chain)) == VIRTQ_CHAIN) {
		if (!virtq_pull(&chain, &h, sizeof h)) {
			virtio_broken(net, "a frame without a header");
			return;
		}
		if (chain.nr_out && virtq_out_size(&chain) <= FRAME_MAX)
			platform_net_send(chain.out, chain.nr_out);
		virtq_give(q, &chain, 0);
	}
	if (r == VIRTQ_BROKEN)
		virtio_broken(net, q->complaint);
	virtio_used(net, TRANSMIT_QUEUE);
}

static void notify(struct virtio_device *d, unsigned queue)
{
	(void)d;
	if (queue == TRANSMIT_QUEUE) {
		transmit();
		heard = platform_now(); /* there may soon be an answer */
	}
	receive(platform_now());
}

static void init(struct virtio_device *d)
{
	/* The address that QEMU gives its first card. */
	static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

	net = d;
	looked = heard = 0;
	d->offered = F_MAC;
	__builtin_memcpy(d->config, mac, sizeof mac);
	bus_add_timed(&d->m->bus, &(struct timed_device){.run = run, .deadline = deadline});
}

const struct virtio_class virtio_network = {
    .id = VIRTIO_NET,
    .nr_queues = 2,
    .init = init,
    .notify = notify,
};

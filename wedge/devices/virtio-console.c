/* SPDX-License-Identifier: MIT */
/*
 * A console (virtio 1.2, 5.3) of one port, whose size is that of the person's terminal. What the
 * guest writes leaves at its notification. Input is fetched as the serial port does it: when the
 * platform wakes an idle guest, and now and then while the guest runs.
 */
#include "wedge/devices/devices.h"
#include "wedge/devices/virtio.h"

#define F_SIZE (1ull << 0)

enum { RECEIVE_QUEUE, TRANSMIT_QUEUE };

#define QUEUE_SIZE 16 /* drivers put a page into each buffer to receive into */
#define POLL_NS 1000000
#define LATE_NS 10000000 /* a busy guest may learn of input so late */
#define SETTLE_NS 100000000

/* 5.3.4, as far as it is offered. */
struct config {
	uint16_t columns, rows;
};

static struct {
	struct virtio_device *d; /* there is one at most */
	uint64_t poll_at;        /* when the platform may be asked for input again */
	bool poll_wanted;        /* somebody wanted to, earlier */
	bool live;               /* the driver is at work */
	uint64_t tell_size_at;   /* UINT64_MAX: the driver knows it */
} console;

static bool wants_input(void)
{
	return virtio_queue_live(console.d, RECEIVE_QUEUE) &&
	       virtq_waiting(&console.d->queues[RECEIVE_QUEUE]);
}

/* Fill the next buffer, from this byte on. */
static bool deliver(struct virtqueue *q, int byte)
{
	static struct virtq_chain chain;
	uint32_t written = 0;
	uint8_t b;

	if (virtq_take(q, &chain) != VIRTQ_CHAIN)
		return false;
	for (; byte >= 0; written++) {
		b = (uint8_t)byte;
		if (!virtq_push(&chain, &b, 1))
			break; /* a buffer of no size: the byte is lost */
		byte = virtq_in_size(&chain) ? platform_serial_read(PLATFORM_CONSOLE) : -1;
	}
	virtq_give(q, &chain, written);
	return true;
}

static void receive(uint64_t now)
{
	struct virtqueue *q = &console.d->queues[RECEIVE_QUEUE];
	int byte;

	console.poll_wanted = false;
	console.poll_at = now + POLL_NS;
	while (wants_input() && (byte = platform_serial_read(PLATFORM_CONSOLE)) >= 0)
		if (!deliver(q, byte)) {
			virtio_broken(console.d, q->complaint);
			return;
		}
	if (virtio_queue_live(console.d, RECEIVE_QUEUE))
		virtio_used(console.d, RECEIVE_QUEUE);
}

/*
 * The driver may read the size when it starts. Linux does so only when it is told of a change, and
 * forgets what it reads before it has made its port, shortly after it has set DRIVER_OK.
 */
static void look_at_size(uint64_t now)
{
	struct config c;
	bool live = virtio_queue_live(console.d, RECEIVE_QUEUE);

	if (!platform_console_size(&c.columns, &c.rows))
		return;
	if (live && !console.live)
		console.tell_size_at = now + SETTLE_NS;
	console.live = live;
	if (now < console.tell_size_at && !__builtin_memcmp(&c, console.d->config, sizeof c))
		return;
	if (now >= console.tell_size_at)
		console.tell_size_at = UINT64_MAX;
	__builtin_memcpy(console.d->config, &c, sizeof c);
	virtio_config_changed(console.d);
}

static void run(void *dev, uint64_t now)
{
	(void)dev;
	look_at_size(now);
	if (now >= console.poll_at)
		receive(now);
	else
		console.poll_wanted = true;
}

static uint64_t deadline(void *dev)
{
	uint64_t input = UINT64_MAX;

	(void)dev;
	if (console.poll_wanted && wants_input())
		input = console.poll_at - POLL_NS + LATE_NS;
	return input < console.tell_size_at ? input : console.tell_size_at;
}

static void transmit(struct virtio_device *d)
{
	static struct virtq_chain chain;
	struct virtqueue *q = &d->queues[TRANSMIT_QUEUE];
	enum virtq_result r;
	uint8_t byte;

	while ((r = virtq_take(q, &chain)) == VIRTQ_CHAIN) {
		while (virtq_pull(&chain, &byte, 1))
			platform_serial_write(PLATFORM_CONSOLE, byte);
		virtq_give(q, &chain, 0);
	}
	if (r == VIRTQ_BROKEN)
		virtio_broken(d, q->complaint);
	virtio_used(d, TRANSMIT_QUEUE);
}

static void notify(struct virtio_device *d, unsigned queue)
{
	if (queue == TRANSMIT_QUEUE)
		transmit(d);
	else
		receive(platform_now());
}

static void init(struct virtio_device *d)
{
	struct config c;

	console = (typeof(console)){.d = d, .tell_size_at = UINT64_MAX};
	if (platform_console_size(&c.columns, &c.rows)) {
		d->offered = F_SIZE;
		__builtin_memcpy(d->config, &c, sizeof c);
	}
	bus_add_timed(&d->m->bus, &(struct timed_device){.run = run, .deadline = deadline});
}

const struct virtio_class virtio_console = {
    .id = VIRTIO_CONSOLE,
    .nr_queues = 2,
    .queue_size = QUEUE_SIZE,
    .init = init,
    .notify = notify,
};

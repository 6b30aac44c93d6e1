/* SPDX-License-Identifier: MIT */
/*
 * The virtio-mmio transport, version 2 (virtio 1.2, 4.2.2): registers, device status, interrupts.
 * One 4 KiB page holds eight of them.
 */
#include "wedge/devices/devices.h"
#include "wedge/devices/virtio.h"

#define MAGIC 0x74726976u  /* "virt" */
#define VENDOR 0x4e425241u /* "ABRN", ours */

enum reg {
	REG_MAGIC = 0x00,
	REG_VERSION = 0x04,
	REG_DEVICE_ID = 0x08,
	REG_VENDOR_ID = 0x0c,
	REG_DEVICE_FEATURES = 0x10,
	REG_DEVICE_FEATURES_SEL = 0x14,
	REG_DRIVER_FEATURES = 0x20,
	REG_DRIVER_FEATURES_SEL = 0x24,
	REG_QUEUE_SEL = 0x30,
	REG_QUEUE_NUM_MAX = 0x34,
	REG_QUEUE_NUM = 0x38,
	REG_QUEUE_READY = 0x44,
	REG_QUEUE_NOTIFY = 0x50,
	REG_INTERRUPT_STATUS = 0x60,
	REG_INTERRUPT_ACK = 0x64,
	REG_STATUS = 0x70,
	REG_QUEUE_DESC = 0x80, /* low half; the high half follows */
	REG_QUEUE_DRIVER = 0x90,
	REG_QUEUE_DEVICE = 0xa0,
	REG_SHM_LEN = 0xb0, /* all ones: no shared memory regions */
	REG_SHM_BASE = 0xb8,
	REG_CONFIG_GENERATION = 0xfc,
	REG_CONFIG = 0x100,
};

#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u

#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

static struct virtio_device devices[VIRTIO_SLOTS];

static unsigned line(const struct virtio_device *d)
{
	return VIRTIO_LINE + d->slot;
}

/* The 8259s see edges: what is still to be told after an acknowledge makes a new one. */
static void update_line(struct virtio_device *d)
{
	irq_set(&d->m->bus, line(d), false);
	if (d->interrupt)
		irq_set(&d->m->bus, line(d), true);
}

static void interrupt(struct virtio_device *d, uint32_t cause)
{
	d->interrupt |= cause;
	irq_set(&d->m->bus, line(d), true);
}

bool virtio_queue_live(const struct virtio_device *d, unsigned queue)
{
	return queue < d->class->nr_queues && d->queues[queue].ready &&
	       (d->status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) == STATUS_DRIVER_OK;
}

void virtio_used(struct virtio_device *d, unsigned queue)
{
	if (virtq_wants_interrupt(&d->queues[queue]))
		interrupt(d, VIRTIO_INT_USED);
}

void virtio_config_changed(struct virtio_device *d)
{
	d->generation++;
	if (d->status & STATUS_DRIVER_OK)
		interrupt(d, VIRTIO_INT_CONFIG);
}

void virtio_broken(struct virtio_device *d, const char *why)
{
	if (!(d->status & STATUS_NEEDS_RESET))
		platform_message("virtio device at 0x%x: %s; it stops until it is reset",
				 VIRTIO_BASE + d->slot * VIRTIO_SIZE, why);
	d->status |= STATUS_NEEDS_RESET;
	if (d->status & STATUS_DRIVER_OK)
		interrupt(d, VIRTIO_INT_CONFIG);
}

static void reset(struct virtio_device *d)
{
	d->accepted = 0;
	d->offered_select = d->accepted_select = d->queue_select = 0;
	d->status = d->interrupt = 0;
	for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
		d->queues[i] = (struct virtqueue){.m = d->m};
	update_line(d);
}

/* 3.1.1: features are settled with FEATURES_OK, and only a reset takes a bit back. */
static void write_status(struct virtio_device *d, uint32_t v)
{
	bool settle = (v & STATUS_FEATURES_OK) && !(d->status & STATUS_FEATURES_OK);

	if (!v) {
		reset(d);
		return;
	}
	if (settle && (!(d->accepted & F_VERSION_1) || (d->accepted & ~d->offered)))
		v &= ~STATUS_FEATURES_OK;
	d->status |= v & 0xff & ~STATUS_NEEDS_RESET;
	for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
		d->queues[i].event_index = d->accepted & F_EVENT_IDX;
}

static void accept_features(struct virtio_device *d, uint32_t v)
{
	unsigned shift = d->accepted_select * 32;

	if ((d->status & STATUS_FEATURES_OK) || d->accepted_select > 1)
		return;
	d->accepted = (d->accepted & ~(0xffffffffull << shift)) | (uint64_t)v << shift;
}

static void write_ready(struct virtio_device *d, struct virtqueue *q, uint32_t v)
{
	if (!v)
		q->ready = false;
	else if (!q->ready && !virtq_enable(q))
		virtio_broken(d, "a queue that does not lie in RAM as it should");
}

static uint16_t queue_max(const struct virtio_device *d)
{
	return d->class->queue_size ? d->class->queue_size : VIRTQ_MAX;
}

static void set_half(uint64_t *address, bool high, uint32_t v)
{
	unsigned shift = high ? 32 : 0;

	*address = (*address & ~(0xffffffffull << shift)) | (uint64_t)v << shift;
}

/* Registers of the selected queue. A queue in use keeps its place. */
static void write_queue(struct virtio_device *d, struct virtqueue *q, uint32_t reg, uint32_t v)
{
	if (reg == REG_QUEUE_READY)
		write_ready(d, q, v);
	if (q->ready)
		return;
	switch (reg & ~4u) {
	case REG_QUEUE_NUM & ~4u:
		q->size = v <= queue_max(d) ? (uint16_t)v : 0;
		break;
	case REG_QUEUE_DESC:
		set_half(&q->table, reg & 4, v);
		break;
	case REG_QUEUE_DRIVER:
		set_half(&q->avail, reg & 4, v);
		break;
	case REG_QUEUE_DEVICE:
		set_half(&q->used, reg & 4, v);
		break;
	default:
		break;
	}
}

static struct virtqueue *selected(struct virtio_device *d)
{
	return d->queue_select < d->class->nr_queues ? &d->queues[d->queue_select] : NULL;
}

static void write_reg(struct virtio_device *d, uint32_t reg, uint32_t v)
{
	switch (reg) {
	case REG_DEVICE_FEATURES_SEL:
		d->offered_select = v;
		break;
	case REG_DRIVER_FEATURES:
		accept_features(d, v);
		break;
	case REG_DRIVER_FEATURES_SEL:
		d->accepted_select = v;
		break;
	case REG_QUEUE_SEL:
		d->queue_select = v;
		break;
	case REG_QUEUE_NOTIFY:
		if (virtio_queue_live(d, v))
			d->class->notify(d, v);
		break;
	case REG_INTERRUPT_ACK:
		d->interrupt &= ~v;
		update_line(d);
		break;
	case REG_STATUS:
		write_status(d, v);
		break;
	default:
		if (selected(d))
			write_queue(d, selected(d), reg, v);
	}
}

static uint32_t read_reg(struct virtio_device *d, uint32_t reg)
{
	switch (reg) {
	case REG_MAGIC:
		return MAGIC;
	case REG_VERSION:
		return 2;
	case REG_DEVICE_ID:
		return d->class->id;
	case REG_VENDOR_ID:
		return VENDOR;
	case REG_DEVICE_FEATURES:
		return d->offered_select > 1 ? 0
					     : (uint32_t)(d->offered >> (32 * d->offered_select));
	case REG_QUEUE_NUM_MAX:
		return selected(d) ? queue_max(d) : 0;
	case REG_QUEUE_READY:
		return selected(d) && selected(d)->ready;
	case REG_INTERRUPT_STATUS:
		return d->interrupt;
	case REG_STATUS:
		return d->status;
	case REG_SHM_LEN:
	case REG_SHM_LEN + 4:
	case REG_SHM_BASE:
	case REG_SHM_BASE + 4:
		return UINT32_MAX;
	case REG_CONFIG_GENERATION:
		return d->generation;
	default:
		return 0;
	}
}

/* Registers are read and written as 32 bits (4.2.2.2); configuration space as the driver likes. */
static uint64_t mmio_read(void *dev, uint64_t offset, unsigned size)
{
	struct virtio_device *d = dev;
	uint64_t v = 0;

	if (offset < REG_CONFIG)
		return size == 4 && !(offset & 3) ? read_reg(d, (uint32_t)offset) : 0;
	offset -= REG_CONFIG;
	if (offset < VIRTIO_CONFIG && size <= VIRTIO_CONFIG - offset)
		__builtin_memcpy(&v, d->config + offset, size);
	return v;
}

static void mmio_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	if (offset < REG_CONFIG && size == 4 && !(offset & 3))
		write_reg(dev, (uint32_t)offset, (uint32_t)value);
}

static const char *const names[] = {
    [VIRTIO_NET] = "virtio-net",
    [VIRTIO_BLOCK] = "virtio-blk",
    [VIRTIO_CONSOLE] = "virtio-console",
    [VIRTIO_ENTROPY] = "virtio-rng",
};

static const struct virtio_class *class_of(unsigned id)
{
	static const struct virtio_class *const classes[] = {&virtio_block, &virtio_console,
							     &virtio_entropy, &virtio_network};

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (classes[i]->id == id)
			return classes[i];
	return NULL;
}

void virtio_init(struct machine *m)
{
	for (unsigned slot = 0; slot < VIRTIO_SLOTS; slot++) {
		const struct virtio_class *class = class_of(m->virtio[slot].id);
		struct virtio_device *d = &devices[slot];
		uint32_t base = VIRTIO_BASE + slot * VIRTIO_SIZE;

		if (!class)
			continue;
		*d = (struct virtio_device){
		    .class = class, .m = m, .slot = slot, .unit = m->virtio[slot].unit};
		class->init(d);
		d->offered |= F_VERSION_1 | F_EVENT_IDX;
		reset(d);
		bus_add_mmio(&m->bus, &(struct mmio_range){.name = names[m->virtio[slot].id],
							   .first = base,
							   .last = base + VIRTIO_SIZE - 1,
							   .read = mmio_read,
							   .write = mmio_write,
							   .dev = d});
	}
}

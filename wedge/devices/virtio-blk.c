/* SPDX-License-Identifier: MIT */
/*
 * A disk (virtio 1.2, 5.2). A request is carried out when the driver tells of it, before its
 * instruction ends: data goes between the host's file and guest RAM directly, in one system call.
 */
#include "wedge/devices/devices.h"
#include "wedge/devices/virtio.h"

#define F_SEG_MAX (1ull << 2)
#define F_RO (1ull << 5)
#define F_BLK_SIZE (1ull << 6)
#define F_FLUSH (1ull << 9)
#define F_DISCARD (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)

enum request_type {
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_GET_ID = 8,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13,
};

#define FLAG_UNMAP 1u
#define ID_SIZE 20 /* a string, padded with zeroes */
#define MAX_RANGES 16
#define MAX_RANGE_SECTORS 0x200000u /* 1 GiB a range */
#define DISCARD_ALIGNMENT 8u        /* sectors: the pages of the host's file */

/* 5.2.4, as far as it is offered. */
struct config {
	uint64_t capacity;
	uint32_t size_max, seg_max;
	uint32_t geometry;
	uint32_t blk_size;
	uint8_t topology[8], writeback, unused;
	uint16_t num_queues;
	uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
};
_Static_assert(sizeof(struct config) <= VIRTIO_CONFIG, "configuration space");

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct range {
	uint64_t sector;
	uint32_t sectors, flags;
};

static void init(struct virtio_device *d)
{
	struct config c = {
	    .capacity = platform_block_sectors(d->unit),
	    .seg_max = VIRTQ_MAX - 2, /* beside header and status */
	    .blk_size = PLATFORM_SECTOR,
	    .max_discard_sectors = MAX_RANGE_SECTORS,
	    .max_discard_seg = MAX_RANGES,
	    .discard_sector_alignment = DISCARD_ALIGNMENT,
	    .max_write_zeroes_sectors = MAX_RANGE_SECTORS,
	    .max_write_zeroes_seg = MAX_RANGES,
	    .write_zeroes_may_unmap = 1,
	};

	__builtin_memcpy(d->config, &c, sizeof c);
	d->offered = F_SEG_MAX | F_BLK_SIZE | F_FLUSH;
	d->offered |= platform_block_read_only(d->unit) ? F_RO : F_DISCARD | F_WRITE_ZEROES;
}

static bool on_disk(const struct virtio_device *d, uint64_t sector, uint64_t sectors)
{
	uint64_t capacity = platform_block_sectors(d->unit);

	return sector <= capacity && sectors <= capacity - sector;
}

static uint8_t transfer(struct virtio_device *d, struct virtq_chain *c, uint64_t sector, bool in)
{
	uint64_t size = in ? virtq_in_size(c) : virtq_out_size(c);

	if (size % PLATFORM_SECTOR || !on_disk(d, sector, size / PLATFORM_SECTOR))
		return BLOCK_ERROR;
	if (in)
		return (uint8_t)platform_block_read(d->unit, sector * PLATFORM_SECTOR, c->in,
						    c->nr_in);
	if (platform_block_read_only(d->unit))
		return BLOCK_ERROR;
	return (uint8_t)platform_block_write(d->unit, sector * PLATFORM_SECTOR, c->out, c->nr_out);
}

static uint8_t get_id(struct virtio_device *d, struct virtq_chain *c)
{
	char id[ID_SIZE] = "afterburner-0";

	id[sizeof("afterburner-0") - 2] = (char)('0' + d->unit);
	return virtq_push(c, id, sizeof id) ? BLOCK_OK : BLOCK_ERROR;
}

static uint8_t do_range(struct virtio_device *d, const struct range *r, bool discard)
{
	uint64_t offset = r->sector * PLATFORM_SECTOR;
	uint64_t size = (uint64_t)r->sectors * PLATFORM_SECTOR;

	/* 5.2.6.2: unknown flags, and unmap for a discard, are not supported. */
	if (r->flags & ~(discard ? 0 : FLAG_UNMAP))
		return BLOCK_UNSUPPORTED;
	if (r->sectors > MAX_RANGE_SECTORS || !on_disk(d, r->sector, r->sectors))
		return BLOCK_ERROR;
	if (discard)
		return (uint8_t)platform_block_discard(d->unit, offset, size);
	return (uint8_t)platform_block_zero(d->unit, offset, size, r->flags & FLAG_UNMAP);
}

static uint8_t ranges(struct virtio_device *d, struct virtq_chain *c, bool discard)
{
	uint64_t size = virtq_out_size(c);
	uint8_t status = BLOCK_OK;
	struct range r;

	if (platform_block_read_only(d->unit) || !size || size % sizeof r ||
	    size > MAX_RANGES * sizeof r)
		return BLOCK_ERROR;
	while (status == BLOCK_OK && virtq_pull(c, &r, sizeof r))
		status = do_range(d, &r, discard);
	return status;
}

static uint8_t perform(struct virtio_device *d, struct virtq_chain *c, const struct header *h)
{
	switch (h->type) {
	case T_IN:
		return transfer(d, c, h->sector, true);
	case T_OUT:
		return transfer(d, c, h->sector, false);
	case T_FLUSH:
		return (uint8_t)platform_block_flush(d->unit);
	case T_GET_ID:
		return get_id(d, c);
	case T_DISCARD:
		return ranges(d, c, true);
	case T_WRITE_ZEROES:
		return ranges(d, c, false);
	default:
		return BLOCK_UNSUPPORTED;
	}
}

/* The used length covers what was surely written from the front on: 2.7.8.2. */
static bool request(struct virtio_device *d, struct virtq_chain *c)
{
	uint8_t *status = virtq_last_byte(c);
	uint64_t room = virtq_in_size(c);
	struct header h;

	if (!status || !virtq_pull(c, &h, sizeof h))
		return false;
	*status = perform(d, c, &h);
	virtq_give(&d->queues[0], c, *status == BLOCK_OK ? (uint32_t)room + 1 : 0);
	return true;
}

static void notify(struct virtio_device *d, unsigned queue)
{
	static struct virtq_chain chain;
	struct virtqueue *q = &d->queues[queue];
	enum virtq_result r;

	while ((r = virtq_take(q, &chain)) == VIRTQ_CHAIN)
		if (!request(d, &chain)) {
			virtio_broken(d, "a disk request without header or status");
			return;
		}
	if (r == VIRTQ_BROKEN)
		virtio_broken(d, q->complaint);
	virtio_used(d, queue);
}

const struct virtio_class virtio_block = {
    .id = VIRTIO_BLOCK,
    .nr_queues = 1,
    .init = init,
    .notify = notify,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer: a hostile driver of two disks, a card, the entropy source and a console. The input is
 * a list of steps: write a descriptor, offer a chain and notify, write RAM, write a register, let
 * time pass. The table of descriptors is common to all queues, the rings are not.
 */
#include "wedge/devices/devices.h"
#include "wedge/devices/virtio.h"
#include "wedge/stub/stub.h"

#include <string.h>

#define RAM 65536u
#define TABLE 0u
#define RINGS 0x400u /* 512 bytes a queue: driver area, device area */
#define SIZE 16u
#define STEP 8u /* bytes */
#define DEVICES 5u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t ids[DEVICES] = {VIRTIO_BLOCK, VIRTIO_BLOCK, VIRTIO_NET, VIRTIO_ENTROPY,
				     VIRTIO_CONSOLE};

static void set(struct machine *m, unsigned slot, uint32_t reg, uint32_t v)
{
	bus_mmio_write(&m->bus, VIRTIO_BASE + slot * VIRTIO_SIZE + reg, 4, v);
}

static uint32_t avail(unsigned slot, unsigned queue)
{
	return RINGS + (2 * slot + queue) * 512;
}

/* As a good driver does, so that the input need not find the way. */
static void start(struct machine *m, unsigned slot)
{
	set(m, slot, 0x24, 1);
	set(m, slot, 0x20, 1);
	set(m, slot, 0x70, 11);
	for (unsigned queue = 0; queue < VIRTIO_QUEUES; queue++) {
		set(m, slot, 0x30, queue);
		set(m, slot, 0x38, SIZE);
		set(m, slot, 0x80, TABLE);
		set(m, slot, 0x90, avail(slot, queue));
		set(m, slot, 0xa0, avail(slot, queue) + 256);
		set(m, slot, 0x44, 1);
	}
	set(m, slot, 0x70, 15);
}

static void put16(struct machine *m, uint32_t at, uint16_t v)
{
	memcpy(m->ram + at % (RAM - 8), &v, sizeof(v));
}

static void offer(struct machine *m, unsigned slot, unsigned queue, uint8_t head)
{
	uint32_t ring = avail(slot, queue);
	uint16_t idx;

	memcpy(&idx, m->ram + ring + 2, sizeof(idx));
	put16(m, ring + 4 + 2 * (idx % SIZE), head);
	put16(m, ring + 2, (uint16_t)(idx + 1));
	set(m, slot, 0x50, queue);
}

static void describe(struct machine *m, unsigned i, uint16_t at, uint16_t size, uint8_t flags,
		     uint8_t next)
{
	put16(m, TABLE + 16 * (i % SIZE), at);
	put16(m, TABLE + 16 * (i % SIZE) + 8, size);
	put16(m, TABLE + 16 * (i % SIZE) + 12, flags);
	put16(m, TABLE + 16 * (i % SIZE) + 14, next);
}

/* Two good requests to disks, and frames, from which to stray. */
static void good_requests(struct machine *m)
{
	describe(m, 0, 0x3000, 16, 1, 1);
	describe(m, 1, 0x4000, 512, 3, 2);
	describe(m, 2, 0x3020, 1, 2, 0);
	describe(m, 3, 0x3010, 16, 1, 4);
	describe(m, 4, 0x4000, 512, 1, 2);
	describe(m, 5, 0x5000, 2000, 2, 0);
	describe(m, 6, 0x5000, 600, 0, 0);
	m->ram[0x3010] = 1;
}

static void step(struct machine *m, const uint8_t s[STEP])
{
	unsigned slot = s[1] % DEVICES, queue = (s[1] >> 3) % VIRTIO_QUEUES;
	uint32_t a = (uint32_t)s[2] | (uint32_t)s[3] << 8, b = (uint32_t)s[4] | (uint32_t)s[5] << 8;

	switch (s[0] % 6) {
	case 0:
		describe(m, s[1], (uint16_t)a, (uint16_t)b, s[6], s[7]);
		break;
	case 1:
		offer(m, slot, queue, s[2]);
		break;
	case 2:
		memcpy(m->ram + a % (RAM - 8), s + 4, 4);
		break;
	case 3:
		set(m, slot, s[2] * 4u % 0x140, b);
		break;
	case 4:
		start(m, slot);
		break;
	default:
		stub.net_waiting = a % STUB_BUFFER;
		stub.serial[PLATFORM_CONSOLE].in_pos = 0;
		stub.serial[PLATFORM_CONSOLE].in_len = b % STUB_BUFFER;
		stub.rows = s[6];
		bus_run(&m->bus, stub.now += 1000000);
	}
	stub.messages_len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine *m;

	memset(&stub, 0, sizeof(stub));
	m = stub_machine(RAM);
	for (unsigned i = 0; i < DEVICES; i++)
		m->virtio[i] =
		    (struct virtio_slot){.id = ids[i], .unit = (uint8_t)(i % STUB_DRIVES)};
	stub.drive[1].read_only = true;
	stub.columns = stub.rows = 1;
	devices_init(m);
	good_requests(m);
	for (unsigned i = 0; i < DEVICES; i++)
		start(m, i);
	for (; size >= STEP; data += STEP, size -= STEP)
		step(m, data);
	stub_machine_free(m);
	return 0;
}

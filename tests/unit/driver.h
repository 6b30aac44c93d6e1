/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A driver of virtio-mmio devices, for tests: one device at a time, its queue 0. */
#ifndef TESTS_UNIT_DRIVER_H
#define TESTS_UNIT_DRIVER_H

#include "tests/unit/devices.h"
#include "wedge/devices/virtio.h"

#define RAM (1u << 20)
#define TABLE 0x1000u
#define AVAIL 0x2000u
#define USED 0x3000u
#define DATA 0x8000u
#define SIZE 8u

enum { DESC_NEXT = 1, DESC_WRITE = 2 };

static unsigned slot; /* the device that the registers below are of */

static inline uint32_t reg(uint32_t offset)
{
	uint64_t v;

	ck_assert(bus_mmio_read(&m->bus, VIRTIO_BASE + slot * VIRTIO_SIZE + offset, 4, &v));
	return (uint32_t)v;
}

static inline void set(uint32_t offset, uint32_t v)
{
	ck_assert(bus_mmio_write(&m->bus, VIRTIO_BASE + slot * VIRTIO_SIZE + offset, 4, v));
}

static inline void put16(uint32_t at, uint16_t v)
{
	memcpy(m->ram + at, &v, sizeof v);
}

static inline uint16_t get16(uint32_t at)
{
	uint16_t v;

	memcpy(&v, m->ram + at, sizeof v);
	return v;
}

static inline void desc(unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	uint8_t *d = m->ram + TABLE + 16 * i;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static uint16_t avail_idx;

/* Offer the chain that begins at a descriptor, and kick. */
static inline void offer(uint16_t head)
{
	put16(AVAIL + 4 + 2 * (avail_idx % SIZE), head);
	put16(AVAIL + 2, ++avail_idx);
	set(0x50, 0);
}

/* Up to DRIVER_OK: 3.1.1 and 4.2.3. */
static inline void start(unsigned which, uint32_t features)
{
	slot = which;
	set(0x70, 0);
	set(0x70, 1);
	set(0x70, 3);
	set(0x24, 0);
	set(0x20, features);
	set(0x24, 1);
	set(0x20, 1);
	set(0x70, 11);
	ck_assert_uint_eq(reg(0x70), 11);
	set(0x30, 0);
	set(0x38, SIZE);
	set(0x80, TABLE);
	set(0x90, AVAIL);
	set(0xa0, USED);
	set(0x44, 1);
	ck_assert_uint_eq(reg(0x44), 1);
	set(0x70, 15);
	avail_idx = 0;
}

/* Queue 1: its rings are 0x100 behind those of queue 0. */
static inline void start_second(void)
{
	set(0x30, 1);
	set(0x38, SIZE);
	set(0x80, TABLE);
	set(0x90, AVAIL + 0x100);
	set(0xa0, USED + 0x100);
	set(0x44, 1);
	ck_assert_uint_eq(reg(0x44), 1);
}

static inline void offer_second(uint16_t head, uint16_t index)
{
	put16(AVAIL + 0x104 + 2 * ((index - 1) % SIZE), head);
	put16(AVAIL + 0x102, index);
	set(0x50, 1);
}

static inline bool needs_reset(void)
{
	return reg(0x70) & 64;
}

#endif

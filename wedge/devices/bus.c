/* SPDX-License-Identifier: MIT */
/*
 * Finding the device behind an address. An access that lies wholly in one range goes there in one
 * piece; any other is split into bytes, as a chipset splits what no single device claims, and each
 * byte finds its own device or none.
 */
#include "wedge/devices/bus.h"
#include "wedge/platform.h"

#define ALL_ONES(size) ((size) == 8 ? UINT64_MAX : (UINT64_C(1) << ((size)*8)) - 1)

static void check_room(unsigned used, unsigned room, const char *what)
{
	if (used < room)
		return;
	platform_message("wedge: more than %u %s on the bus\n", room, what);
	__builtin_trap();
}

void bus_add_io(struct bus *b, const struct io_range *r)
{
	check_room(b->nr_io, BUS_MAX_IO, "port ranges");
	b->io[b->nr_io++] = *r;
}

void bus_add_mmio(struct bus *b, const struct mmio_range *r)
{
	check_room(b->nr_mmio, BUS_MAX_MMIO, "memory ranges");
	b->mmio[b->nr_mmio++] = *r;
}

void bus_add_timed(struct bus *b, const struct timed_device *t)
{
	check_room(b->nr_timed, BUS_MAX_TIMED, "timed devices");
	b->timed[b->nr_timed++] = *t;
}

static const struct io_range *find_io(const struct bus *b, uint16_t port)
{
	for (unsigned i = 0; i < b->nr_io; i++)
		if (port >= b->io[i].first && port <= b->io[i].last)
			return &b->io[i];
	return NULL;
}

/* The range that takes the whole access, or null if it must be split or is absent. */
static const struct io_range *find_whole_io(const struct bus *b, uint16_t port, unsigned size)
{
	const struct io_range *r = find_io(b, port);

	if (!r || (size > 1 && r->bytes_only) || port + size - 1 > r->last)
		return NULL;
	return r;
}

uint32_t bus_in(struct bus *b, uint16_t port, unsigned size)
{
	const struct io_range *r = find_whole_io(b, port, size);
	uint32_t value = 0;

	if (r)
		return r->in(r->dev, port, size) & (uint32_t)ALL_ONES(size);
	if (size == 1)
		return 0xff;
	for (unsigned i = 0; i < size; i++)
		value |= bus_in(b, (uint16_t)(port + i), 1) << (8 * i);
	return value;
}

void bus_out(struct bus *b, uint16_t port, unsigned size, uint32_t value)
{
	const struct io_range *r = find_whole_io(b, port, size);

	if (r) {
		r->out(r->dev, port, size, value & (uint32_t)ALL_ONES(size));
		return;
	}
	if (size == 1)
		return;
	for (unsigned i = 0; i < size; i++)
		bus_out(b, (uint16_t)(port + i), 1, (value >> (8 * i)) & 0xff);
}

/* The first range that any byte of phys..phys+size-1 lies in. */
static const struct mmio_range *find_mmio(const struct bus *b, uint64_t phys, unsigned size)
{
	for (unsigned i = 0; i < b->nr_mmio; i++)
		if (phys <= b->mmio[i].last && phys + size - 1 >= b->mmio[i].first)
			return &b->mmio[i];
	return NULL;
}

const struct mmio_range *bus_mmio_at(const struct bus *b, uint64_t phys)
{
	return find_mmio(b, phys, 1);
}

static bool within(const struct mmio_range *r, uint64_t phys, unsigned size)
{
	return phys >= r->first && phys + size - 1 <= r->last;
}

bool bus_mmio_read(struct bus *b, uint64_t phys, unsigned size, uint64_t *value)
{
	const struct mmio_range *r = find_mmio(b, phys, size);
	uint64_t byte;

	*value = ALL_ONES(size);
	if (!r)
		return false;
	if (within(r, phys, size)) {
		*value = r->read(r->dev, phys - r->first, size) & ALL_ONES(size);
		return true;
	}
	*value = 0;
	for (unsigned i = 0; i < size; i++) {
		bus_mmio_read(b, phys + i, 1, &byte);
		*value |= byte << (8 * i);
	}
	return true;
}

bool bus_mmio_write(struct bus *b, uint64_t phys, unsigned size, uint64_t value)
{
	const struct mmio_range *r = find_mmio(b, phys, size);

	if (!r)
		return false;
	if (within(r, phys, size)) {
		r->write(r->dev, phys - r->first, size, value & ALL_ONES(size));
		return true;
	}
	for (unsigned i = 0; i < size; i++)
		bus_mmio_write(b, phys + i, 1, (value >> (8 * i)) & 0xff);
	return true;
}

void bus_run(struct bus *b, uint64_t now)
{
	for (unsigned i = 0; i < b->nr_timed; i++)
		b->timed[i].run(b->timed[i].dev, now);
}

uint64_t bus_deadline(struct bus *b)
{
	uint64_t soonest = UINT64_MAX;

	for (unsigned i = 0; i < b->nr_timed; i++) {
		uint64_t deadline = b->timed[i].deadline(b->timed[i].dev);

		if (deadline < soonest)
			soonest = deadline;
	}
	return soonest;
}

/* SPDX-License-Identifier: MIT */
/*
 * The bus: where devices register, and where the CPU finds them. Absent addresses read as all ones,
 * as on a PC. Devices know the bus and platform.h, never the CPU.
 */
#ifndef WEDGE_DEVICES_BUS_H
#define WEDGE_DEVICES_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

struct io_range {
	uint16_t first, last;
	/* size is 1, 2 or 4; a device that knows bytes only is split by the bus (bytes_only). */
	uint32_t (*in)(void *dev, uint16_t port, unsigned size);
	void (*out)(void *dev, uint16_t port, unsigned size, uint32_t value);
	void *dev;
	bool bytes_only;
};

struct mmio_range {
	const char *name; /* for profiles */
	uint64_t first, last;
	uint64_t (*read)(void *dev, uint64_t offset, unsigned size);
	void (*write)(void *dev, uint64_t offset, unsigned size, uint64_t value);
	void *dev;
};

/* A device that keeps time. run() does what is due at `now`; deadline() is the next time it wants
 * run() called, UINT64_MAX for never. Nanoseconds of platform_now(). */
struct timed_device {
	void (*run)(void *dev, uint64_t now);
	uint64_t (*deadline)(void *dev);
	void *dev;
};

#define BUS_MAX_IO 32
#define BUS_MAX_MMIO 16
#define BUS_MAX_TIMED 8

struct bus {
	struct io_range io[BUS_MAX_IO];
	unsigned nr_io;
	struct mmio_range mmio[BUS_MAX_MMIO];
	unsigned nr_mmio;
	struct timed_device timed[BUS_MAX_TIMED];
	unsigned nr_timed;
	void *pic; /* the pair of 8259s */
};

void bus_add_io(struct bus *b, const struct io_range *r);
void bus_add_mmio(struct bus *b, const struct mmio_range *r);
void bus_add_timed(struct bus *b, const struct timed_device *t);

uint32_t bus_in(struct bus *b, uint16_t port, unsigned size);
void bus_out(struct bus *b, uint16_t port, unsigned size, uint32_t value);
/* The range that a physical address lies in, or null. */
const struct mmio_range *bus_mmio_at(const struct bus *b, uint64_t phys);
/* False: no device there (the caller reads all ones, drops writes). */
bool bus_mmio_read(struct bus *b, uint64_t phys, unsigned size, uint64_t *value);
bool bus_mmio_write(struct bus *b, uint64_t phys, unsigned size, uint64_t value);

void bus_run(struct bus *b, uint64_t now);
uint64_t bus_deadline(struct bus *b);

/* Interrupt lines 0-15 of the two 8259s (wedge/devices/i8259.c). */
void irq_set(struct bus *b, unsigned irq, bool level);
bool irq_waits(struct bus *b, unsigned irq); /* a request that is not masked */
bool irq_pending(struct bus *b);             /* INTR is asserted */
uint8_t irq_acknowledge(struct bus *b);      /* the INTA cycle: gives the vector */

/* Build the PC: all devices of this directory onto m->bus. */
void devices_init(struct machine *m);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests of devices: a machine with the whole PC on its bus, and the instructions in and out. */
#ifndef TESTS_UNIT_DEVICES_H
#define TESTS_UNIT_DEVICES_H

#include "tests/unit/unit.h"

static struct machine *m;

static inline void pc(uint32_t ram_size)
{
	m = stub_machine(ram_size);
	devices_init(m);
}

static inline uint8_t in8(uint16_t port)
{
	return (uint8_t)bus_in(&m->bus, port, 1);
}

static inline void out8(uint16_t port, uint8_t value)
{
	bus_out(&m->bus, port, 1, value);
}

/* ICW1-4 as every PC operating system writes them: vectors 0x20 and 0x28, everything unmasked. */
static inline void init_pics(uint8_t icw4)
{
	static const uint8_t init[][2] = {{0x11, 0x11}, {0x20, 0x28}, {0x04, 0x02}};

	for (unsigned i = 0; i < 3; i++) {
		out8(i ? 0x21 : 0x20, init[i][0]);
		out8(i ? 0xa1 : 0xa0, init[i][1]);
	}
	out8(0x21, icw4);
	out8(0xa1, icw4);
	out8(0x21, 0);
	out8(0xa1, 0);
}

/* Go to a time and let the devices do what was due. */
static inline void at(uint64_t ns)
{
	stub.now = ns;
	bus_run(&m->bus, ns);
}

#endif

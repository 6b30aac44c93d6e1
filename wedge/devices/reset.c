/* SPDX-License-Identifier: MIT */
/*
 * The ways out: reset by port 0xcf9 (82371AB data sheet, Reset Control Register), power-off, and
 * QEMU's isa-debug-exit device at 0xf4. Port 0x80 takes the POST codes.
 */
#include "wedge/devices/devices.h"

#define RESET_CPU 0x04
#define RESET_HARD 0x02
/* ACPI 6.4, 4.8.3.2.1: PM1 control. QEMU's pc has it at 0x604, with type 0 for soft-off. */
#define PM1_SLEEP_ENABLE 0x2000
#define PM1_SLEEP_TYPE 0x1c00

static struct {
	struct machine *m;
	uint8_t control; /* 0xcf9 */
	uint16_t pm1;
	uint8_t shutdown; /* how many letters of "Shutdown" came to 0x8900 */
} rst;

_Noreturn void machine_reset(struct machine *m)
{
	if (m->no_reboot)
		platform_exit(m, WEDGE_EXIT_OK);
	platform_reset(m);
}

/* The register is one byte wide; wider accesses are PCI configuration, which is absent. */
static void control_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev;
	if (port != 0xcf9 || size != 1)
		return;
	rst.control = value & RESET_HARD;
	if (value & RESET_CPU)
		machine_reset(rst.m);
}

static uint32_t control_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev;
	return port == 0xcf9 && size == 1 ? rst.control : UINT32_MAX;
}

static void debug_exit_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev, (void)port, (void)size;
	platform_exit(rst.m, (int)((value << 1 | 1) & 0xff));
}

static uint32_t debug_exit_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)port, (void)size;
	return 0;
}

static void post_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev, (void)port, (void)size, (void)value;
}

static uint32_t post_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)port, (void)size;
	return UINT32_MAX;
}

static void pm1_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	unsigned shift = port & 1 ? 8 : 0;
	uint16_t mask = (uint16_t)((size == 1 ? 0xffu : 0xffffu) << shift);

	(void)dev;
	rst.pm1 = (uint16_t)((rst.pm1 & ~mask) | ((value << shift) & mask));
	if ((rst.pm1 & PM1_SLEEP_ENABLE) && !(rst.pm1 & PM1_SLEEP_TYPE))
		platform_exit(rst.m, WEDGE_EXIT_OK);
	rst.pm1 &= ~PM1_SLEEP_ENABLE; /* write-only */
}

static uint32_t pm1_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)size;
	return port & 1 ? rst.pm1 >> 8 : rst.pm1;
}

/* Bochs (iodev/unmapped.cc) powers off on the letters of "Shutdown", one by one. */
static void shutdown_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	static const char word[] = "Shutdown";

	(void)dev, (void)port, (void)size;
	if ((char)value != word[rst.shutdown])
		rst.shutdown = 0;
	else if (!word[++rst.shutdown])
		platform_exit(rst.m, WEDGE_EXIT_OK);
}

static uint32_t shutdown_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)port, (void)size;
	return UINT32_MAX;
}

static const struct io_range ranges[] = {
    {.first = 0xcf8, .last = 0xcff, .in = control_in, .out = control_out},
    {.first = 0xf4, .last = 0xf7, .in = debug_exit_in, .out = debug_exit_out},
    {.first = 0x80, .last = 0x80, .in = post_in, .out = post_out},
    {.first = 0x604, .last = 0x605, .in = pm1_in, .out = pm1_out},
    {.first = 0x8900, .last = 0x8900, .in = shutdown_in, .out = shutdown_out},
};

void reset_init(struct machine *m)
{
	rst.m = m;
	rst.control = 0;
	rst.pm1 = 0;
	rst.shutdown = 0;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		bus_add_io(&m->bus, &ranges[i]);
}

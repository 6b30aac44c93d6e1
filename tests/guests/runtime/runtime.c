/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the multiboot entry to test_main(), and small functions. */
#include "tests/guests/runtime/runtime.h"

#define MULTIBOOT_MAGIC 0x2badb002
#define MULTIBOOT_CMDLINE 0x4

struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

char command_line[256];
void runtime_start(uint32_t magic, const struct multiboot_info *info);

static void copy_command_line(const struct multiboot_info *info)
{
	const char *from = (const char *)info->cmdline;

	if (!(info->flags & MULTIBOOT_CMDLINE))
		return;
	for (unsigned i = 0; i < sizeof(command_line) - 1 && from[i]; i++)
		command_line[i] = from[i];
}

void runtime_start(uint32_t magic, const struct multiboot_info *info)
{
	console_init();
	descriptors_init();
	devices_init();
	if (magic == MULTIBOOT_MAGIC)
		copy_command_line(info);
	else
		check(false, "boot magic %x", magic);
	test_main();
	finish();
}

static uint32_t number(const char *s)
{
	uint32_t value = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		value = value * 10 + (uint32_t)(*s - '0');
	return value;
}

uint32_t option(const char *name, uint32_t otherwise)
{
	for (const char *p = command_line; *p; p++) {
		unsigned i = 0;

		if (p != command_line && p[-1] != ' ')
			continue;
		while (name[i] && p[i] == name[i])
			i++;
		if (!name[i] && p[i] == '=')
			return number(p + i + 1);
	}
	return otherwise;
}

/* xorshift32, Marsaglia 2003. */
uint32_t random32(uint32_t *state)
{
	uint32_t x = *state ? *state : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

uint32_t median(uint32_t *values, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint32_t value = values[i];
		unsigned at = i;

		for (; at && values[at - 1] > value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
	return values[n / 2];
}

void *memset(void *to, int value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = (char)value;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* COM1, a small printf, and the bookkeeping of checks. */
#include <stdarg.h>

#include "tests/guests/runtime/runtime.h"

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

static unsigned total_failures, section_failures, sections;

void console_init(void)
{
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 0x80); /* divisor latch */
	out8(COM1 + 0, 1);    /* 115200 baud */
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 3); /* 8n1 */
	out8(COM1 + 2, 7); /* FIFOs on and empty */
	out8(COM1 + 4, 3);
}

static void put(char c)
{
	if (c == '\n')
		put('\r');
	while (!(in8(COM1 + 5) & 0x20))
		;
	out8(COM1, c);
}

static void put_number(uint32_t value, unsigned base, unsigned width, char pad)
{
	char digits[32];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (; width > n; width--)
		put(pad);
	while (n)
		put(digits[--n]);
}

static void put_string(const char *s, unsigned width)
{
	for (; *s; s++, width -= width > 0)
		put(*s);
	for (; width; width--)
		put(' ');
}

static void put_signed(int32_t value, unsigned width, char pad)
{
	if (value < 0)
		put('-');
	put_number(value < 0 ? -(uint32_t)value : (uint32_t)value, 10, width, pad);
}

static void vprint(const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		unsigned width = 0;
		char pad = ' ';

		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		if (*++fmt == '0')
			pad = '0';
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (unsigned)(*fmt - '0');
		switch (*fmt) {
		case 'c':
			put((char)va_arg(ap, int));
			break;
		case 's':
			put_string(va_arg(ap, const char *), width);
			break;
		case 'd':
			put_signed(va_arg(ap, int32_t), width, pad);
			break;
		case 'u':
			put_number(va_arg(ap, uint32_t), 10, width, pad);
			break;
		case 'x':
			put_number(va_arg(ap, uint32_t), 16, width, pad);
			break;
		default:
			put(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}

bool check(bool good, const char *fmt, ...)
{
	va_list ap;

	if (good)
		return true;
	section_failures++;
	if (++total_failures > 50)
		return false; /* enough to see; the count goes on */
	print("# failed: ");
	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
	print("\n");
	return false;
}

void section_end(const char *name)
{
	print("%s %u - %s\n", section_failures ? "not ok" : "ok", ++sections, name);
	section_failures = 0;
}

unsigned failures(void)
{
	return total_failures;
}

void debug_exit(uint8_t value)
{
	out8(DEBUG_EXIT, value);
	for (;;)
		asm volatile("cli; hlt");
}

void finish(void)
{
	if (total_failures)
		print("FAILURE %u\n", total_failures);
	else
		print("SUCCESS\n");
	debug_exit(total_failures ? 1 : 0);
}

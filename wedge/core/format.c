/* SPDX-License-Identifier: MIT */
/* Formatted text without a C library: the few conversions that messages of the core use. */
#include "wedge/core/format.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *buf;
	size_t size, length;
};

static void put(struct out *o, char c)
{
	if (o->length + 1 < o->size)
		o->buf[o->length++] = c;
}

static void put_text(struct out *o, const char *text, unsigned width, bool left)
{
	size_t length = 0;

	while (text[length])
		length++;
	for (size_t i = length; i < width && !left; i++)
		put(o, ' ');
	while (*text)
		put(o, *text++);
	for (size_t i = length; i < width && left; i++)
		put(o, ' ');
}

static void put_number(struct out *o, uint64_t value, unsigned base, unsigned width, bool zero)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (unsigned i = n; i < width; i++)
		put(o, zero ? '0' : ' ');
	while (n)
		put(o, digits[--n]);
}

static uint64_t argument(va_list *ap, unsigned longs, bool is_signed)
{
	if (longs)
		return va_arg(*ap, unsigned long);
	return is_signed ? (uint64_t)(int64_t)va_arg(*ap, int) : va_arg(*ap, unsigned);
}

/* One conversion, fmt behind its '%'; returns what follows it. */
static const char *convert(struct out *o, const char *fmt, va_list *ap)
{
	bool alternate = false, zero = false, left = false;
	unsigned width = 0, longs = 0;
	uint64_t value;

	for (; *fmt == '#' || *fmt == '0' || *fmt == '-'; fmt++)
		*(*fmt == '#' ? &alternate : *fmt == '0' ? &zero : &left) = true;
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		width = width * 10 + (unsigned)(*fmt - '0');
	for (; *fmt == 'l'; fmt++)
		longs++;
	switch (*fmt) {
	case 's':
		put_text(o, va_arg(*ap, const char *), width, left);
		break;
	case 'c':
		put(o, (char)va_arg(*ap, int));
		break;
	case 'd':
		value = argument(ap, longs, true);
		if ((int64_t)value < 0) {
			put(o, '-');
			value = -value;
		}
		put_number(o, value, 10, width, zero);
		break;
	case 'u':
		put_number(o, argument(ap, longs, false), 10, width, zero);
		break;
	case 'x':
		if (alternate)
			put_text(o, "0x", 0, false);
		put_number(o, argument(ap, longs, false), 16, width, zero);
		break;
	default:
		put(o, *fmt);
	}
	return *fmt ? fmt + 1 : fmt;
}

size_t format_text_v(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = {.buf = buf, .size = size};
	va_list copy;

	va_copy(copy, ap);
	while (*fmt) {
		char c = *fmt++;

		if (c == '%')
			fmt = convert(&o, fmt, &copy);
		else
			put(&o, c);
	}
	va_end(copy);
	if (size)
		buf[o.length] = '\0';
	return o.length;
}

size_t format_text(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = format_text_v(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

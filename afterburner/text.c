/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Small enough for the cache. */
#define FLUSH_SIZE 0x10000

static void reserve(struct text *t, size_t more)
{
	if (t->room - t->size >= more)
		return;
	t->room = (t->size + more) * 2;
	t->data = realloc(t->data, t->room);
	if (!t->data) {
		fputs("afterburner: out of memory\n", stderr);
		exit(2);
	}
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR) {
			perror("afterburner: writing to memory");
			exit(2);
		}
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
}

void text_flush(struct text *t)
{
	write_all(t->fd, t->data, t->size);
	t->size = 0;
}

void text_append(struct text *t, const char *data, size_t size)
{
	if (t->fd && t->size + size >= FLUSH_SIZE) {
		text_flush(t);
		if (size >= FLUSH_SIZE) {
			write_all(t->fd, data, size);
			return;
		}
	}
	if (!size)
		return;
	reserve(t, size);
	memcpy(t->data + t->size, data, size);
	t->size += size;
}

void text_puts(struct text *t, const char *s)
{
	text_append(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	reserve(t, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(t->data + t->size, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->size += (size_t)n;
}

void text_free(struct text *t)
{
	free(t->data);
	memset(t, 0, sizeof(*t));
}

bool text_read(struct text *t, int fd)
{
	for (;;) {
		ssize_t n;

		reserve(t, 65536);
		n = read(fd, t->data + t->size, t->room - t->size);
		if (n == 0)
			return true;
		if (n > 0)
			t->size += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
}

bool span_is(struct span s, const char *word)
{
	for (; s.start < s.end; s.start++, word++)
		if (tolower((unsigned char)*s.start) != *word)
			return false;
	return !*word;
}

struct span span_trim(struct span s)
{
	while (s.start < s.end && isspace((unsigned char)*s.start))
		s.start++;
	while (s.start < s.end && isspace((unsigned char)s.end[-1]))
		s.end--;
	return s;
}

bool span_number(struct span s, unsigned long *value)
{
	char buf[24], *end;

	s = span_trim(s);
	if (s.start == s.end || !isdigit((unsigned char)*s.start) ||
	    (size_t)(s.end - s.start) >= sizeof(buf))
		return false;
	memcpy(buf, s.start, (size_t)(s.end - s.start));
	buf[s.end - s.start] = '\0';
	*value = strtoul(buf, &end, 0);
	return !*end;
}

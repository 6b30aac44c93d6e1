/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growing text and a span of one: what the pass reads and writes. */
#ifndef AFTERBURNER_TEXT_H
#define AFTERBURNER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data;
	size_t size, room;
	int fd; /* if not 0: where the text goes when there is much of it */
};

/* Part of a text; not terminated. */
struct span {
	const char *start, *end;
};

/* Append; out of memory ends the program with a message. */
void text_append(struct text *t, const char *data, size_t size);
void text_puts(struct text *t, const char *s);
void __attribute__((format(printf, 2, 3))) text_printf(struct text *t, const char *fmt, ...);
void text_free(struct text *t);
/* Write what is there to t->fd; failure ends the program with a message. */
void text_flush(struct text *t);

/* Append all that can be read from fd; false with errno set if it cannot be read. */
bool text_read(struct text *t, int fd);

/* Is the span this word, whatever the case of letters? word is in lower case. */
bool span_is(struct span s, const char *word);
/* The same without blanks at both ends. */
struct span span_trim(struct span s);
/* The span as a number in C notation; false if it is not one. */
bool span_number(struct span s, unsigned long *value);

#endif

/* SPDX-License-Identifier: MIT */
/* Formatted text without a C library. */
#ifndef WEDGE_CORE_FORMAT_H
#define WEDGE_CORE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* %s %c %d %u %x %p-less, with # 0 - (text) width l ll; always terminated, cut at size. Returns the
 * length written. */
size_t format_text_v(char *buf, size_t size, const char *fmt, va_list ap);
size_t __attribute__((format(printf, 3, 4)))
format_text(char *buf, size_t size, const char *fmt, ...);

#endif

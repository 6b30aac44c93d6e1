/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader/message.h"

#include <stdarg.h>
#include <stdio.h>

bool message_verbose;
void (*message_sink)(const char *line);

static void print(const char *path, const char *severity, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "afterburn: %s%s%s", path ? path : "",
			 path ? ": " : "", severity);

	if (n >= 0 && (size_t)n < sizeof(line))
		vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if (message_sink)
		message_sink(line);
	else
		fprintf(stderr, "%s\n", line);
}

bool refuse(const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(path, "", fmt, ap);
	va_end(ap);
	return false;
}

void warn_about(const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(path, "warning: ", fmt, ap);
	va_end(ap);
}

void note(const char *fmt, ...)
{
	va_list ap;

	if (!message_verbose)
		return;
	va_start(ap, fmt);
	print(NULL, "", fmt, ap);
	va_end(ap);
}

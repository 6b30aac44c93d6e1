/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader/message.h"

#include <stdarg.h>
#include <stdio.h>

bool message_verbose;
bool message_silent;

static void print(const char *path, const char *severity, const char *fmt, va_list ap)
{
	char line[1024];

	if (message_silent)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	if (path)
		fprintf(stderr, "afterburn: %s: %s%s\n", path, severity, line);
	else
		fprintf(stderr, "afterburn: %s%s\n", severity, line);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the loader says to the person at the terminal: one line each, on stderr. */
#ifndef LOADER_MESSAGE_H
#define LOADER_MESSAGE_H

#include <stdbool.h>

extern bool message_verbose; /* --verbose: message_note prints */
/* Takes each line in place of stderr, if set: for tests. */
extern void (*message_sink)(const char *line);

/* "afterburn: PATH: ...", always false, so that a check may `return refuse(...)`. path may be null.
 */
bool __attribute__((format(printf, 2, 3))) refuse(const char *path, const char *fmt, ...);
/* The same as a warning. */
void __attribute__((format(printf, 2, 3))) warn_about(const char *path, const char *fmt, ...);
/* What --verbose tells. */
void __attribute__((format(printf, 1, 2))) note(const char *fmt, ...);

#endif

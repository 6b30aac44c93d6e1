/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef AFTERBURNER_JSON_H
#define AFTERBURNER_JSON_H

/* Print a string as JSON, quotes included, to standard output. */
void json_string(const char *s);

#endif

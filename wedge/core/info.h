/* SPDX-License-Identifier: MIT */
/* What a person asks of the machine while it stands still: from its console, or through gdb. */
#ifndef WEDGE_CORE_INFO_H
#define WEDGE_CORE_INFO_H

#include "wedge/core/vcpu.h"

#define INFO_HELP "info registers, info mem, info stats"

/* Takes one line of text. */
typedef void info_line(void *to, const char *text);

/* Answer a command by calls of line. False: there is no such command. */
bool info_command(struct vcpu *v, const char *command, info_line *line, void *to);

#endif

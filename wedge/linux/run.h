/* SPDX-License-Identifier: MIT */
/* Reports of what must not happen in the monitor itself. */
#ifndef WEDGE_LINUX_RUN_H
#define WEDGE_LINUX_RUN_H

#include <stdint.h>

/* A signal that the monitor's own code caused: name it with its registers and end the process. */
_Noreturn void report_signal(int sig, const void *context);

#endif

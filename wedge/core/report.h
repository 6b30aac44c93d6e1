/* SPDX-License-Identifier: MIT */
/* Reports on the state of the machine; report_stats is in machine.h. */
#ifndef WEDGE_CORE_REPORT_H
#define WEDGE_CORE_REPORT_H

#include "wedge/core/info.h"

/* Where the lines of all reports go from now on; line null: platform_message. */
void report_to(info_line *line, void *to);

/* Registers, control registers, segments. */
void report_cpu(const struct vcpu *v);

#endif

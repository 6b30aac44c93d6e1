/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results go to the kernel's log, where both platforms must have left the same. */
#ifndef SENSITIVE_H
#define SENSITIVE_H

#include <linux/kernel.h>

#define result(name, format, ...) pr_info("module: " name " " format "\n", ##__VA_ARGS__)
#define IF 0x200ul

void sensitive_registers(void);

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
/* Not padded: what does not trap runs as ring 3 has it, and the wedge must say so. */
#include "sensitive.h"

#include <linux/module.h>

static int __init plain_init(void)
{
	unsigned short task;

	asm volatile("str %0" : "=r"(task));
	return task ? -ENODEV : -EINVAL;
}

module_init(plain_init);
MODULE_LICENSE("GPL");

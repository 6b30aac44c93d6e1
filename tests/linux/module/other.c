// SPDX-License-Identifier: GPL-3.0-or-later
/* A module beside the first: its sites and their trampolines are its own. Calls back by a timer, so that
 * its text runs from an interrupt, too. */
#include "sensitive.h"

#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static DECLARE_COMPLETION(ticked);
static DEFINE_SPINLOCK(lock);
static int irqs_in_timer;

static void tick(struct timer_list *t)
{
	unsigned long saved;

	spin_lock_irqsave(&lock, saved);
	irqs_in_timer = irqs_disabled();
	spin_unlock_irqrestore(&lock, saved);
	complete(&ticked);
}

static DEFINE_TIMER(timer, tick);

static int __init other_init(void)
{
	mod_timer(&timer, jiffies + 1);
	wait_for_completion(&ticked);
	result("other", "%d %d", irqs_in_timer, irqs_disabled());
	return 0;
}

static void __exit other_exit(void)
{
	del_timer_sync(&timer);
	result("other", "gone");
}

module_init(other_init);
module_exit(other_exit);
MODULE_LICENSE("GPL");

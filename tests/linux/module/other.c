// SPDX-License-Identifier: GPL-3.0-or-later
/* A module beside the first: its sites and their trampolines are its own. Calls back by a timer, so
 * that its text runs from an interrupt, too. */
#include "sensitive.h"

#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/jump_label.h>
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

/* The kernel writes to this text each time, between the sites. */
static DEFINE_STATIC_KEY_FALSE(key);

static noinline int branch(void)
{
	unsigned long saved;
	int taken = 0;

	local_irq_save(saved);
	if (static_branch_unlikely(&key))
		taken = 1;
	local_irq_restore(saved);
	return taken + 2 * irqs_disabled();
}

static void patch(void)
{
	int before = branch(), on, off;

	static_branch_enable(&key);
	on = branch();
	static_branch_disable(&key);
	off = branch();
	result("static key", "%d%d%d", before, on, off);
}

static int __init other_init(void)
{
	patch();
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

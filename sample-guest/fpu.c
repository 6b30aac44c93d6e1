/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 14: the floating-point and SSE registers, saved only when someone else wants them.
 * SDM vol. 3, 13.4 ("Designing OS facilities for saving x87 FPU, SSE ... on task or context
 * switches").
 *
 * The switch sets CR0.TS; the first instruction that touches those registers raises #NM, and only
 * then are the old owner's saved and the new one's loaded.
 */
#include "kernel.h"

static struct thread *owner; /* whose values the registers hold */
volatile unsigned fpu_traps;

void fpu_init(void)
{
	write_cr0((read_cr0() & ~CR0_EM) | CR0_MP | CR0_NE | CR0_TS);
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
}

void fpu_switch(const struct thread *t)
{
	if (t == owner)
		clts();
	else
		write_cr0(read_cr0() | CR0_TS);
}

static void save_owner(void)
{
	asm volatile("fxsave %0" : "=m"(owner->fpu));
}

/* #NM in ring 3. */
void fpu_trap(void)
{
	static const uint32_t mxcsr = 0x1f80; /* as after reset: all exceptions masked */

	fpu_traps++;
	clts();
	if (owner == current)
		return;
	if (owner)
		save_owner();
	owner = current;
	if (current->fpu_used)
		asm volatile("fxrstor %0" ::"m"(current->fpu));
	else
		asm volatile("fninit; ldmxcsr %0" ::"m"(mxcsr));
	current->fpu_used = true;
}

/* The child of fork() starts with its parent's values. */
void fpu_fork(struct thread *child)
{
	uint32_t flags = save_interrupts();

	if (owner == current) {
		clts();
		save_owner();
	}
	child->fpu = current->fpu;
	child->fpu_used = current->fpu_used;
	restore_interrupts(flags);
}

void fpu_forget(const struct thread *t)
{
	if (owner == t)
		owner = NULL;
}

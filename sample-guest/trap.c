/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 6: what to do about an exception or an interrupt.
 *
 * Kernel code that expects a fault says so in the exception table: (start, end, where to go on).
 */
#include "kernel.h"

struct ex_entry {
	uint32_t start, end, resume;
};
extern const struct ex_entry ex_table_start[], ex_table_end[];

volatile struct caught caught;
volatile uint32_t trap_steps[MAX_STEPS];
volatile unsigned trap_nr_steps;
static void (*irq_handler[16])(void);

void trap_irq(unsigned irq, void (*handler)(void))
{
	irq_handler[irq] = handler;
}

static void handle_irq(unsigned irq)
{
	if (pic_spurious(irq))
		return;
	if (irq_handler[irq])
		irq_handler[irq]();
	pic_end(irq);
}

static void note(const struct frame *f, uint32_t cr2)
{
	caught.count++;
	caught.vector = f->vector;
	caught.error = f->error;
	caught.cr2 = cr2;
	caught.eip = f->eip;
	caught.cs = f->cs;
	caught.eflags = f->eflags;
	caught.inside = read_flags();
	if (f->vector == VEC_DB && trap_nr_steps < MAX_STEPS)
		trap_steps[trap_nr_steps++] = f->eip;
}

static const struct ex_entry *find_entry(uint32_t eip)
{
	const struct ex_entry *e;

	for (e = ex_table_start; e < ex_table_end; e++)
		if (eip >= e->start && eip < e->end)
			return e;
	return NULL;
}

/*
 * Find where kernel code wants to go on after a fault. If it was the fetch of an instruction, eip
 * is where a call has led, and whoever called has left his address on the stack: right above the
 * frame, since the CPU does not change stacks within ring 0.
 */
static bool fixup(struct frame *f, uint32_t cr2)
{
	const struct ex_entry *e = find_entry(f->eip);

	if (!e && f->vector == VEC_PF && f->eip == cr2)
		e = find_entry(f->esp - 1);
	if (e)
		f->eip = e->resume;
	return e;
}

static void die(const struct frame *f, uint32_t cr2)
{
	panic("exception %u error %x at %x:%08x eflags %x cr2 %x eax %x ebx %x ecx %x edx %x esi "
	      "%x edi %x",
	      f->vector, f->error, f->cs, f->eip, f->eflags, cr2, f->eax, f->ebx, f->ecx, f->edx,
	      f->esi, f->edi);
}

/* #DB, #BP, #OF and software interrupts are traps: eip already stands behind the instruction. */
static bool is_trap(uint32_t vector)
{
	return vector == VEC_DB || vector == VEC_BP || vector == VEC_OF || vector >= IRQ_BASE + 16;
}

static void kernel_exception(struct frame *f, uint32_t cr2)
{
	note(f, cr2);
	if (!is_trap(f->vector) && !fixup(f, cr2))
		die(f, cr2);
}

static void user_exception(const struct frame *f, uint32_t cr2)
{
	thread_exit(&(struct death){.vector = f->vector,
				    .error = f->error,
				    .cr2 = f->vector == VEC_PF ? cr2 : 0,
				    .eip = f->eip});
}

static void handle_exception(struct frame *f, uint32_t cr2, bool user)
{
	if (f->vector == VEC_PF && current->memory && memory_fault(current->memory, cr2, f->error))
		return;
	if (user && f->vector == SYSCALL_VECTOR)
		syscall(f);
	else if (user && f->vector == VEC_NM)
		fpu_trap();
	else if (user)
		user_exception(f, cr2);
	else
		kernel_exception(f, cr2);
}

/* On the way back to ring 3. */
static void leave(void)
{
	if (need_resched)
		schedule();
	if (current->killed)
		thread_exit(&(struct death){.status = -1, .vector = NO_VECTOR});
}

void trap(struct frame *f);
void trap(struct frame *f)
{
	uint32_t cr2 = read_cr2(); /* before anything else can fault */
	bool user = f->cs & 3;

	if (f->vector >= IRQ_BASE && f->vector < IRQ_BASE + 16)
		handle_irq(f->vector - IRQ_BASE);
	else
		handle_exception(f, cr2, user);
	if (user)
		leave();
}

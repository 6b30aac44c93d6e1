/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 13: threads, and how the CPU goes round among them.
 *
 * A thread that is not running has its registers on its kernel stack. Each timer tick asks for the
 * next one; the switch is made on the way back to ring 3, so that kernel code is never preempted,
 * or where a thread gives up the CPU by itself.
 */
#include "kernel.h"

static struct thread threads[MAX_THREADS];
struct thread *current = &threads[0]; /* who called kernel_main() */
static struct thread *idle;
static uint32_t next_pid = 1;
bool need_resched;

static struct thread *find_state(enum thread_state state)
{
	struct thread *t;

	for (t = threads; t < threads + MAX_THREADS; t++)
		if (t->state == state)
			return t;
	return NULL;
}

/* A new thread: its kernel stack, with size bytes on it left to the caller to fill; *top is where.
 */
struct thread *thread_create(uint32_t size, void **top)
{
	struct thread *t = find_state(THREAD_FREE);
	uint32_t flags = save_interrupts();

	if (t) {
		memset(t, 0, sizeof(*t));
		t->state = THREAD_NEW;
		t->pid = next_pid++;
		t->parent = current;
		t->death.vector = NO_VECTOR;
		t->stack = page_alloc();
		*top = (char *)phys_to_virt(t->stack) + PAGE_SIZE - size;
	}
	restore_interrupts(flags);
	return t;
}

/* Start it at `entry`, with the stack at what thread_create() left. */
void thread_start(struct thread *t, void *top, void (*entry)(void))
{
	uint32_t *stack = top;

	*--stack = (uint32_t)entry;
	stack -= 4; /* %ebp %ebx %esi %edi, for switch_stacks() */
	t->esp = (uint32_t)stack;
	t->state = THREAD_RUNNABLE;
}

static void idle_loop(void)
{
	for (;;) {
		wait_for_interrupt();
		schedule();
	}
}

void sched_init(void)
{
	void *top;

	current->state = THREAD_RUNNABLE;
	current->pid = next_pid++;
	idle = thread_create(0, &top);
	thread_start(idle, top, idle_loop);
}

static struct thread *pick(void)
{
	struct thread *t = current;
	unsigned i;

	for (i = 0; i < MAX_THREADS; i++) {
		if (++t == threads + MAX_THREADS)
			t = threads;
		if (t->state == THREAD_RUNNABLE && t != idle)
			return t;
	}
	return idle;
}

/* What belongs to a thread and lives in the CPU or in its tables. */
static void load_thread(struct thread *t)
{
	memory_switch(t->memory);
	tss.esp0 = (uint32_t)phys_to_virt(t->stack) + PAGE_SIZE;
	tss.io_map = t->has_port ? offsetof(struct tss, ports) : sizeof(tss);
	*gdt_slot(TLS_SEL) = t->tls;
	*gdt_slot(LDT_SEL) = segment_make((uint32_t)t->ldt, sizeof(t->ldt) - 1, SEGMENT_LDT);
	lldt(LDT_SEL);
	fpu_switch(t);
}

void thread_reload(void)
{
	uint32_t flags = save_interrupts();

	load_thread(current);
	restore_interrupts(flags);
}

void schedule(void)
{
	uint32_t flags = save_interrupts();
	struct thread *old = current, *new = pick();

	need_resched = false;
	if (new != old) {
		current = new;
		load_thread(new);
		switch_stacks(&old->esp, new->esp);
	}
	restore_interrupts(flags);
}

void sched_tick(void)
{
	struct thread *t;

	for (t = threads; t < threads + MAX_THREADS; t++)
		if (t->state == THREAD_SLEEPING && (int32_t)(ticks - t->wake) >= 0)
			t->state = THREAD_RUNNABLE;
	need_resched = true;
}

void sleep_ticks(uint32_t n)
{
	uint32_t flags = save_interrupts();

	current->wake = ticks + n;
	current->state = THREAD_SLEEPING;
	schedule();
	restore_interrupts(flags);
}

_Noreturn void thread_exit(const struct death *d)
{
	struct memory *m = current->memory;
	struct thread *t;

	cli();
	current->death = *d;
	current->death.pid = current->pid;
	current->memory = NULL;
	memory_switch(NULL);
	if (m)
		memory_put(m);
	fpu_forget(current);
	for (t = threads; t < threads + MAX_THREADS; t++)
		if (t->state != THREAD_FREE && t->parent == current)
			t->parent = &threads[0];
	if (current->parent->state == THREAD_WAITING)
		current->parent->state = THREAD_RUNNABLE;
	current->state = THREAD_ZOMBIE;
	schedule();
	panic("a dead thread ran");
}

static struct thread *find_child(bool dead)
{
	struct thread *t;

	for (t = threads; t < threads + MAX_THREADS; t++)
		if (t->state != THREAD_FREE && t->parent == current && t != idle &&
		    (!dead || t->state == THREAD_ZOMBIE))
			return t;
	return NULL;
}

/* Wait for a child to die. False: there is none. */
bool thread_wait(struct death *d)
{
	uint32_t flags = save_interrupts();
	struct thread *t;

	while (!(t = find_child(true)) && find_child(false)) {
		current->state = THREAD_WAITING;
		schedule();
	}
	if (t) {
		*d = t->death;
		page_free(t->stack);
		t->state = THREAD_FREE;
	}
	restore_interrupts(flags);
	return t;
}

/* It dies when it is next on its way to ring 3. */
bool thread_kill(uint32_t pid)
{
	uint32_t flags = save_interrupts();
	struct thread *t;

	for (t = threads; t < threads + MAX_THREADS; t++)
		if (t->pid == pid && t->memory && t->state != THREAD_FREE &&
		    t->state != THREAD_ZOMBIE)
			break;
	if (t < threads + MAX_THREADS) {
		t->killed = true;
		if (t->state == THREAD_SLEEPING)
			t->state = THREAD_RUNNABLE;
	}
	restore_interrupts(flags);
	return t < threads + MAX_THREADS;
}

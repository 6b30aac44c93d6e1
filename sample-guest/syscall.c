/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chapter 16: system calls. */
#include "kernel.h"

static int32_t sys_exit(struct frame *f)
{
	thread_exit(&(struct death){.status = f->ebx, .vector = NO_VECTOR});
}

/* A thread that goes on from the same frame as its maker. */
static struct thread *clone(const struct frame *f, struct frame **child)
{
	void *top;
	struct thread *t = thread_create(sizeof(*f), &top);

	if (!t)
		return NULL;
	*child = top;
	**child = *f;
	t->tls = current->tls;
	memcpy(t->ldt, current->ldt, sizeof(t->ldt));
	t->has_port = current->has_port;
	fpu_fork(t);
	return t;
}

static int32_t sys_fork(struct frame *f)
{
	struct frame *child;
	struct thread *t = clone(f, &child);

	if (!t)
		return -1;
	child->eax = 0;
	t->memory = memory_fork(current->memory);
	thread_start(t, child, trap_return);
	return t->pid;
}

static int32_t sys_thread(struct frame *f)
{
	uint32_t stack[2] = {0, f->edx}, top = f->ecx - sizeof(stack);
	struct frame *child;
	struct thread *t;

	if (!copy_to_user(top, stack, sizeof(stack)))
		return -1;
	t = clone(f, &child);
	if (!t)
		return -1;
	child->eip = f->ebx;
	child->esp = top;
	t->memory = current->memory;
	t->memory->users++;
	thread_start(t, child, trap_return);
	return t->pid;
}

static int32_t sys_write(struct frame *f)
{
	uint32_t from = f->ebx, left = f->ecx, size, i;
	char text[64];

	for (; left; left -= size, from += size) {
		size = left < sizeof(text) ? left : sizeof(text);
		if (!copy_from_user(text, from, size))
			return -1;
		for (i = 0; i < size; i++)
			console_put(text[i]);
	}
	return f->ecx;
}

static int32_t sys_exec(struct frame *f)
{
	char name[16] = "";
	unsigned i;

	for (i = 0; i < sizeof(name) - 1; i++) {
		if (!copy_from_user(&name[i], f->ebx + i, 1))
			return -1;
		if (!name[i])
			break;
	}
	if (!program_exec(name, f->ecx, f))
		return -1;
	return 0;
}

static int32_t sys_wait(struct frame *f)
{
	struct death d;

	if (!thread_wait(&d))
		return -1;
	if (!copy_to_user(f->ebx, &d, sizeof(d)))
		return -1;
	return d.pid;
}

static int32_t sys_sleep(struct frame *f)
{
	sleep_ticks((f->ebx * HZ + 999) / 1000);
	return 0;
}

static int32_t sys_sbrk(struct frame *f)
{
	return memory_sbrk(current->memory, f->ebx);
}

static int32_t sys_getpid(struct frame *f)
{
	(void)f;
	return current->pid;
}

static int32_t sys_kill(struct frame *f)
{
	return thread_kill(f->ebx) ? 0 : -1;
}

static int32_t sys_set_tls(struct frame *f)
{
	uint64_t d = segment_make(f->ecx, 0xffffffff, SEGMENT_DATA | SEGMENT_DPL3);

	if (f->ebx == TLS_LDT)
		current->ldt[TLS_LDT_SEL >> 3] = d;
	else
		current->tls = d;
	thread_reload();
	return f->ebx == TLS_LDT ? TLS_LDT_SEL : TLS_SEL;
}

static int32_t sys_port(struct frame *f)
{
	(void)f;
	current->has_port = true;
	thread_reload();
	return 0;
}

static int32_t (*const table[NR_SYSCALLS])(struct frame *f) = {
    [SYS_exit] = sys_exit,     [SYS_fork] = sys_fork,       [SYS_write] = sys_write,
    [SYS_exec] = sys_exec,     [SYS_wait] = sys_wait,       [SYS_sleep] = sys_sleep,
    [SYS_sbrk] = sys_sbrk,     [SYS_getpid] = sys_getpid,   [SYS_kill] = sys_kill,
    [SYS_thread] = sys_thread, [SYS_set_tls] = sys_set_tls, [SYS_port] = sys_port,
};

void syscall(struct frame *f)
{
	if (f->eax < NR_SYSCALLS && table[f->eax])
		f->eax = table[f->eax](f);
	else
		f->eax = -1;
}

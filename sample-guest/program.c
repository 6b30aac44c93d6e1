/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 15: programs. Each is an ELF file (System V ABI, chapters 4 and 5) inside the kernel's
 * image; to load it is to note where its segments go, page faults do the rest.
 */
#include "kernel.h"

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version, entry, phoff, shoff, flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
#define PT_LOAD 1
#define PF_W 2

struct program { /* programs.S */
	const char *name;
	const uint8_t *image;
};
extern const struct program programs[];

static const struct program *find(const char *name)
{
	const struct program *p;

	for (p = programs; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static uint32_t page_up(uint32_t address)
{
	return (address + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/* Give an address space the regions of a program: segments, stack, heap. Gives the entry point. */
static uint32_t load(const struct program *p, struct memory *m)
{
	const struct elf_header *h = (const void *)p->image;
	const struct elf_segment *s = (const void *)(p->image + h->phoff);
	uint32_t heap = 0, i;

	for (i = 0; i < h->phnum; i++, s++) {
		uint32_t end = page_up(s->vaddr + s->memsz);

		if (s->type != PT_LOAD || !s->memsz)
			continue;
		memory_add(m, (struct region){s->vaddr, end, s->flags & PF_W, p->image + s->offset,
					      s->filesz});
		if (end > heap)
			heap = end;
	}
	memory_add(
	    m, (struct region){USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_TOP, true, NULL, 0});
	memory_add(m, (struct region){heap, heap, true, NULL, 0});
	return h->entry;
}

/* The registers that a program starts with: its argument on the stack, as for a function. */
static bool start_frame(struct frame *f, uint32_t entry, uint32_t argument)
{
	uint32_t stack[2] = {0, argument};

	memset(f, 0, sizeof(*f));
	f->ds = f->es = f->ss = USER_DS;
	f->cs = USER_CS;
	f->eip = entry;
	f->eflags = FLAG_IF;
	f->esp = USER_STACK_TOP - sizeof(stack);
	return copy_to_user(f->esp, stack, sizeof(stack));
}

/* Replace the running thread's program. False: there is none of that name. */
bool program_exec(const char *name, uint32_t argument, struct frame *f)
{
	const struct program *p = find(name);
	struct memory *m, *old = current->memory;
	uint32_t entry;

	if (!p)
		return false;
	m = memory_create();
	entry = load(p, m);
	current->memory = m;
	current->tls = 0;
	memset(current->ldt, 0, sizeof(current->ldt));
	fpu_forget(current);
	current->fpu_used = false;
	thread_reload();
	if (old)
		memory_put(old);
	return start_frame(f, entry, argument);
}

/* Where a thread made by program_start() begins: in the kernel, to turn into its program. */
static void first_steps(void)
{
	struct frame *f = (struct frame *)((char *)phys_to_virt(current->stack) + PAGE_SIZE) - 1;

	if (!program_exec(current->start_name, current->start_argument, f))
		thread_exit(&(struct death){.status = -1, .vector = NO_VECTOR});
	enter_user(f);
}

/* A new process that runs a program; gives its number, 0 if there is no room. */
uint32_t program_start(const char *name, uint32_t argument)
{
	struct thread *t;
	void *top;

	t = thread_create(sizeof(struct frame), &top);
	if (!t)
		return 0;
	t->start_name = name;
	t->start_argument = argument;
	thread_start(t, top, first_steps);
	return t->pid;
}

/* Run a program to its end. */
struct death program_run(const char *name, uint32_t argument)
{
	uint32_t pid = program_start(name, argument);
	struct death d = {.pid = 0};

	while (pid && thread_wait(&d) && d.pid != pid)
		;
	return d;
}

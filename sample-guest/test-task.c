/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Task switches by the CPU: SDM vol. 3, 7.3. No kernel of today schedules with them, but they are
 * how one gets out of a double fault, when there is no stack left to push on.
 */
#include "test.h"

#define VECTOR 0x94

static struct tss other;
static uint32_t stack[256];
static volatile uint32_t entered, task_register, task_flags, task_error;
uint32_t task_resume;

/* What the other task does: it notes that it ran. */
void task_note(void);
void task_note(void)
{
	uint32_t selector = 0;

	asm volatile("str %w0" : "+r"(selector));
	task_register = selector;
	task_flags = read_flags();
	entered++;
}

/* For the double fault: the broken task shall go on where it wants to, on its stack of before. */
void task_mend(uint32_t error);
void task_mend(uint32_t error)
{
	task_note();
	task_error = error;
	tss.eip = task_resume;
	tss.esp = try_esp;
}

/* Their entry points: test-task.S */
void task_jumped(void);
void task_called(void);
void task_faulted(void);

static void prepare(void (*entry)(void))
{
	memset(&other, 0, sizeof(other));
	other.cr3 = tss.cr3 = read_cr3(); /* the CPU loads it at a switch, and never stores it */
	other.eip = (uint32_t)entry;
	other.eflags = 2;
	other.esp = (uint32_t)(stack + ARRAY_SIZE(stack));
	other.cs = KERNEL_CS;
	other.ss = other.ds = other.es = KERNEL_DS;
	other.io_map = 104;
	tss.ldt = 0;
	*gdt_slot(TEST_SEL) = segment_make((uint32_t)&other, 103, SEGMENT_TSS);
	entered = task_register = task_flags = 0;
}

static uint8_t type_of(uint16_t selector)
{
	return *gdt_slot(selector) >> 40;
}

/* We are in the first task again, and the other is free. */
static bool is_back(void)
{
	uint32_t selector = 0;

	asm volatile("str %w0" : "+r"(selector));
	CHECK(selector == TSS_SEL);
	CHECK(type_of(TSS_SEL) == SEGMENT_TSS_BUSY && type_of(TEST_SEL) == SEGMENT_TSS);
	CHECK(entered == 1 && task_register == TEST_SEL);
	return true;
}

static bool t_jump(void)
{
	uint32_t esp, after, ebx = 0x1234abcd, cr0;

	prepare(task_jumped);
	clts();
	cli();
	asm volatile("movl %%esp, %0; ljmp %3, $0; movl %%esp, %1"
		     : "=&S"(esp), "=&D"(after), "+b"(ebx)
		     : "i"(TEST_SEL)
		     : "memory");
	cr0 = read_cr0();
	sti();
	CHECK(is_back());
	CHECK(esp == after && ebx == 0x1234abcd);
	CHECK(!(task_flags & FLAG_NT));
	CHECK(cr0 & CR0_TS); /* every task switch sets it */
	return true;
}

static bool t_call(void)
{
	uint32_t flags;

	prepare(task_called);
	cli();
	asm volatile("lcall %0, $0" ::"i"(TEST_SEL) : "memory");
	flags = read_flags();
	sti();
	CHECK(is_back());
	CHECK(task_flags & FLAG_NT); /* iret goes back by the link */
	CHECK(!(flags & FLAG_NT));
	CHECK((uint16_t)other.link == TSS_SEL);
	return true;
}

static bool t_gate(void)
{
	prepare(task_called);
	idt_task_gate(VECTOR, TEST_SEL);
	cli();
	asm volatile("int $0x94" ::: "memory");
	sti();
	idt_reset_gate(VECTOR);
	CHECK(is_back());
	CHECK(task_flags & FLAG_NT);
	return true;
}

static bool t_double_fault(void)
{
	prepare(task_faulted);
	idt_task_gate(VEC_DF, TEST_SEL);
	task_error = 0xffffffff;
	cli();
	/* No stack: the push faults, and so does the delivery of that fault. */
	TRY("movl $1f, task_resume; movl %0, %%esp; pushl $0; 1:", ::"i"(VMAP_BASE + 0x100)
	    : "memory");
	sti();
	idt_reset_gate(VEC_DF);
	CHECK(is_back());
	CHECK(task_error == 0);
	return true;
}

static bool t_busy(void)
{
	TRY("ljmp %0, $0", ::"i"(TSS_SEL) : "memory");
	CHECK(faulted(VEC_GP, TSS_SEL)); /* a task cannot be entered from itself */
	return true;
}

const struct test task_tests[] = {
    {"ljmp to a task and back", t_jump},
    {"lcall to a task, iret back", t_call},
    {"int through a task gate", t_gate},
    {"a task for the double fault mends the kernel", t_double_fault},
    {"a busy task cannot be entered", t_busy},
    {0},
};

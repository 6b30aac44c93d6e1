/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes, threads and what they share, seen from outside: the programs in user/ check the rest.
 */
#include "test.h"

/* Run a program of which each check must hold: it then gives 0, else the number of a line. */
static bool passes(const char *name, uint32_t argument)
{
	unsigned before = pages_free;
	struct death d = program_run(name, argument);

	if (d.status || d.vector != NO_VECTOR) {
		print("# user/%s.c:%d (argument %u) exception %d error %x cr2 %x eip %x\n", name,
		      d.status, argument, (int)d.vector, d.error, d.cr2, d.eip);
		while (thread_wait(&d)) /* for what it leaves behind */
			;
		return false;
	}
	CHECK(pages_free == before); /* all memory has come back */
	return true;
}

#define PASSES(test, name, argument)                                                               \
	static bool test(void)                                                                     \
	{                                                                                          \
		return passes(name, argument);                                                     \
	}
PASSES(t_demand, "memory", 0)
PASSES(t_stack, "memory", 1)
PASSES(t_copy_on_write, "memory", 2)
PASSES(t_parent_writes, "memory", 3)
PASSES(t_heap, "memory", 4)
PASSES(t_kernel_faults, "memory", 5)
PASSES(t_bad_pointers, "memory", 6)
PASSES(t_children, "process", 0)
PASSES(t_exec, "process", 1)
PASSES(t_tree, "process", 2)
PASSES(t_sleep_sort, "process", 3)
PASSES(t_ping_pong, "process", 4)
PASSES(t_kill, "process", 5)
PASSES(t_registers, "process", 6)
PASSES(t_flags, "process", 7)
PASSES(t_thread_in_kernel, "process", 9)
PASSES(t_tls_gdt, "tls", 0)
PASSES(t_tls_ldt, "tls", 1)
PASSES(t_tls_threads, "tls", 2)
PASSES(t_tls_preempted, "tls", 3)
PASSES(t_fpu_in_step, "fpu", 5)
PASSES(t_fpu_inherited, "fpu", 1)
PASSES(t_fpu_clean, "fpu", 2)
PASSES(t_fpu_arithmetic, "fpu", 3)
PASSES(t_call_gate, "gate", 0)
PASSES(t_port, "gate", 1)

static bool t_hello(void)
{
	struct death d = program_run("hello", 41);

	CHECK(d.status == 42 && d.vector == NO_VECTOR);
	return true;
}

static bool t_no_program(void)
{
	CHECK(program_run("nonesuch", 0).status == -1);
	return true;
}

static bool t_fpu_separate(void)
{
	unsigned before = fpu_traps;

	if (!passes("fpu", 0))
		return false;
	CHECK(fpu_traps - before >= 5); /* each of five processes at least once */
	return true;
}

/* A program that never calls the kernel does not keep it. */
static bool t_spinner(void)
{
	uint32_t pid = program_start("process", 8), start = ticks;
	struct death d;

	sleep_ticks(5);
	CHECK(ticks - start >= 5);
	CHECK(thread_kill(pid));
	CHECK(thread_wait(&d) && d.pid == pid && d.status == -1);
	return true;
}

static bool t_sleep(void)
{
	uint32_t start;

	sleep_ticks(1);
	start = ticks;
	pit_oneshot(35795); /* 30 ms */
	sleep_ticks(8);
	CHECK(ticks - start >= 8);
	CHECK(pit_oneshot_done());
	return true;
}

static bool t_side_by_side(void)
{
	uint32_t start = ticks, spinner = program_start("process", 8);
	struct death d = program_run("memory", 0);

	CHECK(d.status == 0 && d.vector == NO_VECTOR && d.pid != spinner);
	CHECK(ticks >= start);
	CHECK(thread_kill(spinner));
	CHECK(thread_wait(&d) && d.pid == spinner);
	return true;
}

/* Programs of every kind at the same time, switched wherever the timer finds them. */
static bool t_together(void)
{
	static const struct {
		const char *name;
		uint32_t argument;
	} all[] = {{"memory", 0},  {"memory", 2},  {"memory", 4},  {"memory", 5}, {"process", 0},
		   {"process", 4}, {"process", 6}, {"process", 7}, {"tls", 2},    {"tls", 3},
		   {"fpu", 0},     {"fpu", 1},     {"fpu", 3},     {"gate", 0},   {"gate", 1}};
	unsigned before = pages_free, i, good = 0;
	struct death d;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		CHECK(program_start(all[i].name, all[i].argument));
	while (thread_wait(&d))
		good += !d.status && d.vector == NO_VECTOR;
	CHECK(good == ARRAY_SIZE(all));
	CHECK(pages_free == before);
	return true;
}

const struct test process_tests[] = {
    {"a program says hello and ends", t_hello},
    {"a program that is not there", t_no_program},
    {"pages come at their first use", t_demand},
    {"the stack grows", t_stack},
    {"fork copies memory when the child writes", t_copy_on_write},
    {"fork copies memory when the parent writes", t_parent_writes},
    {"sbrk grows and shrinks the heap", t_heap},
    {"the kernel's own writes bring pages in and unshare them", t_kernel_faults},
    {"bad pointers are refused by system calls", t_bad_pointers},
    {"fork, exit and wait, twenty times", t_children},
    {"fork and exec", t_exec},
    {"a tree of processes", t_tree},
    {"sleepers wake in order", t_sleep_sort},
    {"sleep lasts", t_sleep},
    {"two threads that only spin take turns", t_ping_pong},
    {"a busy loop is preempted", t_spinner},
    {"a program runs beside a busy loop", t_side_by_side},
    {"a busy loop is killed by another process", t_kill},
    {"system calls keep the registers", t_registers},
    {"system calls keep the flags", t_flags},
    {"a thread that starts at an address of the kernel", t_thread_in_kernel},
    {"%gs through the GDT", t_tls_gdt},
    {"%gs through the LDT", t_tls_ldt},
    {"%gs of five threads, each its own", t_tls_threads},
    {"%gs of threads that are preempted", t_tls_preempted},
    {"floating-point registers of five processes, each its own", t_fpu_separate},
    {"floating-point registers of processes that wake at the same place", t_fpu_in_step},
    {"fork copies the floating-point registers", t_fpu_inherited},
    {"floating-point registers start clean", t_fpu_clean},
    {"floating-point arithmetic in two processes", t_fpu_arithmetic},
    {"a call gate from ring 3 to ring 0 and back", t_call_gate},
    {"the TSS opens a port to one process", t_port},
    {"fifteen programs at the same time", t_together},
    {0},
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

volatile struct caught caught;
volatile unsigned int resume_at;
unsigned int vsyscall;

static const struct {
	const char *name;
	int (*run)(void);
} probes[] = {
    {"faults", probe_faults},
    {"page-faults", probe_page_faults},
    {"flags", probe_flags},
    {"single-step", probe_single_step},
    {"ports", probe_ports},
    {"fpu", probe_fpu},
    {"tls", probe_tls},
    {"ldt", probe_ldt},
    {"threads", probe_threads},
    {"ptrace", probe_ptrace},
    {"vdso", probe_vdso},
    {"timer", probe_timer},
    {"copy-on-write", probe_copy_on_write},
};

/* The kernel's layouts (arch/x86/include/asm/signal.h, include/uapi/asm-generic/ucontext.h). */
struct kernel_sigaction {
	void (*handler)(int, const int *, void *);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask[2];
};

struct kernel_ucontext {
	unsigned long flags;
	struct kernel_ucontext *link;
	unsigned long stack[3];
	struct sigcontext machine;
};

static void handler(int signal, const int *info, void *context)
{
	struct sigcontext *machine = &((struct kernel_ucontext *)context)->machine;

	caught.count++;
	caught.signal = signal;
	caught.trap = machine->trapno;
	caught.error = machine->err;
	caught.eip = machine->eip;
	caught.address = (unsigned int)info[3]; /* si_addr */
	if (resume_at)
		machine->eip = resume_at;
}

void catch_signal(int signal)
{
	const unsigned long siginfo = 4; /* SA_SIGINFO; no restorer: the vDSO has it */
	struct kernel_sigaction action = {.handler = handler, .flags = siginfo};

	SYS4(rt_sigaction, signal, &action, 0, sizeof(action.mask));
}

int fork_run(int (*child)(void))
{
	long pid = SYS0(fork);

	if (pid == 0)
		exit_program(child());
	return (int)pid;
}

int wait_for(int pid)
{
	int status = -1;

	SYS4(wait4, pid, &status, 0, 0);
	return status;
}

static void say_number(unsigned int n)
{
	char digits[11];
	char *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	say(p);
}

static int run(const char *name, int (*probe)(void))
{
	int line = probe();

	if (!line)
		return 0;
	say("probe: ");
	say(name);
	say(" fails at line ");
	say_number((unsigned int)line);
	say(" (last signal ");
	say_number((unsigned int)caught.signal);
	say(", trap ");
	say_number(caught.trap);
	say(", error ");
	say_number(caught.error);
	say(")\n");
	return 1;
}

/* The kernel starts a program with argc, argv, a null, the environment, a null, the auxiliary
 * vector. */
void start(long *stack);
void start(long *stack)
{
	char **argv = (char **)(stack + 1);
	long *p = stack + 1 + stack[0] + 1;
	int failed = 0;

	while (*p++)
		;
	for (; p[0]; p += 2)
		if (p[0] == 32) /* AT_SYSINFO */
			vsyscall = (unsigned int)p[1];
	for (unsigned int i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (stack[0] < 2 || same(argv[1], probes[i].name))
			failed += run(probes[i].name, probes[i].run);
	exit_program(failed != 0);
}

__asm__(".globl _start\n_start:\n\tmovl %esp, %eax\n\tandl $-16, %esp\n\tsubl $12, %esp\n\tpushl "
	"%eax\n\tcall start\n");

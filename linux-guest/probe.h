/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest's probe: what the i386 kernel promises its programs and a shell cannot ask for.
 * Each test is one function, in one of the probe-*.c files; probe.c has the table.
 */
#ifndef LINUX_GUEST_PROBE_H
#define LINUX_GUEST_PROBE_H

#include <asm/sigcontext.h>
#include <asm/unistd_32.h>

#include "syscall.h"

/* What the last signal said. */
struct caught {
	int count;
	int signal;
	unsigned int trap, error, address, eip;
};

extern volatile struct caught caught;
/* Where the handler goes on; 0: where the signal came from. */
extern volatile unsigned int resume_at;
/* __kernel_vsyscall in the vDSO, by the auxiliary vector. */
extern unsigned int vsyscall;

/** Have signal recorded in `caught` and go on at resume_at. */
void catch_signal(int signal);
/** Fork; in the child run `child` and exit with its result. */
int fork_run(int (*child)(void));
/** Wait for process pid: its wait status, as wait4 gives it. */
int wait_for(int pid);

/* Return from a test with the line that failed. */
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

int probe_faults(void);
int probe_page_faults(void);
int probe_flags(void);
int probe_single_step(void);
int probe_ports(void);
int probe_fpu(void);
int probe_tls(void);
int probe_ldt(void);
int probe_threads(void);
int probe_ptrace(void);
int probe_vdso(void);
int probe_timer(void);
int probe_copy_on_write(void);

#endif

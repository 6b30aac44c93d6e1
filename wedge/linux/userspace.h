/* SPDX-License-Identifier: MIT */
/*
 * -isolation process: the guest's ring 3 runs in host processes of its own.
 *
 * Each of the monitor's processes (spaces.c) has a user process, which maps the pages that ring 3
 * has in that address space, a page of code (userstub.S) and what it shares with the monitor
 * (userarea.h); it has no file open. While the guest is in ring 3 the monitor sleeps; whatever ends
 * that is told to it by a system call of the user process that its filter makes a notification
 * (seccomp_unotify(2)). So the monitor knows that the process stands at that call, and it goes on
 * when it is answered and not before: with the operations on its mappings that have come up, and
 * then with the state of ring 3.
 */
#ifndef WEDGE_LINUX_USERSPACE_H
#define WEDGE_LINUX_USERSPACE_H

#include <sys/types.h>
#include "wedge/linux/state.h"
#include "wedge/linux/userarea.h"

/* userprocess.c: make user process n, of which the monitor's processes that are forked later know.
 * Before the sandbox closes. -1: it failed, a message has been printed. */
pid_t userprocess_create(uint32_t n);
/* The filter's listener, and what the process shares with the monitor. */
int userprocess_listener(uint32_t n);
int userprocess_socket(uint32_t n); /* to it */
struct user_area *userprocess_area(uint32_t n);

/* This process of the monitor works with user process n. */
void userspace_bind(uint32_t n, pid_t pid);
pid_t userspace_pid(void); /* 0: it has none */
int userspace_socket(void);

/* What is to be done in the user process before ring 3 goes on there. */
bool userspace_map(uint32_t linear, uint32_t phys, uint32_t pages, unsigned rights);
void userspace_unmap(uint32_t linear, uint32_t pages);
void userspace_ldt(const struct user_desc *d);

/*
 * Run ring 3 from linux_state (and the FPU's registers) until something happens. Returns a USER_
 * reason; with USER_SIGNAL and USER_GATE linux_state is what ring 3 came to, and *trap says more of
 * a signal. It may be anything that ring 3 can write, but for the selectors: those are such as ring
 * 3 can load.
 */
struct user_trap {
	int signal;
	uint8_t vector;
	uint32_t error, address;
};
uint32_t userspace_run(struct user_trap *trap);

/* A signal for the monitor: ring 3 is to leave its process, if it is there. Again until it does. */
void userspace_kick(void);

#endif

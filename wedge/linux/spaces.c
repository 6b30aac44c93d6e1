/* SPDX-License-Identifier: MIT */
/*
 * Each address space of the guest that is worth keeping has a host process: its mappings stay in
 * that process's page tables while others run.
 *
 * The processes are forked before the first guest instruction and are alike: RAM, window and the
 * monitor's data are shared memory at the same addresses, stacks and the C library are private. One
 * of them runs; the others sleep on a futex, their turn. When the guest loads cr3, the monitor ends
 * its work at that exit, gives the turn to the process of the new space and sleeps; that one brings
 * its mappings up to date and resumes the guest from the shared state.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "wedge/core/code.h"
#include "wedge/core/mmu.h"
#include "wedge/core/space.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/linux/userspace.h"
#include "wedge/platform.h"

#define PAGE_MASK 4095ull

/* Linker symbols: where the monitor's writable data begins and ends. */
extern char __data_start[], _end[];

static struct {
	uint32_t turn[LINUX_SPACES]; /* futexes: 1 for the process that runs */
	uint32_t main_exits;         /* the guest has ended: process 0 leaves with the status */
	int status;
	pid_t children[2 * LINUX_SPACES];
	unsigned nr_children;
	pid_t user[LINUX_SPACES]; /* user processes; 0: there are none */
} shared;

static __thread uint32_t me; /* this process; its thread-local storage is its own */

/* Pages of zeroes are left out: most of .bss is never used. */
static void copy_data(char *to, const char *from, size_t size)
{
	static const char zero[PAGE_MASK + 1];

	for (size_t at = 0; at < size; at += sizeof zero)
		if (memcmp(from + at, zero, sizeof zero))
			memcpy(to + at, from + at, sizeof zero);
}

/* errno says why the machine cannot start, and the limits that it may be. */
static bool refused(const char *what)
{
	platform_message("the host refuses %s: %s (see ulimit -a: processes, virtual memory, open "
			 "files; or a control group)",
			 what, strerror(errno));
	return false;
}

/* Replace the process's writable data by shared memory with the same contents. */
static bool share_data(void)
{
	uintptr_t start = (uintptr_t)__data_start & ~PAGE_MASK;
	uintptr_t end = ((uintptr_t)_end + PAGE_MASK) & ~PAGE_MASK;
	size_t size = end - start;
	int fd = memfd_create("afterburner-monitor", MFD_CLOEXEC);
	char *copy;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return refused("memory to share");
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (copy == MAP_FAILED)
		return refused("memory to share");
	copy_data(copy, (const char *)start, size);
	if (mmap((void *)start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		return refused("memory to share");
	munmap(copy, size);
	close(fd);
	return true;
}

void *spaces_memory(const void *from, size_t size)
{
	void *to = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (to != MAP_FAILED && from)
		memcpy(to, from, size);
	return to == MAP_FAILED ? NULL : to;
}

/* The first process leaves last, so that nobody else has to bury the others. */
static _Noreturn void leave_last(int status)
{
	for (unsigned i = 0; i < shared.nr_children; i++) {
		host_syscall(SYS_kill, shared.children[i], SIGKILL, 0, 0, 0, 0);
		host_syscall(SYS_wait4, shared.children[i], 0, 0, 0, 0, 0);
	}
	for (;;)
		host_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

static void wait_turn(void)
{
	while (!__atomic_load_n(&shared.turn[me], __ATOMIC_ACQUIRE))
		host_syscall(SYS_futex, (long)&shared.turn[me], FUTEX_WAIT, 0, 0, 0, 0);
	if (__atomic_load_n(&shared.main_exits, __ATOMIC_ACQUIRE))
		leave_last(shared.status);
}

static void give_turn(uint32_t to)
{
	__atomic_store_n(&shared.turn[me], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&shared.turn[to], 1, __ATOMIC_RELEASE);
	host_syscall(SYS_futex, (long)&shared.turn[to], FUTEX_WAKE, 1, 0, 0, 0);
}

/* It is this process's turn: bring its mappings up to date and go on with the guest. */
static _Noreturn void take_over(void)
{
	struct vcpu *v = &linux_machine.m.cpu;

	segments_sync();
	time_sync();
	shadow_activate(v);
	state_leave(v);
	linux_state.reload = 1; /* this process's registers are not those of the one before */
	linux_resume();         /* gives up the frame of a signal handler that may be below */
}

/* The guest goes on in the space that the core chose. Returns if that is this process's. */
void spaces_leave(void)
{
	uint32_t to = linux_machine.m.space;

	if (to == me)
		return;
	give_turn(to);
	wait_turn();
	take_over();
}

bool spaces_moving(void)
{
	return linux_machine.m.space != me;
}

/* End of the machine in whatever process: the first one is whom the user started. */
_Noreturn void spaces_exit(int status)
{
	__atomic_store_n(&shared.main_exits, 1, __ATOMIC_RELEASE);
	if (me == 0)
		leave_last(status);
	shared.status = status;
	give_turn(0);
	for (;;)
		host_syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

static _Noreturn void run_child(uint32_t number, pid_t parent)
{
	static const int for_main[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

	me = number;
	for (size_t i = 0; i < sizeof for_main / sizeof *for_main; i++)
		signal(for_main[i], SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (shared.user[me])
		userspace_bind(me, shared.user[me]);
	if (getppid() != parent || !time_init_process() || !sandbox_close(NULL, 0))
		_exit(WEDGE_EXIT_INTERNAL);
	wait_turn();
	take_over();
}

/* A process of ours is gone though the machine goes on: killed from outside, or the host is out of
 * memory. */
void spaces_child_died(void)
{
	if (shared.main_exits)
		return;
	platform_message(
	    "one of the monitor's processes was killed: by somebody, or the host is out of memory");
	platform_exit(&linux_machine.m, WEDGE_EXIT_INTERNAL);
}

static bool create_users(void)
{
	for (uint32_t i = 0; i < LINUX_SPACES; i++) {
		shared.user[i] = userprocess_create(i);
		if (shared.user[i] < 0)
			return false;
		shared.children[shared.nr_children++] = shared.user[i];
	}
	return true;
}

/* Make the processes and close the sandbox of each. Afterwards memory that the core changes must
 * not come from malloc. */
bool spaces_create(struct machine *m)
{
	pid_t parent = getpid();

	struct site *sites = spaces_memory(NULL, (m->nr_sites + CODE_SITES) * sizeof *m->sites);

	if (sites)
		memcpy(sites, m->sites, m->nr_sites * sizeof *m->sites);
	m->sites = sites;
	if (!m->sites)
		return refused("memory to share");
	if (!share_data())
		return false;
	shared.turn[0] = 1;
	if (linux_machine.isolated && !create_users())
		return false;
	for (uint32_t i = 1; i < LINUX_SPACES; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			refused("one of the monitor's processes");
			return false;
		}
		if (pid == 0)
			run_child(i, parent);
		shared.children[shared.nr_children++] = pid;
	}
	if (shared.user[0])
		userspace_bind(0, shared.user[0]);
	return sandbox_close(shared.children, shared.nr_children);
}

/* From the first ring 3 instruction on: before, code may run through the aliases of process 0. */
void spaces_open(struct machine *m)
{
	if (!m->trace)
		m->nr_spaces = LINUX_SPACES;
}

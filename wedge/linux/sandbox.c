/* SPDX-License-Identifier: MIT */
/*
 * The sandbox: what the monitor may still ask of the host once the guest runs. Everything else, and
 * every system call that guest code makes by itself, is a SIGSYS.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include "wedge/linux/state.h"
#include "wedge/linux/userspace.h"
#include "wedge/platform.h"

static const int allowed[] = {
    SCMP_SYS(mmap),          /* shadow mappings */
    SCMP_SYS(munmap),        /* shadow mappings */
    SCMP_SYS(modify_ldt),    /* segments.c */
    SCMP_SYS(read),          /* serial input, network */
    SCMP_SYS(write),         /* serial output, messages */
    SCMP_SYS(writev),        /* network */
    SCMP_SYS(preadv),        /* disks */
    SCMP_SYS(pwritev),       /* disks */
    SCMP_SYS(fdatasync),     /* disks: flush */
    SCMP_SYS(fallocate),     /* disks: discard, write zeroes */
    SCMP_SYS(getrandom),     /* entropy */
    SCMP_SYS(ppoll),         /* idle, serial input */
    SCMP_SYS(clock_gettime), /* time, where the vDSO has none */
    SCMP_SYS(timer_settime), /* the next event */
    SCMP_SYS(rt_sigreturn),  /* the monitor was interrupted */
    SCMP_SYS(futex),         /* spaces.c: whose turn it is */
    SCMP_SYS(wait4),         /* spaces.c: the end of the monitor's processes */
    SCMP_SYS(exit_group),
};

static const scmp_datum_t allowed_ioctls[] = {TCSETS, TIOCGWINSZ};

/* The relay passes bytes between gdb and the monitor. */
static const int allowed_relay[] = {
    SCMP_SYS(poll),  SCMP_SYS(accept4),         SCMP_SYS(setsockopt),
    SCMP_SYS(read),  SCMP_SYS(write),           SCMP_SYS(sendto),
    SCMP_SYS(close), SCMP_SYS(restart_syscall), SCMP_SYS(exit_group),
};

bool sandbox_relay(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof allowed_relay / sizeof *allowed_relay; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed_relay[i], 0);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return !err;
}

/* This process's user process: kick it, hear of it, answer it, lend it memory. */
static int allow_user(scmp_filter_ctx ctx, pid_t user)
{
	static const scmp_datum_t requests[] = {SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND};
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2,
				   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)user),
				   SCMP_A1(SCMP_CMP_EQ, USER_KICK));

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)userspace_socket()));
	for (size_t i = 0; !err && i < sizeof requests / sizeof *requests; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, requests[i]));
	if (!err) /* looked at first: it is the most frequent one */
		err = seccomp_syscall_priority(ctx, SCMP_SYS(ioctl), UINT8_MAX);
	return err;
}

bool sandbox_close(const pid_t *children, unsigned nr_children)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int err = ctx ? 0 : -ENOMEM;

	/* i386 and x32 calls have no rule at all: all of them trap. */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
	for (size_t i = 0; !err && i < sizeof allowed / sizeof *allowed; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	/* The terminal: restore it, its size. Others could type into the shell behind it (TIOCSTI).
	 */
	for (size_t i = 0; !err && i < sizeof allowed_ioctls / sizeof *allowed_ioctls; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, allowed_ioctls[i]));
	/* The first process, and at the end only: the others of the monitor. */
	for (unsigned i = 0; !err && i < nr_children; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)children[i]),
				       SCMP_A1(SCMP_CMP_EQ, SIGKILL));
	if (!err && userspace_pid())
		err = allow_user(ctx, userspace_pid());
	/* What is freed from now on must not be given back by brk. */
	mallopt(M_TRIM_THRESHOLD, -1);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	if (err)
		platform_message("cannot close the sandbox: seccomp error %d", -err);
	return !err;
}

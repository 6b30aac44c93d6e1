/* SPDX-License-Identifier: MIT */
/* The monitor's side of its user process. */
#include "wedge/linux/userspace.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "wedge/core/mmu.h"
#include "wedge/core/space.h"
#include "wedge/linux/ldt.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define POPULATE_PAGES 16 /* as memory.c */
#define TRIES 4
#define KICK_AGAIN 4000000 /* ns, unless it has handed over by then */
#define IN_REPORT(field) (void *)(USER_REPORT + offsetof(struct user_report, field))
#define LDT_NOWHERE LDT_MIRRORED /* an entry that nobody uses */
/* Linux 6.6: the one that is woken runs on the processor of the one that wakes it. */
#define SET_FLAGS SECCOMP_IOW(4, __u64)
#define SYNC_WAKE_UP 1ul

/* Of each process of the monitor. */
static __thread struct {
	struct user_orders *orders;
	struct user_report *report;
	pid_t pid;
	int listener, socket;
	uint64_t stopped; /* the notification that is to be answered; 0: the process runs */
	unsigned nr_ldt;
	volatile bool running; /* ring 3 runs there, or is about to */
} user;

/*
 * What was done is forgotten. A process that runs the last operations again by itself finds nothing
 * that it could do to a later user of it: an LDT entry could be another's by then.
 */
static void forget_operations(void)
{
	static const struct user_desc nowhere = {
	    .entry_number = LDT_NOWHERE, .read_exec_only = 1, .seg_not_present = 1};

	for (unsigned i = 0; i < user.nr_ldt; i++)
		user.orders->ldt[i] = nowhere;
	user.orders->nr_ops = user.orders->memory = 0;
	user.nr_ldt = 0;
}

void userspace_bind(uint32_t n, pid_t pid)
{
	struct user_area *area = userprocess_area(n);

	user.orders = &area->orders;
	user.report = &area->report;
	user.pid = pid;
	user.listener = userprocess_listener(n);
	user.socket = userprocess_socket(n);
	user.nr_ldt = USER_LDT_OPS;
	forget_operations();
	host_syscall(SYS_ioctl, user.listener, SET_FLAGS, SYNC_WAKE_UP, 0, 0, 0);
}

pid_t userspace_pid(void)
{
	return user.pid;
}

int userspace_socket(void)
{
	return user.socket;
}

void userspace_kick(void)
{
	if (!user.running)
		return;
	host_syscall(SYS_kill, user.pid, USER_KICK, 0, 0, 0, 0);
	time_again(KICK_AGAIN);
}

/* Until the process stands at its hand-over. */
static void wait_stopped(void)
{
	struct seccomp_notif n;
	long ret;

	do {
		__builtin_memset(&n, 0, sizeof n);
		ret = host_syscall(SYS_ioctl, user.listener, (long)SECCOMP_IOCTL_NOTIF_RECV,
				   (long)&n, 0, 0, 0);
	} while (ret == -EINTR || ret == -ENOENT);
	if (ret < 0)
		report_internal("no word from a user process", (uint64_t)-ret);
	user.stopped = n.id;
}

/* RAM's file for the operations: it arrives before the process goes on. */
static void lend_memory(void)
{
	struct user_report *r = user.report;
	union {
		struct cmsghdr h;
		uint8_t bytes[USER_RIGHTS];
	} rights = {.h = {.cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS,
			  .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec byte = {&rights, 1};
	const struct msghdr message = {
	    .msg_iov = &byte,
	    .msg_iovlen = 1,
	    .msg_control = &rights,
	    .msg_controllen = CMSG_SPACE(sizeof(int)),
	};
	long ret;

	__builtin_memcpy(CMSG_DATA(&rights.h), &linux_machine.ram_fd, sizeof(int));
	r->to = (struct iovec){IN_REPORT(byte), 1};
	r->message = (struct msghdr){
	    .msg_iov = IN_REPORT(to),
	    .msg_iovlen = 1,
	    .msg_control = IN_REPORT(rights),
	    .msg_controllen = USER_RIGHTS,
	};
	do {
		ret = host_syscall(SYS_sendmsg, user.socket, (long)&message, 0, 0, 0, 0);
	} while (ret == -EINTR);
	if (ret < 0)
		report_internal("a user process cannot be lent memory", (uint64_t)-ret);
}

/* Let it go on. */
static void answer(void)
{
	struct seccomp_notif_resp resp = {.id = user.stopped};
	long ret;

	if (user.orders->memory)
		lend_memory();
	user.stopped = 0;
	do {
		ret = host_syscall(SYS_ioctl, user.listener, (long)SECCOMP_IOCTL_NOTIF_SEND,
				   (long)&resp, 0, 0, 0);
	} while (ret == -EINTR);
	if (ret < 0)
		report_internal("a user process does not go on", (uint64_t)-ret);
}

static void put(struct user_op op)
{
	user.orders->ops[user.orders->nr_ops++] = op;
}

static struct user_op unmap_op(uint32_t linear, uint32_t pages)
{
	return (struct user_op){
	    .kind = OP_UNMAP,
	    .at = linear,
	    .length = (uint64_t)pages * PAGE,
	};
}

static struct user_op ldt_op(unsigned n)
{
	return (struct user_op){
	    .kind = OP_LDT,
	    .at = USER_ORDERS + offsetof(struct user_orders, ldt[n]),
	};
}

/* The host refuses some of it: when no mappings are left there is room for new ones. */
static void start_over(void)
{
	const struct machine *m = &linux_machine.m;
	uint32_t end = m->window + m->window_size; /* 0: that of the linear space, too */

	user.orders->nr_ops = user.orders->memory = 0;
	for (unsigned i = 0; i < user.nr_ldt; i++)
		put(ldt_op(i));
	put(unmap_op(0, m->window / PAGE));
	if (end)
		put(unmap_op(end, (0u - end) / PAGE));
	shadow_flush(&linux_machine.m.cpu);
}

static uint32_t hand_over(bool resume)
{
	uint32_t reason = USER_FAILED;

	if (!user.stopped)
		wait_stopped();
	user.orders->resume = resume;
	user.report->kicked = 0;
	for (int i = 0; i < TRIES && reason == USER_FAILED; i++) {
		answer();
		wait_stopped();
		reason = user.report->reason;
	}
	if (reason == USER_FAILED)
		start_over();
	else
		forget_operations();
	return reason;
}

static void make_room(void)
{
	if (user.orders->nr_ops == USER_OPS || user.nr_ldt == USER_LDT_OPS)
		hand_over(false);
}

bool userspace_map(uint32_t linear, uint32_t phys, uint32_t pages, unsigned rights)
{
	if (linear < linux_machine.lowest_page)
		return false;
	make_room();
	put((struct user_op){
	    .kind = OP_MAP,
	    .prot = PROT_READ | (rights & MAP_WRITE ? PROT_WRITE : 0u) |
		    (rights & MAP_EXEC ? PROT_EXEC : 0u),
	    .flags = MAP_SHARED | MAP_FIXED | (pages <= POPULATE_PAGES ? MAP_POPULATE : 0u),
	    .offset = phys,
	    .at = linear,
	    .length = (uint64_t)pages * PAGE,
	});
	user.orders->memory = 1;
	return true;
}

void userspace_unmap(uint32_t linear, uint32_t pages)
{
	make_room();
	put(unmap_op(linear, pages));
}

void userspace_ldt(const struct user_desc *d)
{
	if (!user.orders)
		return; /* before there are user processes: they inherit it */
	/* One an entry, so that nobody can undo the second by doing the first again. */
	for (unsigned i = 0; i < user.nr_ldt; i++) {
		if (user.orders->ldt[i].entry_number == d->entry_number) {
			user.orders->ldt[i] = *d;
			return;
		}
	}
	make_room();
	user.orders->ldt[user.nr_ldt] = *d;
	put(ldt_op(user.nr_ldt++));
}

static void give_state(void)
{
	struct user_orders *o = user.orders;

	o->frame[0] = linux_state.eip;
	o->frame[1] = linux_state.sel[SEG_CS];
	o->frame[2] = linux_state.eflags;
	o->frame[3] = linux_state.gpr[R_ESP];
	o->frame[4] = linux_state.sel[SEG_SS];
	__builtin_memcpy(o->gpr, linux_state.gpr, sizeof o->gpr);
	__builtin_memcpy(o->sel, linux_state.sel, sizeof o->sel);
	o->xcr0 = linux_state.xcr0;
	linux_user_fpu_save(user.report->fpu);
}

#define FLAGS_USER                                                                                 \
	(FLAGS_ARITH | FLAG_1 | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID)

static void take_state(uint32_t reason)
{
	const struct user_report *r = user.report;

	/* Whatever the process has made of its area, an image of the FPU comes out. */
	if (!linux_user_fpu_restore(user.report->fpu)) {
		linux_fpu_initial(user.report->fpu);
		linux_user_fpu_restore(user.report->fpu);
	}
	if (reason != USER_SIGNAL && reason != USER_GATE)
		return;
	__builtin_memcpy(linux_state.gpr, r->gpr, sizeof linux_state.gpr);
	linux_state.eflags = r->eflags & FLAGS_USER;
	for (int s = 0; s < NR_SEGS; s++)
		linux_state.sel[s] = r->sel[s] & 0xffff;
	if (reason == USER_GATE)
		linux_state.sel[SEG_CS] = linux_machine.win->host[SEG_CS];
	else
		linux_state.eip = r->eip;
	segments_distrust(linux_state.sel);
}

/* The vectors that a CPU raises in ring 3 and Linux tells of. */
#define VECTORS_USER                                                                               \
	(1u << VEC_DE | 1u << VEC_DB | 1u << VEC_BP | 1u << VEC_OF | 1u << VEC_BR | 1u << VEC_UD | \
	 1u << VEC_NP | 1u << VEC_SS | 1u << VEC_GP | 1u << VEC_PF | 1u << VEC_MF | 1u << VEC_AC | \
	 1u << VEC_XM)

static struct user_trap trap_of(const struct user_report *r)
{
	struct user_trap t = {
	    .signal = (int)r->signal,
	    .vector = VEC_GP,
	    .error = r->error,
	    .address = (uint32_t)r->address,
	};

	if (r->vector < 32 && (VECTORS_USER >> r->vector & 1))
		t.vector = (uint8_t)r->vector;
	if (r->address > UINT32_MAX) /* in 64-bit code */
		t.vector = VEC_GP;
	if (t.vector == VEC_GP && t.error > 0xffff)
		t.error = 0;
	return t;
}

uint32_t userspace_run(struct user_trap *trap)
{
	uint32_t reason;

	user.running = true;
	if (linux_state.attention) {
		user.running = false;
		return USER_NOTHING;
	}
	give_state();
	reason = hand_over(true);
	user.running = false;
	take_state(reason);
	*trap = trap_of(user.report);
	return reason;
}

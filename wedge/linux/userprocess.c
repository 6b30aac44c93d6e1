/* SPDX-License-Identifier: MIT */
/* The making of user processes, and their sandbox. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <unistd.h>
#include "wedge/linux/syscall.h"
#include "wedge/linux/userspace.h"
#include "wedge/platform.h"

#define LOW 0x100000000 /* bytes that guest code can address */
#define RSEQ_UNREGISTER 1
#define LDT_WRITE 0x11 /* modify_ldt(2) */
#define ORDERS_LOW (uint32_t) USER_ORDERS
#define ORDERS_HIGH (uint32_t)(USER_ORDERS >> 32)

static struct {
	struct user_area *area;
	int listener[LINUX_SPACES], socket[LINUX_SPACES];
} user;

int userprocess_listener(uint32_t n)
{
	return user.listener[n];
}

int userprocess_socket(uint32_t n)
{
	return user.socket[n];
}

struct user_area *userprocess_area(uint32_t n)
{
	return &user.area[n];
}

/* A program for seccomp(2), in the words of what each system call instruction of the stub may ask.
 */
struct program {
	struct sock_filter *code;
	unsigned length, block;
};

static void put(struct program *p, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	p->code[p->length++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t field)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)field);
}

static void answer(struct program *p, uint32_t action)
{
	put(p, BPF_RET | BPF_K, 0, 0, action);
}

static void require(struct program *p, size_t field, uint32_t mask, uint32_t value)
{
	load(p, field);
	if (~mask)
		put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
	answer(p, SECCOMP_RET_TRAP);
}

#define NR offsetof(struct seccomp_data, nr)
#define ARCH offsetof(struct seccomp_data, arch)
#define IP offsetof(struct seccomp_data, instruction_pointer)
#define ARG(n) offsetof(struct seccomp_data, args[n])
#define HIGH 4 /* the upper half of a field */

/* One instruction's system call; what follows, up to `end`, decides on it. */
static void begin(struct program *p, const char *at, uint32_t number)
{
	p->block = p->length;
	load(p, IP);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint32_t)(at - user_stub));
	require(p, NR, ~0u, number);
}

static void end(struct program *p, uint32_t action)
{
	answer(p, action);
	p->code[p->block + 1].jf = (uint8_t)(p->length - p->block - 2);
}

/* The mappings of ring 3, that is below 4 GiB. */
static void require_low(struct program *p)
{
	require(p, ARG(0) + HIGH, ~0u, 0);
	require(p, ARG(1) + HIGH, ~0u, 0);
}

/* Nothing of the page of the user gate. */
static void require_outside(struct program *p, uint32_t page)
{
	load(p, ARG(0));
	put(p, BPF_JMP | BPF_JGT | BPF_K, 0, 1, page);
	answer(p, SECCOMP_RET_ALLOW);
	put(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	load(p, ARG(1));
	put(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	put(p, BPF_JMP | BPF_JGE | BPF_X, 1, 0, 0);
	answer(p, SECCOMP_RET_TRAP); /* beyond 4 GiB */
	put(p, BPF_JMP | BPF_JGT | BPF_K, 0, 1, page);
	answer(p, SECCOMP_RET_TRAP);
}

/* Without a file mmap does nothing: only while the monitor has lent one. */
static void allow_mappings(struct program *p, uint32_t gate)
{
	begin(p, user_stub_mapped, SYS_mmap);
	require_low(p);
	require(p, ARG(3), ~(uint32_t)MAP_POPULATE, MAP_SHARED | MAP_FIXED);
	end(p, SECCOMP_RET_ALLOW);
	begin(p, user_stub_unmapped, SYS_munmap);
	require_low(p);
	require_outside(p, gate & ~0xfffu);
	end(p, SECCOMP_RET_ALLOW);
}

/* Descriptors that the monitor wrote, nobody else's. */
static void allow_descriptors(struct program *p)
{
	const uint32_t size = sizeof(struct user_desc);

	begin(p, user_stub_ldt_set, SYS_modify_ldt);
	require(p, ARG(0), ~0u, LDT_WRITE);
	require(p, ARG(1) + HIGH, ~0u, ORDERS_HIGH);
	require(p, ARG(1), ~((USER_LDT_OPS - 1) * size), ORDERS_LOW + UO_LDT);
	require(p, ARG(2), ~0u, size);
	end(p, SECCOMP_RET_ALLOW);
}

static void allow_receive(struct program *p, const char *at)
{
	begin(p, at, SYS_recvmsg);
	require(p, ARG(0), ~0u, USER_SOCKET);
	require(p, ARG(2), ~0u, MSG_DONTWAIT);
	end(p, SECCOMP_RET_ALLOW);
}

static void allow_close(struct program *p, const char *at)
{
	begin(p, at, SYS_close);
	require(p, ARG(0), ~0u, USER_MEMORY);
	end(p, SECCOMP_RET_ALLOW);
}

/*
 * Of the filter's rules each is about one instruction of the stub: a jump to one of them from
 * anywhere leads to nothing but what stands behind it there.
 */
static void write_filter(struct user_orders *o)
{
	struct program p = {.code = o->program};

	require(&p, ARCH, ~0u, AUDIT_ARCH_X86_64);
	require(&p, IP + HIGH, ~0u, (uint32_t)(USER_STUB >> 32));
	begin(&p, user_stub_handed, SYS_sched_yield);
	end(&p, SECCOMP_RET_USER_NOTIF);
	allow_mappings(&p, o->gate_at);
	allow_descriptors(&p);
	/* It does not wait: what the monitor lends is there before the process goes on. */
	allow_receive(&p, user_stub_received);
	allow_receive(&p, user_stub_taken);
	allow_close(&p, user_stub_closed);
	allow_close(&p, user_stub_sent_closed);
	/* While the process is made; later there is no file for it. */
	begin(&p, user_stub_sent, SYS_sendmsg);
	require(&p, ARG(1) + HIGH, ~0u, ORDERS_HIGH);
	require(&p, ARG(1), ~0u, ORDERS_LOW + UO_MESSAGE);
	end(&p, SECCOMP_RET_ALLOW);
	answer(&p, SECCOMP_RET_TRAP);
	if (p.length > sizeof o->program / sizeof *o->program)
		report_internal("the filter of user processes is too long", p.length);
	o->filter = (struct sock_fprog){
	    .len = (unsigned short)p.length,
	    .filter = (void *)(USER_ORDERS + offsetof(struct user_orders, program)),
	};
}

/* The listener is the second file that the process has open when it sends it. */
static void write_message(struct user_orders *o)
{
	struct cmsghdr *h = (struct cmsghdr *)(void *)o->rights;
	const int fd = USER_MEMORY;

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	o->byte = (struct iovec){(void *)USER_ORDERS, 1};
	o->message = (struct msghdr){
	    .msg_iov = (void *)(USER_ORDERS + offsetof(struct user_orders, byte)),
	    .msg_iovlen = 1,
	    .msg_control = (void *)(USER_ORDERS + offsetof(struct user_orders, rights)),
	    .msg_controllen = CMSG_SPACE(sizeof fd),
	};
}

static bool map_at(uint64_t at, size_t size, int prot)
{
	return mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == (void *)at;
}

static bool map_code(uint64_t at, const void *code, size_t size)
{
	uint64_t page = at & ~0xfffull;

	if (!map_at(page, 0x1000, PROT_READ | PROT_WRITE))
		return false;
	memcpy((void *)at, code, size);
	return mprotect((void *)page, 0x1000, PROT_READ | PROT_EXEC) == 0;
}

static uint64_t in_stub(const char *symbol)
{
	return USER_STUB + (uint64_t)(symbol - user_stub);
}

/*
 * The user gate, where user code's far calls over `int $0x80` lead (fastpath.c):
 *	ljmp $0x33, $1f		32-bit code
 * 1:	jmp *2f(%rip)		64-bit code
 * 2:	.quad user_stub_gate	aligned: user code may have AC set
 */
static bool map_gate(uint32_t at)
{
	struct __attribute__((packed)) {
		uint8_t ljmp;
		uint32_t offset;
		uint16_t selector;
		uint8_t jmp[2];
		uint32_t jmp_disp;
		uint8_t pad[3];
		uint64_t target;
	} code = {
	    .ljmp = 0xea,
	    .offset = at + 7,
	    .selector = 0x33,
	    .jmp = {0xff, 0x25},
	    .jmp_disp = sizeof code.pad,
	    .target = in_stub(user_stub_gate),
	};

	return map_code(at, &code, sizeof code);
}

static bool move(void *from, uint64_t to, int prot)
{
	return mremap(from, 0x10000, 0x10000, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) ==
		   (void *)to &&
	       mprotect((void *)to, 0x10000, prot) == 0;
}

static bool map_all(struct user_area *area)
{
	uint32_t gate = area->orders.gate_at;

	return munmap(NULL, LOW) == 0 && map_gate(gate) &&
	       map_code(USER_STUB, user_stub, (uintptr_t)user_stub_end - (uintptr_t)user_stub) &&
	       map_at(USER_STACK, USER_STACK_SIZE, PROT_READ | PROT_WRITE) &&
	       move(&area->orders, USER_ORDERS, PROT_READ) &&
	       move(&area->report, USER_REPORT, PROT_READ | PROT_WRITE);
}

/*
 * What the kernel would do to the C library's memory when that is not there any more; it costs at
 * every switch of processes, so those of the monitor do without it, too.
 */
static bool leave_library(void)
{
	void *rseq = (char *)__builtin_thread_pointer() + __rseq_offset;
	/* It was registered with the size that the first version of the interface had, or more. */
	unsigned size = __rseq_size > sizeof(struct rseq) ? __rseq_size : sizeof(struct rseq);

	if (__rseq_size &&
	    host_syscall(SYS_rseq, (long)rseq, size, RSEQ_UNREGISTER, RSEQ_SIG, 0, 0))
		return false;
	return host_syscall(SYS_set_robust_list, 0, 24, 0, 0, 0, 0) == 0;
}

static bool install_signals(void)
{
	static const int ours[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, USER_KICK};
	static const int not_ours[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	stack_t stack = {.ss_sp = (void *)USER_STACK, .ss_size = USER_STACK_SIZE};
	struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER};
	bool ok = sigaltstack(&stack, NULL) == 0;

	a.sa_sigaction = (void (*)(int, siginfo_t *, void *))in_stub(user_stub_signal);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		ok = ok && sigaction(ours[i], &a, NULL) == 0;
	for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
		signal(not_ours[i], SIG_IGN);
	return ok;
}

static _Noreturn void become_user(struct user_area *area, int socket, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !map_all(area) ||
	    !install_signals() || dup2(socket, USER_SOCKET) != USER_SOCKET ||
	    host_syscall(SYS_close_range, 1, ~0u, 0, 0, 0, 0))
		_exit(1);
	__asm__ volatile("jmp *%0" : : "r"(in_stub(user_stub_start)));
	__builtin_unreachable();
}

/* The one message: the listener. */
static int receive(int socket)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} rights;
	char byte;
	struct iovec to = {&byte, 1};
	struct msghdr message = {.msg_iov = &to,
				 .msg_iovlen = 1,
				 .msg_control = rights.bytes,
				 .msg_controllen = sizeof rights.bytes};
	struct cmsghdr *h;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	h = CMSG_FIRSTHDR(&message);
	if (h && h->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(h), sizeof fd);
	return fd;
}

pid_t userprocess_create(uint32_t n)
{
	pid_t parent = getpid(), pid;
	struct user_orders *o;
	int pair[2];

	if (!user.area && leave_library())
		user.area = spaces_memory(NULL, LINUX_SPACES * sizeof *user.area);
	if (!user.area || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	o = &user.area[n].orders;
	o->gate_at = fastpath_gate();
	write_filter(o);
	write_message(o);
	pid = fork();
	if (pid == 0)
		become_user(&user.area[n], pair[1], parent);
	close(pair[1]);
	user.listener[n] = pid < 0 ? -1 : receive(pair[0]);
	user.socket[n] = pair[0];
	if (user.listener[n] >= 0)
		return pid;
	platform_message("-isolation process: the host cannot make such a process (Linux 5.19 or "
			 "later is needed)");
	return -1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What belongs to one task and must survive the others: FPU, segments, memory; and looking into
 * one. */
#include "probe.h"

enum { SIGTRAP_ = 5, SIGALRM_ = 14, SIGSTOP_ = 19 };

/* --- the FPU: each process finds its own values after the others have run */

static int fpu_keep(unsigned int seed)
{
	for (unsigned int i = 0; i < 200; i++) {
		unsigned int in[4] = {seed, seed + i, seed ^ i, ~seed}, out[4];
		int integer = (int)(seed + i), back;

		__asm__ volatile("movups %0, %%xmm5\n\tfildl %1" : : "m"(in), "m"(integer));
		SYS0(sched_yield);
		__asm__ volatile("movups %%xmm5, %0\n\tfistpl %1" : "=m"(out), "=m"(back));
		EXPECT(back == integer);
		for (int j = 0; j < 4; j++)
			EXPECT(in[j] == out[j]);
	}
	return 0;
}

static int fpu_child1(void)
{
	return fpu_keep(0x11111111) != 0;
}

static int fpu_child2(void)
{
	return fpu_keep(0x2badcafe) != 0;
}

int probe_fpu(void)
{
	int a = fork_run(fpu_child1), b = fork_run(fpu_child2);
	int line = fpu_keep(0x37373737);

	EXPECT(wait_for(a) == 0);
	EXPECT(wait_for(b) == 0);
	return line;
}

/* --- segments */

/* struct user_desc (arch/x86/include/uapi/asm/ldt.h): flags are seg_32bit, limit_in_pages, useable.
 */
struct user_desc {
	unsigned int entry, base, limit, flags;
};

enum { DESC_FLAGS = 1 | 1 << 4 | 1 << 6 };

static unsigned int main_block[2] = {0x600df00d, 0};

int probe_tls(void)
{
	struct user_desc desc = {(unsigned int)-1, (unsigned int)main_block, 0xfffff, DESC_FLAGS};
	unsigned int value, saved;

	EXPECT(SYS1(set_thread_area, &desc) == 0);
	EXPECT(desc.entry >= 6 && desc.entry <= 8);
	__asm__ volatile("movl %%gs, %1\n\tmovl %2, %%gs\n\tmovl %%gs:0, %0"
			 : "=&r"(value), "=&r"(saved)
			 : "r"(desc.entry * 8 + 3));
	EXPECT(value == 0x600df00d);
	/* What the register reads as names the entry: glibc makes threads with it. */
	__asm__ volatile("movl %%gs, %0" : "=r"(value));
	EXPECT((value & 0xffff) >> 3 == desc.entry);
	/* And may be loaded again. */
	__asm__ volatile("movl %1, %%gs\n\tmovl %2, %%gs\n\tmovl %%gs:0, %0"
			 : "=&r"(value)
			 : "r"(0), "r"(value));
	EXPECT(value == 0x600df00d);
	/* It is there still when others have run. */
	EXPECT(wait_for(fork_run(fpu_child1)) == 0);
	__asm__ volatile("movl %%gs:0, %0\n\tmovl %1, %%gs" : "=&r"(value) : "r"(saved));
	EXPECT(value == 0x600df00d);
	return 0;
}

static unsigned int ldt_block[4] = {1, 2, 3, 4};

/* An entry that is there: byte granular, 16 bytes long. */
static int use_ldt_entry(unsigned int entry)
{
	struct user_desc desc = {entry, (unsigned int)ldt_block, 15, 1 | 1 << 6};
	unsigned int value, saved;

	/* modify_ldt(0x11): write. */
	EXPECT(SYS3(modify_ldt, 0x11, &desc, sizeof(desc)) == 0);
	__asm__ volatile("movl %%fs, %1\n\tmovl %2, %%fs\n\tmovl %%fs:8, %0"
			 : "=&r"(value), "=&r"(saved)
			 : "r"(entry * 8 + 7));
	EXPECT(value == 3);
	/* Within the limit to the last byte. (Beyond it QEMU's TCG does not fault, a CPU does.) */
	__asm__ volatile("movl %%fs:12, %0" : "=r"(value));
	EXPECT(value == 4);
	__asm__ volatile("movl %0, %%fs" : : "r"(saved));
	return 0;
}

/* An entry that is not. */
static int miss_ldt_entry(unsigned int entry)
{
	caught.count = 0;
	__asm__ volatile("movl $1f, %0\n\tmovl %1, %%fs\n1:"
			 : "=m"(resume_at)
			 : "r"(entry * 8 + 7));
	resume_at = 0;
	EXPECT(caught.count == 1 && caught.trap == 13 && caught.error == entry * 8 + 4);
	return 0;
}

int probe_ldt(void)
{
	static const unsigned int there[] = {3, 70, 511, 1023, 1024, 7000},
				  not_there[] = {2, 63, 600, 1030};
	const int segv = 11;

	catch_signal(segv);
	for (unsigned int i = 0; i < sizeof(there) / sizeof(*there); i++) {
		EXPECT(use_ldt_entry(there[i]) == 0);
		for (unsigned int n = 0; n < sizeof(not_there) / sizeof(*not_there); n++)
			EXPECT(miss_ldt_entry(not_there[n]) == 0);
	}
	return 0;
}

/* --- threads: a shared counter under a lock made of futexes, and a TLS block each */

enum { THREADS = 3, ROUNDS = 500, STACK = 4096 };

static struct thread {
	unsigned int block[2];
	volatile int running;
	char stack[STACK] __attribute__((aligned(16)));
} threads[THREADS];
static volatile int lock, counter, wrong_tls;

static void take(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		SYS4(futex, &lock, 0 /* FUTEX_WAIT */, 1, 0);
}

static void give(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	SYS3(futex, &lock, 1 /* FUTEX_WAKE */, 1);
}

static void thread_body(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		unsigned int self;
		int seen;

		take();
		seen = counter;
		if (i % 16 == 0)
			SYS0(sched_yield);
		counter = seen + 1;
		give();
		__asm__ volatile("movl %%gs:0, %0" : "=r"(self));
		if (self != (unsigned int)&threads[self >= (unsigned int)&threads[1]
						       ? self >= (unsigned int)&threads[2] ? 2 : 1
						       : 0])
			wrong_tls++;
	}
}

/* clone: the child comes back on its own stack, where the address of its function waits. */
static long spawn(struct thread *t, unsigned int entry)
{
	/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, CHILD_CLEARTID */
	const long flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x80000 | 0x200000;
	struct user_desc desc = {entry, (unsigned int)t->block, 0xfffff, DESC_FLAGS};
	void **stack = (void **)(t->stack + STACK) - 1;
	long result;

	t->block[0] = (unsigned int)t;
	t->running = 1;
	*stack = (void *)thread_body;
	__asm__ volatile("int $0x80\n\ttestl %%eax, %%eax\n\tjnz 1f\n\t"
			 "movl %6, %%gs\n\tpopl %%eax\n\tcall *%%eax\n\t"
			 "movl %7, %%eax\n\txorl %%ebx, %%ebx\n\tint $0x80\n1:"
			 : "=a"(result)
			 : "a"(__NR_clone), "b"(flags), "c"(stack), "S"(&desc), "D"(&t->running),
			   "d"(entry * 8 + 3), "i"(__NR_exit)
			 : "memory");
	return result;
}

int probe_threads(void)
{
	struct user_desc desc = {(unsigned int)-1, (unsigned int)main_block, 0xfffff, DESC_FLAGS};

	EXPECT(SYS1(set_thread_area, &desc) == 0);
	for (int i = 0; i < THREADS; i++)
		EXPECT(spawn(&threads[i], desc.entry) > 0);
	for (int i = 0; i < THREADS; i++)
		while (threads[i].running)
			SYS4(futex, &threads[i].running, 0 /* FUTEX_WAIT */, threads[i].running, 0);
	EXPECT(counter == THREADS * ROUNDS);
	EXPECT(wrong_tls == 0);
	return 0;
}

/* --- ptrace */

static int traced(void)
{
	SYS4(ptrace, 0 /* PTRACE_TRACEME */, 0, 0, 0);
	SYS2(kill, SYS0(getpid), SIGSTOP_);
	for (volatile int i = 0; i < 100; i++)
		;
	return 7;
}

int probe_ptrace(void)
{
	enum { PEEKUSER = 3, CONT = 7, SINGLESTEP = 9, EIP_OFFSET = 12 * 4 };
	int pid = fork_run(traced);
	unsigned int eip = 0, last;

	EXPECT(wait_for(pid) == (SIGSTOP_ << 8 | 0x7f));
	for (int i = 0; i < 20; i++) {
		last = eip;
		EXPECT(SYS4(ptrace, SINGLESTEP, pid, 0, 0) == 0);
		EXPECT(wait_for(pid) == (SIGTRAP_ << 8 | 0x7f));
		EXPECT(SYS4(ptrace, PEEKUSER, pid, EIP_OFFSET, &eip) == 0);
		EXPECT(eip != last);
	}
	EXPECT(SYS4(ptrace, CONT, pid, 0, 0) == 0);
	EXPECT(wait_for(pid) == 7 << 8);
	return 0;
}

/* --- the rest */

int probe_vdso(void)
{
	long pid = SYS0(getpid), by_vdso;

	EXPECT(vsyscall);
	for (int i = 0; i < 100; i++) {
		__asm__ volatile("call *%1"
				 : "=a"(by_vdso)
				 : "r"(vsyscall), "a"(__NR_getpid)
				 : "memory");
		EXPECT(pid == by_vdso);
	}
	return 0;
}

int probe_timer(void)
{
	/* struct itimerval: interval and value, seconds and microseconds. */
	long every[4] = {0, 10000, 0, 10000}, never[4] = {0, 0, 0, 0};

	catch_signal(SIGALRM_);
	caught.count = 0;
	/* Signals come while the program computes, and end a system call that waits. */
	EXPECT(SYS3(setitimer, 0, every, 0) == 0);
	while (caught.count < 5)
		__asm__ volatile("pause");
	EXPECT(SYS0(pause) == -4); /* EINTR */
	EXPECT(SYS3(setitimer, 0, never, 0) == 0);
	EXPECT(caught.signal == SIGALRM_ && caught.count >= 6);
	return 0;
}

enum { PAGES = 256 };
static unsigned int cow[PAGES][1024];

static int cow_child(void)
{
	for (unsigned int i = 0; i < PAGES; i++)
		EXPECT(cow[i][7] == i);
	for (unsigned int i = 0; i < PAGES; i++)
		cow[i][7] = ~i;
	for (unsigned int i = 0; i < PAGES; i++)
		EXPECT(cow[i][7] == ~i);
	return 0;
}

int probe_copy_on_write(void)
{
	int pid;

	for (unsigned int i = 0; i < PAGES; i++)
		cow[i][7] = i;
	pid = fork_run(cow_child);
	EXPECT(wait_for(pid) == 0);
	for (unsigned int i = 0; i < PAGES; i++)
		EXPECT(cow[i][7] == i);
	return 0;
}

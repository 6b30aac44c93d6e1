/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exceptions of ring 3: which signal, trap number, error code and address a program gets. */
#include "probe.h"

enum { SIGILL_ = 4, SIGTRAP_ = 5, SIGFPE_ = 8, SIGSEGV_ = 11 };

/* Run code that faults; the handler goes on behind it. */
#define FAULT(code)                                                                                \
	do {                                                                                       \
		caught.signal = 0;                                                                 \
		caught.trap = caught.error = 999;                                                  \
		__asm__ volatile("movl $1f, %0\n\t" code "\n1:"                                    \
				 : "=m"(resume_at)                                                 \
				 :                                                                 \
				 : "eax", "ecx", "edx", "memory");                                 \
		resume_at = 0;                                                                     \
	} while (0)

static int got(int signal, unsigned int trap, unsigned int error)
{
	return caught.signal == signal && caught.trap == trap && caught.error == error;
}

int probe_faults(void)
{
	catch_signal(SIGILL_);
	catch_signal(SIGTRAP_);
	catch_signal(SIGFPE_);
	catch_signal(SIGSEGV_);

	FAULT("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; divl %%ecx");
	EXPECT(got(SIGFPE_, 0, 0));
	FAULT("int3");
	EXPECT(got(SIGTRAP_, 3, 0));
	FAULT("movb $0x7f, %%al; addb $1, %%al; into");
	EXPECT(got(SIGSEGV_, 4, 0));
	FAULT("ud2");
	EXPECT(got(SIGILL_, 6, 0));

	/* Privileged instructions. */
	FAULT("cli");
	EXPECT(got(SIGSEGV_, 13, 0));
	FAULT("hlt");
	EXPECT(got(SIGSEGV_, 13, 0));
	FAULT("movl %%cr0, %%eax");
	EXPECT(got(SIGSEGV_, 13, 0));
	FAULT("xorl %%eax, %%eax; movl %%eax, %%cr3");
	EXPECT(got(SIGSEGV_, 13, 0));
	FAULT("movl $0x10, %%ecx; rdmsr");
	EXPECT(got(SIGSEGV_, 13, 0));
	FAULT("inb $0x60, %%al");
	EXPECT(got(SIGSEGV_, 13, 0));

	/* A gate that ring 3 may not use: the error code names it (SDM vol. 3, 6.13). */
	FAULT("int $0x0d");
	EXPECT(got(SIGSEGV_, 13, 0x0d * 8 + 2));
	/* The kernel's code segment, and a null stack. */
	FAULT("movl $0x60, %%eax; movl %%eax, %%fs");
	EXPECT(got(SIGSEGV_, 13, 0x60));
	FAULT("xorl %%eax, %%eax; movl %%eax, %%ss");
	EXPECT(got(SIGSEGV_, 13, 0));
	return 0;
}

int probe_page_faults(void)
{
	const long private_anonymous = 0x22, read_write = 3, read_only = 1;
	long args[6] = {0, 8192, read_write, private_anonymous, -1, 0};
	volatile char *page = (volatile char *)SYS1(mmap, args);
	volatile unsigned int target;

	catch_signal(SIGSEGV_);
	EXPECT((unsigned long)page < 0xc0000000UL);

	/* The kernel's memory; the address is CR2. */
	FAULT("movl %%eax, 0xc0100000");
	EXPECT(caught.signal == SIGSEGV_ && caught.trap == 14 && caught.address == 0xc0100000);
	EXPECT((caught.error & 6) == 6);
	FAULT("movl 0xc0100000, %%eax");
	EXPECT(caught.signal == SIGSEGV_ && (caught.error & 6) == 4);
	/* A null pointer. */
	FAULT("movl 0x10, %%eax");
	EXPECT(got(SIGSEGV_, 14, 4) && caught.address == 0x10);
	/* The last byte of the address space, and an access across its end. */
	FAULT("movb 0xffffffff, %%al");
	EXPECT(caught.signal == SIGSEGV_);

	/* A page made read-only after it was written; a page given back. */
	page[0] = 1;
	page[4096] = 2;
	EXPECT(SYS3(mprotect, page, 4096, read_only) == 0);
	EXPECT(page[0] == 1 && page[4096] == 2);
	target = (unsigned int)page + 12;
	caught.signal = 0;
	__asm__ volatile("movl $1f, %0\n\tmovl %1, %%eax\n\tmovb $1, (%%eax)\n1:"
			 : "=m"(resume_at)
			 : "m"(target)
			 : "eax");
	EXPECT(got(SIGSEGV_, 14, 7) && caught.address == target);
	EXPECT(SYS2(munmap, page + 4096, 4096) == 0);
	target = (unsigned int)page + 4096;
	__asm__ volatile("movl $1f, %0\n\tmovl %1, %%eax\n\tmovb $1, (%%eax)\n1:"
			 : "=m"(resume_at)
			 : "m"(target)
			 : "eax");
	EXPECT(got(SIGSEGV_, 14, 6) && caught.address == target);
	resume_at = 0;
	EXPECT(page[0] == 1);
	return 0;
}

int probe_flags(void)
{
	unsigned int before, after;

	/* popf in ring 3 leaves IF and IOPL alone, without a fault. */
	__asm__ volatile(
	    "pushfl\n\tpopl %0\n\tmovl %0, %1\n\txorl $0x3200, %1\n\tpushl %1\n\tpopfl\n\t"
	    "pushfl\n\tpopl %1\n\tpushl %0\n\tpopfl"
	    : "=&r"(before), "=&r"(after)
	    :
	    : "cc");
	EXPECT(before & 0x200);
	EXPECT((before & 0x3200) == (after & 0x3200));
	/* AC, ID, DF and the arithmetic flags are the program's own, and live through a system
	 * call. */
	__asm__ volatile(
	    "pushl $0x240cd5\n\tpopfl\n\tmovl %2, %%eax\n\tint $0x80\n\tpushfl\n\tpopl %0\n\t"
	    "pushl %1\n\tpopfl"
	    : "=&r"(after)
	    : "r"(before), "i"(__NR_getpid)
	    : "eax", "cc", "memory");
	EXPECT((after & 0x240cd5) == 0x240cd5);
	return 0;
}

int probe_single_step(void)
{
	catch_signal(SIGTRAP_);
	caught.count = 0;
	/* The trap follows each instruction that begins with TF set: three nops, pushf, and, popf.
	 */
	__asm__ volatile("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop\n\tnop\n\tnop\n\t"
			 "pushfl\n\tandl $~0x100, (%%esp)\n\tpopfl\n\tnop"
			 :
			 :
			 : "cc", "memory");
	EXPECT(caught.signal == SIGTRAP_ && caught.trap == 1);
	EXPECT(caught.count == 6);
	return 0;
}

int probe_ports(void)
{
	catch_signal(SIGSEGV_);
	/* Port 0x80 takes diagnostic codes. The TSS has a bit for each port; ioperm clears some. */
	FAULT("outb %%al, $0x80");
	EXPECT(got(SIGSEGV_, 13, 0));
	EXPECT(SYS3(ioperm, 0x80, 1, 1) == 0);
	FAULT("outb %%al, $0x80");
	EXPECT(caught.signal == 0);
	FAULT("outw %%ax, $0x80");
	EXPECT(got(SIGSEGV_, 13, 0));
	EXPECT(SYS3(ioperm, 0x80, 1, 0) == 0);
	FAULT("outb %%al, $0x80");
	EXPECT(got(SIGSEGV_, 13, 0));
	return 0;
}

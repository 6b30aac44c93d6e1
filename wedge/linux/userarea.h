/* SPDX-License-Identifier: MIT */
/*
 * What a user process and its monitor share (userspace.h), and where it lies in the user process,
 *which maps nothing else but pages of the guest's ring 3:
 *
 *	0 .. 4 GiB	ring 3's pages, and the user gate where fastpath.c has its code in the
 *window USER_STUB	code of userstub.S	(r-x)
 *	USER_ORDERS	struct user_orders	(r--)	the monitor writes it
 *	USER_REPORT	struct user_report	(rw-)	the user process writes it: nothing in it
 *can be trusted USER_STACK	the signal stack	(rw-)	its own
 */
#ifndef WEDGE_LINUX_USERAREA_H
#define WEDGE_LINUX_USERAREA_H

#define USER_STUB 0x1000000000
#define USER_STUB_SIZE 0x1000
#define USER_ORDERS (USER_STUB + 0x10000)
#define USER_REPORT (USER_STUB + 0x20000)
#define USER_STACK (USER_STUB + 0x40000)
#define USER_STACK_SIZE 0x10000
#define USER_END (USER_STACK + USER_STACK_SIZE)
#define USER_TOP 0x7ffffffff000 /* the end of a process's address space */

/* File descriptors */
#define USER_SOCKET 0 /* from the monitor */
#define USER_MEMORY 1 /* RAM, while it is lent; the listener's, as long as the process is made */

#define USER_KICK 10     /* SIGUSR1: hand over to the monitor */
#define USER_PATIENCE 50 /* kicks until that comes from anywhere in the stub */

/* Why the user process handed over. */
#define USER_NOTHING                                                                               \
	0 /* it was kicked before it came to the guest's code: its state is as ordered */
#define USER_SIGNAL 1  /* guest code was interrupted */
#define USER_GATE 2    /* the far call over a padded `int $0x80` */
#define USER_REFUSED 3 /* the state as ordered cannot be loaded */
#define USER_FAILED 4  /* the host refused an operation: none of those behind it was done */

/* struct user_orders */
#define UO_FRAME 0 /* five quadwords, as iretq wants them */
#define UO_GPR 40  /* eight dwords, by enum gpr */
#define UO_SEL 72  /* six dwords, by enum segreg */
#define UO_XCR0 96
#define UO_GATE_AT 104
#define UO_RESUME 108
#define UO_MEMORY 112
#define UO_NR_OPS 116
#define UO_FILTER 120  /* struct sock_fprog */
#define UO_MESSAGE 136 /* struct msghdr */
#define UO_LDT 0x400   /* aligned to the size of all of them */
#define UO_OPS 0x800
#define USER_LDT_OPS 64 /* a power of two */
#define USER_OPS 400

/* struct user_op: what the stub does before it goes on with the guest's code. */
#define OP_MAP 0
#define OP_UNMAP 1
#define OP_LDT 2
#define OP_KIND 0
#define OP_PROT 4
#define OP_FLAGS 8
#define OP_OFFSET 12
#define OP_AT 16
#define OP_LENGTH 24
#define OP_SIZE 32

/* struct user_report */
#define UR_GPR 0
#define UR_EIP 32
#define UR_EFLAGS 36
#define UR_SEL 40
#define UR_REASON 64
#define UR_SIGNAL 68
#define UR_VECTOR 72
#define UR_ERROR 76
#define UR_ADDRESS 80
#define UR_KICKED 88
#define UR_MESSAGE 96       /* struct msghdr: what RAM's file descriptor comes with */
#define UR_STACK_TOP 0x1000 /* for a few words */
#define UR_FPU 0x1000

#ifndef __ASSEMBLER__
#include <asm/ldt.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "wedge/core/vcpu.h"

#define USER_RIGHTS 32 /* bytes: a control message with a file descriptor */

struct user_op {
	uint32_t kind, prot, flags, offset;
	uint64_t at, length;
};

struct user_orders {
	uint64_t frame[5]; /* rip, cs, rflags, rsp, ss */
	uint32_t gpr[NR_GPRS];
	uint32_t sel[NR_SEGS];
	uint64_t xcr0;
	uint32_t gate_at; /* linear address of the user gate */
	uint32_t
	    resume; /* go on with the guest's code; else hand over when the operations are done */
	uint32_t memory; /* RAM's file descriptor comes with these orders: close it behind the
			    operations */
	uint32_t nr_ops;
	/* While the process is made: */
	struct sock_fprog filter;
	struct msghdr message; /* gives the filter's listener to the monitor */
	struct iovec byte;
	uint8_t rights[USER_RIGHTS] __attribute__((aligned(8)));
	struct user_desc ldt[USER_LDT_OPS] __attribute__((aligned(UO_LDT)));
	struct user_op ops[USER_OPS];
	struct sock_filter program[128];
};

struct user_report {
	uint32_t gpr[NR_GPRS];
	uint32_t eip, eflags;
	uint32_t sel[NR_SEGS];
	uint32_t reason;
	uint32_t signal, vector, error; /* USER_SIGNAL */
	uint64_t address;
	uint32_t kicked;
	struct msghdr message;
	struct iovec to;
	uint8_t byte;
	uint8_t rights[USER_RIGHTS] __attribute__((aligned(8)));
	uint8_t fpu[0x4000] __attribute__((aligned(UR_FPU)));
};

/* One for each user process, in memory that it shares with all the monitor's processes. */
struct user_area {
	struct user_orders orders __attribute__((aligned(0x10000)));
	struct user_report report __attribute__((aligned(0x10000)));
};

#define USER_ASSERT(type, field, offset)                                                           \
	_Static_assert(offsetof(struct type, field) == (offset), #field)
USER_ASSERT(user_orders, gpr, UO_GPR);
USER_ASSERT(user_orders, sel, UO_SEL);
USER_ASSERT(user_orders, xcr0, UO_XCR0);
USER_ASSERT(user_orders, gate_at, UO_GATE_AT);
USER_ASSERT(user_orders, resume, UO_RESUME);
USER_ASSERT(user_orders, memory, UO_MEMORY);
USER_ASSERT(user_orders, nr_ops, UO_NR_OPS);
USER_ASSERT(user_orders, filter, UO_FILTER);
USER_ASSERT(user_orders, message, UO_MESSAGE);
USER_ASSERT(user_orders, ldt, UO_LDT);
USER_ASSERT(user_orders, ops, UO_OPS);
USER_ASSERT(user_op, prot, OP_PROT);
USER_ASSERT(user_op, flags, OP_FLAGS);
USER_ASSERT(user_op, offset, OP_OFFSET);
USER_ASSERT(user_op, at, OP_AT);
USER_ASSERT(user_op, length, OP_LENGTH);
_Static_assert(sizeof(struct user_op) == OP_SIZE, "user_op");
_Static_assert(UO_LDT == USER_LDT_OPS * sizeof(struct user_desc),
	       "the filter looks at bits of its address");
USER_ASSERT(user_report, eip, UR_EIP);
USER_ASSERT(user_report, eflags, UR_EFLAGS);
USER_ASSERT(user_report, sel, UR_SEL);
USER_ASSERT(user_report, reason, UR_REASON);
USER_ASSERT(user_report, signal, UR_SIGNAL);
USER_ASSERT(user_report, vector, UR_VECTOR);
USER_ASSERT(user_report, error, UR_ERROR);
USER_ASSERT(user_report, address, UR_ADDRESS);
USER_ASSERT(user_report, kicked, UR_KICKED);
USER_ASSERT(user_report, message, UR_MESSAGE);
USER_ASSERT(user_report, fpu, UR_FPU);
USER_ASSERT(user_area, report, USER_REPORT - USER_ORDERS);

/* userstub.S: copied to USER_STUB. */
extern const char user_stub[], user_stub_end[];
extern const char
    user_stub_start[]; /* here the process begins: it unmaps all else, and closes the sandbox */
extern const char user_stub_gate[]; /* 64-bit: where the user gate jumps to */
extern const char user_stub_signal[], user_stub_restorer[];
/* Return addresses of its system calls, each of which the filter lets only one pass. */
extern const char user_stub_handed[], user_stub_mapped[], user_stub_unmapped[], user_stub_ldt_set[],
    user_stub_closed[], user_stub_sent_closed[], user_stub_received[], user_stub_taken[],
    user_stub_sent[];
#endif

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ring 3 tries to get out: at kernel memory, at the wedge's window, at the host's system calls, at
 * privileged instructions. Each attempt must end in the exception that a CPU raises, with its error
 * code, its address and its return address.
 */
#include "tests/guests/runtime/runtime.h"

#define NO_CR2 0xdeadbeef
#define NO_EIP 0
#define P 1u /* page-fault error code */
#define W 2u
#define USER 4u
#define UNMAPPED 0xb0000000 /* nothing is mapped at 16 MiB and above */
#define WINDOW 0xffc00000
#define SOFTWARE_GP(vector) ((vector)*8u + 2)

struct attempt {
	const char *name;
	const char *code, *eip; /* where it starts; where the trap must say it was */
	uint32_t ebx;
	uint32_t vector, error, cr2;
};

#define CODE(name) extern const char try_##name[], at_##name[];
CODE(read)
CODE(write)
CODE(jump)
CODE(call)
CODE(push)
CODE(movs)
CODE(load_ds)
CODE(load_ss)
CODE(far_call)
CODE(far_jump)
CODE(sysenter)
CODE(syscall)
CODE(int80)
CODE(int81)
CODE(int_device)
CODE(divide)
CODE(undefined)
CODE(bound)
CODE(breakpoint)
CODE(hlt)
CODE(cli)
CODE(rdmsr)
CODE(mov_cr0)
CODE(out)
CODE(stack)
CODE(step)
extern const char try_return[], try_padded[], after_padded[];

static uint32_t secret = 0x5ec3e7;
static struct frame last;
static uint32_t last_cr2;
static struct context user_return;

static void on_trap(struct frame *f)
{
	last = *f;
	last_cr2 = read_cr2();
	context_restore(&user_return, 1);
}

static void visit(const struct attempt *a)
{
	static uint32_t stack[64] __attribute__((section(".user.data"), aligned(4096)));

	asm volatile("movl %0, %%cr2" : : "r"(NO_CR2));
	if (!context_save(&user_return))
		enter_user_with((uint32_t)a->code, (uint32_t)(stack + 32), EFLAGS_1 | EFLAGS_IF,
				a->ebx);
}

static void run(const struct attempt *a)
{
	visit(a);
	check(last.vector == a->vector && last.error == a->error,
	      "%s %08x: vector %u error %x, expected %u %x", a->name, a->ebx, last.vector,
	      last.error, a->vector, a->error);
	check(last_cr2 == a->cr2, "%s %08x: cr2 %08x, expected %08x", a->name, a->ebx, last_cr2,
	      a->cr2);
	check(a->eip == NO_EIP || last.eip == (uint32_t)a->eip, "%s %08x: eip %08x, expected %08x",
	      a->name, a->ebx, last.eip, (uint32_t)a->eip);
	check((last.cs & 0xffff) == SEL_UCODE, "%s: cs %04x", a->name, last.cs);
	check(secret == 0x5ec3e7, "%s %08x: kernel memory was written", a->name, a->ebx);
}

/* Ring 3 learns from the error code whether there is a page. */
static uint32_t present(uint32_t address)
{
	return address < 0x1000000 && *pte_of((void *)address) & 1 ? P : 0;
}

#define MEMORY(name, error, address)                                                               \
	{                                                                                          \
#name, try_##name, at_##name, (uint32_t)(address), VEC_PF, error,                  \
		    (uint32_t)(address)                                                            \
	}
#define TRAP(name, vector, error)                                                                  \
	{                                                                                          \
#name, try_##name, at_##name, 0, vector, error, NO_CR2                             \
	}

static void test_memory(void)
{
	const uint32_t targets[] = {(uint32_t)&secret, (uint32_t)gdt, 0x100000, 0x4000, 4};

	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct attempt attempts[] = {
		    MEMORY(read, USER | present(targets[i]), targets[i]),
		    MEMORY(write, USER | W | present(targets[i]), targets[i]),
		    MEMORY(push, USER | present(targets[i]), targets[i]),
		    MEMORY(movs, USER | present(targets[i]), targets[i]),
		};

		for (unsigned n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++)
			run(&attempts[n]);
	}
	section_end("ring 3 does not reach kernel memory");
}

static void test_unmapped(void)
{
	const uint32_t targets[] = {UNMAPPED, WINDOW, WINDOW + 0x10000, 0xfffffff0};

	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct attempt attempts[] = {
		    MEMORY(read, USER, targets[i]),
		    MEMORY(write, USER | W, targets[i]),
		    MEMORY(push, USER, targets[i]),
		};

		for (unsigned n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++)
			run(&attempts[n]);
	}
	section_end("what is not mapped is not there");
}

/* The jump is done; the fetch behind it faults. */
static void test_fetch(void)
{
	const uint32_t targets[] = {(uint32_t)&secret, 0x100000, 0x4000,
				    UNMAPPED,          WINDOW,   WINDOW + 0x10000};

	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		uint32_t t = targets[i], error = USER | present(t);
		const struct attempt attempts[] = {
		    {"jump", try_jump, (char *)t, t, VEC_PF, error, t},
		    {"call", try_call, (char *)t, t, VEC_PF, error, t},
		    {"return", try_return, (char *)t, t, VEC_PF, error, t},
		};

		for (unsigned n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++)
			run(&attempts[n]);
	}
	section_end("ring 3 does not run kernel code");
}

static void test_stack(void)
{
	const struct attempt attempts[] = {
	    {"stack", try_stack, at_stack, (uint32_t)&secret + 4, VEC_PF, USER | P | W,
	     (uint32_t)&secret},
	    {"stack", try_stack, at_stack, UNMAPPED, VEC_PF, USER | W, UNMAPPED - 4},
	};

	for (unsigned n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++)
		run(&attempts[n]);
	section_end("a stack in kernel memory faults");
}

static void test_segments(void)
{
	const struct attempt attempts[] = {
	    {"kernel ds", try_load_ds, at_load_ds, SEL_KDATA, VEC_GP, SEL_KDATA, NO_CR2},
	    {"kernel ss", try_load_ss, at_load_ss, SEL_KDATA, VEC_GP, SEL_KDATA, NO_CR2},
	    {"null ss", try_load_ss, at_load_ss, 0, VEC_GP, 0, NO_CR2},
	    TRAP(far_call, VEC_GP, SEL_KCODE),
	    TRAP(far_jump, VEC_GP, SEL_KCODE),
	};

	for (unsigned n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++)
		run(&attempts[n]);
	section_end("segments of ring 0 are refused");
}

/* Not in CPUID everywhere: #UD or, with no entry set up, #GP. A process on Linux cannot know the
 * address. */
static void test_fast_calls(void)
{
	const struct attempt sysenter = TRAP(sysenter, VEC_GP, 0),
			     syscall = TRAP(syscall, VEC_UD, 0);

	visit(&sysenter);
	check(last.vector == VEC_GP || last.vector == VEC_UD, "sysenter: vector %u", last.vector);
	check((last.cs & 0xffff) == SEL_UCODE, "sysenter: cs %04x", last.cs);
	visit(&syscall);
	check(last.vector == VEC_UD, "syscall: vector %u", last.vector);
	check((last.cs & 0xffff) == SEL_UCODE, "syscall: cs %04x", last.cs);
	check(last.ebx == 0 && last.ebp == 0 && last.esi == 0, "syscall: registers changed");
}

/* int pushes nothing on the stack of ring 3, which may be anywhere. */
static void test_any_stack(void)
{
	const uint32_t stacks[] = {
	    (uint32_t)user_start + 64, (uint32_t)user_start + 61, 0, 3, (uint32_t)&secret, UNMAPPED,
	    WINDOW + 0x10000};

	gate_dpl(VEC_SYSCALL, 3);
	for (unsigned i = 0; i < 3 * sizeof(stacks) / sizeof(stacks[0]); i++) {
		const struct attempt a = {"padded",    try_padded, after_padded, stacks[i / 3],
					  VEC_SYSCALL, 0,          NO_CR2};

		run(&a);
		check(last.esp == a.ebx, "esp %08x, expected %08x", last.esp, a.ebx);
	}
	gate_dpl(VEC_SYSCALL, 0);
	section_end("a system call needs no stack");
}

/* No system call of the host: int 0x80 has a gate here or not, the others never do. */
static void test_calls(void)
{
	struct attempt a = TRAP(int80, VEC_GP, SOFTWARE_GP(0x80));

	run(&a);
	gate_dpl(VEC_SYSCALL, 3);
	a = (struct attempt){"int80", try_int80, at_int80 + 2, 0, VEC_SYSCALL, 0, NO_CR2};
	for (uint32_t n = 0; n < 400; n++) {
		a.ebx = n;
		run(&a);
		check(last.eax == 0 && last.ebx == n, "int 0x80 changed registers");
	}
	gate_dpl(VEC_SYSCALL, 0);
	run(&(struct attempt)TRAP(int81, VEC_GP, SOFTWARE_GP(0x81)));
	run(&(struct attempt)TRAP(int_device, VEC_GP, SOFTWARE_GP(0x20)));
	test_fast_calls();
	section_end("system calls end in the guest");
}

static void test_privileged(void)
{
	run(&(struct attempt)TRAP(hlt, VEC_GP, 0));
	run(&(struct attempt)TRAP(cli, VEC_GP, 0));
	run(&(struct attempt)TRAP(rdmsr, VEC_GP, 0));
	run(&(struct attempt)TRAP(mov_cr0, VEC_GP, 0));
	run(&(struct attempt)TRAP(out, VEC_GP, 0));
	section_end("privileged instructions are refused");
}

static void test_exceptions(void)
{
	gate_dpl(VEC_BP, 3);
	run(&(struct attempt)TRAP(divide, VEC_DE, 0));
	run(&(struct attempt)TRAP(undefined, VEC_UD, 0));
	run(&(struct attempt)TRAP(bound, 5, 0));
	run(&(struct attempt){"breakpoint", try_breakpoint, at_breakpoint + 1, 0, VEC_BP, 0,
			      NO_CR2});
	run(&(struct attempt){"step", try_step, at_step, 0, VEC_DB, 0, NO_CR2});
	section_end("exceptions of ring 3 arrive in ring 0");
}

void test_main(void)
{
	for (unsigned i = 0; i < 256; i++)
		trap_set((uint8_t)i, on_trap);
	paging_init();
	test_memory();
	test_unmapped();
	test_fetch();
	test_stack();
	test_segments();
	test_calls();
	test_any_stack();
	test_privileged();
	test_exceptions();
}

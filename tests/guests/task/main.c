/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hardware task switches (SDM vol. 3, chapter 7), of which a system that uses them for nothing else
 * has one: the double fault. By jmp, by call and iret, by a task gate with and without an error
 * code.
 */
#include "tests/guests/runtime/runtime.h"
#include "tests/guests/task/task.h"

struct state {
	uint16_t link, pad0;
	uint32_t stacks[6];
	uint32_t cr3, eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, iomap;
} __attribute__((packed));

void jump_to_task(void);
void call_task(void);
void interrupt_task(void);
void fault_without_stack(uint32_t esp);
void task_notes(void);
_Noreturn void double_fault_over(void);
extern const char task_by_jump[], task_by_iret[], task_of_double_fault[], fault_without_stack_at[];
extern const char jump_to_task_at[], jump_to_task_behind[], call_task_at[], call_task_behind[],
    interrupt_task_at[], interrupt_task_behind[];
extern uint32_t regs_behind[8], flags_behind, switch_esp, task_error;

static struct state task __attribute__((aligned(128)));
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint64_t ldt[2];
static char task_stack[4096] __attribute__((aligned(16)));
static struct context back;

/* What the other task found. */
static struct {
	uint32_t count, eflags, cr0, cr3, cr2, tr, ldtr, ds, fs;
	uint8_t own_type, old_type;
	uint16_t link;
} notes;

#define CR0_TASK_SWITCHED 8u
#define TYPE_AVAILABLE 0x89
#define TYPE_BUSY 0x8b

static uint8_t type_of(unsigned sel)
{
	return (uint8_t)(gdt[sel >> 3] >> 40);
}

void task_notes(void)
{
	notes.count++;
	asm volatile("pushfl; popl %0" : "=r"(notes.eflags));
	asm volatile("movl %%cr0, %0" : "=r"(notes.cr0));
	asm volatile("str %0" : "=r"(notes.tr));
	asm volatile("sldt %0" : "=r"(notes.ldtr));
	asm volatile("movl %%ds, %0" : "=r"(notes.ds));
	asm volatile("movl %%fs, %0" : "=r"(notes.fs));
	notes.cr2 = read_cr2();
	notes.cr3 = read_cr3();
	notes.own_type = type_of(SEL_TASK);
	notes.old_type = type_of(SEL_TSS);
	notes.link = task.link;
	asm volatile("clts");
}

static void prepare(const char *entry)
{
	task = (struct state){
	    .cr3 = (uint32_t)directory,
	    .eip = (uint32_t)entry,
	    .eflags = EFLAGS_1 | 0x80, /* SF, to be recognised */
	    .esp = (uint32_t)task_stack + sizeof(task_stack),
	    .es = SEL_KDATA,
	    .cs = SEL_KCODE,
	    .ss = SEL_KDATA,
	    .ds = SEL_KDATA,
	    .fs = 0x0c, /* the second of its LDT */
	    .ldt = SEL_TASK_LDT,
	    .iomap = sizeof(task),
	};
	gdt[SEL_TASK >> 3] = descriptor((uint32_t)&task, sizeof(task) - 1, TYPE_AVAILABLE, 0);
	notes.count = 0;
	asm volatile("movl %0, %%cr2" : : "r"(0xdeadbeef));
}

static void check_notes(const char *what, bool nested)
{
	check(notes.count == 1, "%s: the task ran %u times", what, notes.count);
	check(notes.cr0 & CR0_TASK_SWITCHED, "%s: TS is clear", what);
	check(notes.cr3 == (uint32_t)directory, "%s: cr3 %08x", what, notes.cr3);
	check((notes.tr & 0xffff) == SEL_TASK, "%s: tr %04x", what, notes.tr);
	check((notes.ldtr & 0xffff) == SEL_TASK_LDT, "%s: ldtr %04x", what, notes.ldtr);
	check(notes.ds == SEL_KDATA && notes.fs == 0x0c, "%s: ds %04x fs %04x", what, notes.ds,
	      notes.fs);
	check(!(notes.eflags & EFLAGS_NT) == !nested, "%s: eflags %08x", what, notes.eflags);
	check(notes.own_type == TYPE_BUSY, "%s: its descriptor %02x", what, notes.own_type);
	check(notes.old_type == (nested ? TYPE_BUSY : TYPE_AVAILABLE),
	      "%s: the old descriptor %02x", what, notes.old_type);
	check(!nested || notes.link == SEL_TSS, "%s: link %04x", what, notes.link);
}

static void check_behind(const char *what, const char *at, const char *behind)
{
	const struct state *old = (const struct state *)&tss;
	static const uint32_t expected[] = {0x11111111, 0x22222222, 0x33333333, 0x44444444,
					    0,          0x55555555, 0x66666666, 0x77777777};

	for (unsigned i = 0; i < 8; i++)
		check(regs_behind[i] == (i == 4 ? switch_esp : expected[i]),
		      "%s: register %u is %08x", what, i, regs_behind[i]);
	/* TCG saves stale flags when the switch is by jmp or call. */
	check(at != interrupt_task_at || flags_behind & EFLAGS_CF, "%s: carry is lost", what);
	check(!(flags_behind & EFLAGS_NT), "%s: NT came back", what);
	check(old->eax == 0x11111111 && old->edi == 0x77777777 && old->esp == switch_esp,
	      "%s: saved eax %08x edi %08x esp %08x", what, old->eax, old->edi, old->esp);
	check(old->eip > (uint32_t)at && old->eip <= (uint32_t)behind,
	      "%s: saved eip %08x, expected (%08x, %08x]", what, old->eip, (uint32_t)at,
	      (uint32_t)behind);
	check(read_cr3() == (uint32_t)page_directory, "%s: cr3 %08x", what, read_cr3());
	check(type_of(SEL_TSS) == TYPE_BUSY && type_of(SEL_TASK) == TYPE_AVAILABLE,
	      "%s: descriptors %02x %02x", what, type_of(SEL_TSS), type_of(SEL_TASK));
}

static void test_jump(void)
{
	prepare(task_by_jump);
	jump_to_task();
	check_notes("jmp", false);
	check_behind("jmp", jump_to_task_at, jump_to_task_behind);
	section_end("jmp to a task and back");
	notes.count = 0;
	jump_to_task(); /* goes on behind its own jmp */
	check_notes("second jmp", false);
	check_behind("second jmp", jump_to_task_at, jump_to_task_behind);
	section_end("a task goes on where it left");
}

static void test_call(void)
{
	prepare(task_by_iret);
	call_task();
	check_notes("call", true);
	check_behind("call", call_task_at, call_task_behind);
	section_end("call of a task, and iret");
}

static void test_gate(void)
{
	prepare(task_by_iret);
	gate_set(VEC_TASK, SEL_TASK, 0, 0x85);
	interrupt_task();
	check_notes("int", true);
	check_behind("int", interrupt_task_at, interrupt_task_behind);
	section_end("interrupt through a task gate, and iret");
}

static void on_gp(struct frame *f)
{
	context_restore(&back, (int)f->error + 1);
}

static void test_busy(void)
{
	int error = context_save(&back);

	if (!error) {
		prepare(task_by_iret);
		gdt[SEL_TASK >> 3] = descriptor((uint32_t)&task, sizeof(task) - 1, TYPE_BUSY, 0);
		call_task();
	}
	check(error - 1 == SEL_TASK && notes.count == 0, "call of a busy task: error %x",
	      error - 1);
	section_end("a busy task is refused");
}

void double_fault_over(void)
{
	context_restore(&back, 1);
}

/* The other task stays the current one: tr says so, and the old one stays busy. */
static void test_double_fault(void)
{
	static char hole[3 * 4096] __attribute__((aligned(4096)));
	const struct state *old = (const struct state *)&tss;
	char *page = hole + 4096;

	*pte_of(page) = 0;
	invlpg(page);
	prepare(task_of_double_fault);
	gate_set(VEC_DF, SEL_TASK, 0, 0x85);
	if (!context_save(&back))
		fault_without_stack((uint32_t)page + 4096);
	check_notes("double fault", true);
	check(task_error == 0, "error code %x", task_error);
	check(notes.cr2 == (uint32_t)page + 4092, "cr2 %08x, expected %08x", notes.cr2,
	      (uint32_t)page + 4092);
	check(old->eip == (uint32_t)fault_without_stack_at, "eip %08x, expected %08x", old->eip,
	      (uint32_t)fault_without_stack_at);
	check(old->esp == (uint32_t)page + 4096, "esp %08x", old->esp);
	section_end("a double fault has a stack of its own");
}

void test_main(void)
{
	trap_set(VEC_GP, on_gp);
	paging_init();
	memcpy(directory, page_directory, sizeof(directory));
	ldt[1] = descriptor(0, 0xfffff, 0x93, 0xc);
	gdt[SEL_TASK_LDT >> 3] = descriptor((uint32_t)ldt, sizeof(ldt) - 1, 0x82, 0);
	((struct state *)&tss)->cr3 = (uint32_t)page_directory;
	test_jump();
	test_call();
	test_gate();
	test_busy();
	test_double_fault();
}

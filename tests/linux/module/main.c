// SPDX-License-Identifier: GPL-3.0-or-later
/* Flags, interrupts, ports, and transfers of control. */
#include "sensitive.h"

#include <asm/desc.h>
#include <asm/segment.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>

static unsigned long flags(void)
{
	unsigned long value;

	asm volatile("pushf; pop %0" : "=r"(value) : : "memory");
	return value;
}

static void interrupt_flag(void)
{
	unsigned long before = flags(), cli, sti, popf;

	asm volatile("cli" : : : "memory");
	cli = flags();
	asm volatile("sti" : : : "memory");
	sti = flags();
	asm volatile("cli; push %0; popf" : : "r"(before) : "memory", "cc");
	popf = flags();
	result("pushf cli sti popf", "%d%d%d%d", !!(before & IF), !!(cli & IF), !!(sti & IF),
	       !!(popf & IF));
}

static void halts(void)
{
	unsigned long start = jiffies;

	while (time_before(jiffies, start + 3))
		asm volatile("sti; hlt" : : : "memory");
	result("hlt", "%d", time_after_eq(jiffies, start + 3));
}

/* Register 0x0f of the clock's memory, which nobody else uses; interrupts off, as the driver's lock
 * has it. */
static void ports(void)
{
	unsigned long saved;
	u8 value, string[2] = {0x0f, 0x55}, *at = string, back = 0;

	local_irq_save(saved);
	asm volatile("outb %0, $0x70" : : "a"((u8)0x0f));
	asm volatile("inb $0x71, %0" : "=a"(value));
	asm volatile("outsb" : "+S"(at) : "d"(0x70) : "memory");
	asm volatile("rep; outsb" : "+S"(at) : "d"(0x71), "c"(1) : "memory");
	asm volatile("outb %b0, %w1" : : "a"(0x0f), "d"(0x70));
	at = &back;
	asm volatile("insb" : "+D"(at) : "d"(0x71) : "memory");
	asm volatile("outb %b0, %w1; mov %b2, %b0; outb %b0, $0x71"
		     :
		     : "a"(0x0f), "d"(0x70), "q"(value));
	local_irq_restore(saved);
	result("in out ins outs", "%x %td", back, at - &back);
}

static void far_transfers(void)
{
	struct {
		u32 offset;
		u16 sel;
	} __packed to = {.sel = __KERNEL_CS};
	unsigned long way = 0;

	asm volatile("ljmp %1, $1f; 1: add $1, %0" : "+r"(way) : "i"(__KERNEL_CS) : "cc");
	asm volatile("lcall %1, $2f; jmp 3f; 2: add $2, %0; lret; 3:"
		     : "+r"(way)
		     : "i"(__KERNEL_CS)
		     : "cc", "memory");
	asm volatile("movl $1f, %1; ljmp *%1; 1: add $4, %0" : "+r"(way), "+m"(to) : : "cc");
	asm volatile("pushf; push %1; push $1f; iret; 1: add $8, %0"
		     : "+r"(way)
		     : "i"(__KERNEL_CS)
		     : "cc", "memory");
	result("ljmp lcall lret iret", "%lx", way);
}

static void processor(void)
{
	u32 a = 0, b, c, d, low, high, again;
	u64 first, second;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	asm volatile("rdtsc" : "=A"(first));
	asm volatile("rdtsc" : "=A"(second));
	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x174));
	asm volatile("wrmsr" : : "a"(0x1230), "d"(0), "c"(0x174));
	asm volatile("rdmsr" : "=a"(again), "=d"(d) : "c"(0x174));
	asm volatile("wrmsr" : : "a"(low), "d"(high), "c"(0x174));
	result("cpuid rdtsc rdmsr wrmsr", "%d %d %x", a > 0, second > first, again);
	asm volatile("wbinvd" : : : "memory");
	asm volatile("invlpg %0" : : "m"(a));
	result("wbinvd invlpg", "done");
}

static int __init sensitive_init(void)
{
	unsigned long saved;

	interrupt_flag();
	halts();
	ports();
	far_transfers();
	processor();
	local_irq_save(saved);
	sensitive_registers();
	local_irq_restore(saved);
	result("init", "done, interrupts %d", !!(flags() & IF));
	return 0;
}

static void __exit sensitive_exit(void)
{
	unsigned long saved;

	local_irq_save(saved);
	result("exit", "interrupts %d", !!(flags() & IF));
	local_irq_restore(saved);
	interrupt_flag();
}

module_init(sensitive_init);
module_exit(sensitive_exit);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-3.0-or-later
/* Segment registers, descriptor tables, control and debug registers. */
#include "sensitive.h"

#include <asm/segment.h>
#include <linux/types.h>

struct table {
	u16 limit;
	u32 base;
} __packed;

static void segments(void)
{
	u32 ds, es, ss, pushed, fs;
	struct {
		u32 offset;
		u16 sel;
	} __packed far = {.sel = __USER_DS};

	asm volatile("mov %%ds, %0; mov %%es, %1; mov %%ss, %2" : "=r"(ds), "=r"(es), "=r"(ss));
	asm volatile("push %%fs; pop %0" : "=r"(pushed));
	result("mov push segment", "%x %x %x %x", ds, es, ss, pushed);
	asm volatile("mov %0, %%es; mov %1, %%es" : : "r"(__KERNEL_DS), "r"(es));
	asm volatile("push %0; pop %%es; mov %%es, %1; mov %0, %%es" : "+r"(es), "=r"(ds));
	asm volatile("mov %%ss, %0; mov %0, %%ss" : "=r"(ss));
	asm volatile("push %ss; pop %ss");
	asm volatile("les %1, %0; mov %%es, %0; mov %2, %%es" : "=&r"(ds) : "m"(far), "r"(es));
	asm volatile("push %%fs; lfs %1, %0; mov %%fs, %0; pop %%fs" : "=r"(fs) : "m"(far));
	result("mov pop les lfs segment", "%x %x %x", ds, fs, ss);
	asm volatile("push %0; push %%esp; addl $4, (%%esp); lss (%%esp), %%esp; mov %%ss, %0"
		     : "+r"(ss)
		     :
		     : "memory", "cc");
	result("lss", "%x", ss);
}

static void tables(void)
{
	struct table gdt, idt, again;
	u16 ldt, task;
	u32 rights = 0, limit = 0;
	u8 readable, writable;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("lgdt %0" : : "m"(gdt));
	asm volatile("lidt %0" : : "m"(idt));
	asm volatile("sgdt %0" : "=m"(again));
	asm volatile("sldt %0; str %1" : "=r"(ldt), "=r"(task));
	asm volatile("lldt %0" : : "r"(ldt));
	result("lgdt lidt sgdt sidt", "%x %x %d", gdt.limit, idt.limit, gdt.base == again.base);
	result("sldt lldt str", "%x %x", ldt, task);
	asm volatile("lar %1, %0" : "+r"(rights) : "r"(__KERNEL_CS) : "cc");
	asm volatile("lsl %1, %0" : "+r"(limit) : "r"(__KERNEL_DS) : "cc");
	asm volatile("verr %w1; setz %0" : "=q"(readable) : "r"(__USER_DS) : "cc");
	asm volatile("verw %w1; setz %0" : "=q"(writable) : "r"(__USER_CS) : "cc");
	/* Not every emulator sets "accessed". */
	result("lar lsl verr verw", "%x %x %d %d", rights & ~0x100, limit, readable, writable);
}

static void control(void)
{
	u32 cr0, cr2, cr3, cr4, again;
	u16 word;

	asm volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2"
		     : "=r"(cr0), "=r"(cr3), "=r"(cr4));
	asm volatile("mov %%cr2, %0; mov %0, %%cr2; mov %%cr2, %1" : "=r"(cr2), "=r"(again));
	asm volatile("mov %0, %%cr3; mov %1, %%cr4" : : "r"(cr3), "r"(cr4) : "memory");
	asm volatile("mov %0, %%cr0" : : "r"(cr0 | 8) : "memory");
	asm volatile("smsw %0" : "=r"(word));
	asm volatile("clts");
	result("mov cr smsw", "%d %d %d", cr2 == again, !!(cr0 & 1), (word & 8) != 0);
	asm volatile("mov %%cr0, %0" : "=r"(again));
	asm volatile("lmsw %w0" : : "r"(cr0));
	result("clts lmsw", "%d", !!(again & 8));
}

static void debug(void)
{
	u32 dr0, dr7;

	asm volatile("mov %0, %%dr0; mov %%dr0, %0" : "=r"(dr0) : "0"(0x12345678));
	asm volatile("mov %0, %%dr0; mov %%dr7, %1; mov %1, %%dr7" : : "r"(0), "r"(0));
	asm volatile("mov %%dr7, %0" : "=r"(dr7));
	result("mov dr", "%x %x", dr0, dr7);
}

void sensitive_registers(void)
{
	segments();
	tables();
	control();
	debug();
}

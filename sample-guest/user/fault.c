/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that do what they may not. Each must end by its exception, and alone. */
#include "user.h"
#include "user/faults.h"

static void touch_memory(uint32_t what)
{
	switch (what) {
	case FAULT_READ_NULL:
		asm volatile("movl 0x10, %%eax" ::: "eax", "memory");
		break;
	case FAULT_READ_KERNEL:
		asm volatile("movl (%0), %%eax" ::"r"(KERNEL_BASE + 0x100000) : "eax", "memory");
		break;
	case FAULT_WRITE_KERNEL:
		asm volatile("movl $0, (%0)" ::"r"(KERNEL_BASE + 0x100004) : "memory");
		break;
	case FAULT_READ_KERNEL_ABSENT:
		asm volatile("movl (%0), %%eax" ::"r"(VMAP_BASE + 0x3ff008) : "eax", "memory");
		break;
	case FAULT_CALL_KERNEL:
		asm volatile("call *%0" ::"r"(KERNEL_BASE + 0x100000) : "memory");
		break;
	case FAULT_CALL_NOWHERE:
		asm volatile("call *%0" ::"r"(0x10000000) : "memory");
		break;
	case FAULT_WRITE_TEXT:
		*(volatile uint32_t *)main = 2;
		break;
	case FAULT_WRITE_NOWHERE:
		asm volatile("movl $0, (%0)" ::"r"(0x10000004) : "memory");
		break;
	case FAULT_STACK_OVERFLOW:
		asm volatile("movl %0, %%esp; pushl $1" ::"r"(USER_STACK_TOP - USER_STACK_SIZE)
			     : "memory");
		break;
	}
}

static void privileged(uint32_t what)
{
	static uint8_t table[6];

	switch (what) {
	case FAULT_CLI:
		asm volatile("cli");
		break;
	case FAULT_STI:
		asm volatile("sti");
		break;
	case FAULT_HLT:
		asm volatile("hlt");
		break;
	case FAULT_IN:
		asm volatile("inb %%dx, %%al" ::"d"(COM1 + UART_SCR) : "eax");
		break;
	case FAULT_OUT:
		asm volatile("outb %%al, $0x21" ::"a"(0xff));
		break;
	case FAULT_MOV_CR0:
		asm volatile("movl %%cr0, %%eax" ::: "eax");
		break;
	case FAULT_MOV_CR3:
		asm volatile("movl %0, %%cr3" ::"r"(0));
		break;
	case FAULT_MOV_DR7:
		asm volatile("movl %%db7, %%eax" ::: "eax");
		break;
	case FAULT_LGDT:
		asm volatile("lgdt %0" ::"m"(table));
		break;
	case FAULT_LIDT:
		asm volatile("lidt %0" ::"m"(table));
		break;
	case FAULT_LTR:
		asm volatile("ltr %w0" ::"r"(TSS_SEL));
		break;
	case FAULT_LMSW:
		asm volatile("lmsw %w0" ::"r"(1));
		break;
	case FAULT_CLTS:
		asm volatile("clts");
		break;
	case FAULT_INVLPG:
		asm volatile("invlpg %0" ::"m"(table));
		break;
	case FAULT_WBINVD:
		asm volatile("wbinvd");
		break;
	case FAULT_RDMSR:
		asm volatile("rdmsr" ::"c"(0x10) : "eax", "edx");
		break;
	case FAULT_INT_KERNEL:
		asm volatile("int $0x20"); /* the timer's vector is not for programs */
		break;
	case FAULT_LOAD_KERNEL_DS:
		asm volatile("movl %0, %%es" ::"r"(KERNEL_DS));
		break;
	case FAULT_LOAD_BEYOND:
		asm volatile("movl %0, %%fs" ::"r"(0x1003));
		break;
	}
}

static void exceptions(uint32_t what)
{
	static const int32_t bounds[2] = {1, 2};

	switch (what) {
	case FAULT_UD2:
		asm volatile("ud2");
		break;
	case FAULT_DIVIDE:
		asm volatile("xorl %%ecx, %%ecx; divl %%ecx" ::: "eax", "ecx", "edx", "cc");
		break;
	case FAULT_INT3:
		asm volatile("int3");
		break;
	case FAULT_INTO:
		asm volatile("movl $0x7fffffff, %%eax; incl %%eax; into" ::: "eax", "cc");
		break;
	case FAULT_BOUND:
		asm volatile("bound %0, %1" ::"r"(3), "m"(bounds));
		break;
	case FAULT_STEP:
		asm volatile("pushfl; orl $0x100, (%%esp); popfl; nop" ::: "memory", "cc");
		break;
	}
}

int main(uint32_t argument)
{
	if (argument < FAULT_CLI)
		touch_memory(argument);
	else if (argument < FAULT_UD2)
		privileged(argument);
	else
		exceptions(argument);
	return 99; /* it was allowed */
}

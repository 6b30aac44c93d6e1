/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel, top down. */
#include "kernel.h"

_Noreturn void kernel_main(uint32_t magic, uint32_t info);
_Noreturn void kernel_main(uint32_t magic, uint32_t info)
{
	console_init();
	multiboot_read(magic, info);
	gdt_init();
	idt_init();
	pic_init();
	pages_init();
	paging_init();
	fpu_init();
	sched_init();
	pit_init();
	sti();
	machine_exit(tests_run(boot_cmdline) ? 1 : 0);
}

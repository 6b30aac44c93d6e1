/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GDT, IDT, TSS, and where traps go. */
#include "tests/guests/runtime/runtime.h"

#define ENTRY_SIZE 16
#define GATE_INTERRUPT 0x8e

struct table_register {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

uint64_t gdt[NR_GDT] __attribute__((aligned(8)));
static uint64_t idt[256] __attribute__((aligned(8)));
struct tss tss __attribute__((aligned(4096)));
static trap_handler handlers[256];
extern const char trap_entries[];
void trap_dispatch(struct frame *f);

uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)(flags & 0xf) << 52 |
	       (uint64_t)(base >> 24) << 56;
}

void gate_set(uint8_t vector, uint16_t sel, const void *entry, uint8_t access)
{
	uint32_t offset = (uint32_t)entry;

	idt[vector] = (offset & 0xffff) | (uint32_t)sel << 16 | (uint64_t)access << 40 |
		      (uint64_t)(offset >> 16) << 48;
}

void gate_reset(uint8_t vector)
{
	gate_set(vector, SEL_KCODE, trap_entries + vector * ENTRY_SIZE, GATE_INTERRUPT);
}

void gate_dpl(uint8_t vector, unsigned dpl)
{
	idt[vector] = (idt[vector] & ~(3ull << 45)) | (uint64_t)dpl << 45;
}

void trap_set(uint8_t vector, trap_handler h)
{
	handlers[vector] = h;
}

void descriptors_load(void)
{
	const struct table_register gdtr = {sizeof(gdt) - 1, (uint32_t)gdt};
	const struct table_register idtr = {sizeof(idt) - 1, (uint32_t)idt};

	asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
	asm volatile("ljmp %0, $1f; 1:" : : "i"(SEL_KCODE));
	asm volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%ss" : : "r"(SEL_KDATA) : "memory");
	asm volatile("movl %0, %%fs; movl %0, %%gs" : : "r"(0));
	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

void descriptors_init(void)
{
	gdt[SEL_KCODE >> 3] = descriptor(0, 0xfffff, 0x9b, 0xc);
	gdt[SEL_KDATA >> 3] = descriptor(0, 0xfffff, 0x93, 0xc);
	gdt[SEL_UCODE >> 3] = descriptor(0, 0xfffff, 0xfb, 0xc);
	gdt[SEL_UDATA >> 3] = descriptor(0, 0xfffff, 0xf3, 0xc);
	gdt[SEL_TSS >> 3] = descriptor((uint32_t)&tss, sizeof(tss) - 1, 0x89, 0);
	tss.ss0 = SEL_KDATA;
	tss.esp0 = (uint32_t)trap_stack_top;
	tss.iomap = offsetof(struct tss, bitmap);
	for (unsigned i = 0; i < sizeof(tss.bitmap); i++)
		tss.bitmap[i] = 0xff;
	tss.bitmap_end = 0xff;
	for (unsigned i = 0; i < 256; i++)
		gate_reset((uint8_t)i);
	descriptors_load();
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

static _Noreturn void unexpected(const struct frame *f)
{
	print("# unexpected vector %u error %x at %04x:%08x eflags %08x cr2 %08x\n", f->vector,
	      f->error, f->cs & 0xffff, f->eip, f->eflags, read_cr2());
	print("# eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x\n", f->eax, f->ebx,
	      f->ecx, f->edx, f->esi, f->edi, f->ebp);
	check(false, "unexpected trap");
	finish();
}

void trap_dispatch(struct frame *f)
{
	trap_handler h = handlers[f->vector & 0xff];

	if (!h)
		unexpected(f);
	h(f);
}

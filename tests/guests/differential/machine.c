/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system state around a case: put in order before it, read out after it. */
#include "tests/guests/differential/main.h"

#define CAPTURE_SIZE 16
#define GATE_INT 0x8e
#define GATE_TRAP 0x8f
#define GATE_CALL 0x8c
#define DPL3 0x60
#define IDT_LIMIT (VEC_BEYOND * 8 - 1)
#define MSR_SYSENTER_CS 0x174
#define CR0_CASE (CR0_PG | CR0_WP | CR0_NE | 0x11)

struct table_register {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

extern const char capture_entries[], kernel_landing[];
struct outcome outcome;
uint32_t harness_esp;
static uint64_t gdt_template[NR_GDT], ldt_template[8];
static uint64_t ldt[8] __attribute__((aligned(8)));
static struct table_register gdtr, idtr;

static void set(unsigned sel, uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
	gdt_template[sel >> 3] = descriptor(base, limit, access, flags);
}

void stray_trap(void)
{
	check(false, "vector %u error %x at %08x in the harness, cr2 %08x", outcome.vector,
	      outcome.error, outcome.eip, read_cr2());
	finish();
}

static void build_tables(void)
{
	const uint32_t gate = (uint32_t)kernel_landing;

	memcpy(gdt_template, gdt, sizeof(gdt_template));
	set(SEL_TSS, (uint32_t)&tss, sizeof(tss) - 1, 0x89, 0); /* not busy, to be loaded anew */
	set(SEL_LDT, (uint32_t)ldt, sizeof(ldt) - 1, 0x82, 0);
	set(SEL_BASED, 0xfffff000, 0xfffff, 0x93, 0xc);
	set(SEL_SMALL, (uint32_t)arena[DATA_PAGE + 1] - WINDOW, 0x3f, 0x93, 4);
	set(SEL_RODATA, 0, 0xfffff, 0x91, 0xc);
	set(SEL_DOWN, 0, 0xfff, 0x97, 0xc);
	set(SEL_XONLY, 0, 0xfffff, 0x99, 0xc);
	set(SEL_CONFORM, 0, 0xfffff, 0x9f, 0xc);
	set(SEL_UCODE2, 0, 0xfffff, 0xfb, 0xc);
	set(SEL_NPDATA, 0, 0xfffff, 0x13, 0xc);
	set(SEL_NPCODE, 0, 0xfffff, 0x1b, 0xc);
	gdt_template[SEL_GATE >> 3] = (gate & 0xffff) | (uint64_t)(gate >> 16) << 48 |
				      (uint64_t)(GATE_CALL | DPL3) << 40 | SEL_KCODE << 16;
	set(SEL_TSS2, (uint32_t)&tss, sizeof(tss) - 1, 0x89, 0);
	set(SEL_TSSBUSY, (uint32_t)&tss, sizeof(tss) - 1, 0x8b, 0);
	set(SEL_DATA16, 0, 0xffff, 0x93, 0);
	set(SEL_RESERVED, 0, 0xffff, 0x88, 0);
	set(SEL_DATA1, 0, 0xfffff, 0xb3, 0xc);
	set(SEL_INTGATE, 0, 0xffff, GATE_INT, 0);
	set(SEL_FRESH, 0, 0xfffff, 0x92, 0xc);
	set(SEL_FRESHCODE, 0, 0xfffff, 0x9a, 0xc);
	set(SEL_NPLDT, (uint32_t)ldt, sizeof(ldt) - 1, 0x02, 0);
	set(SEL_UFRESH, 0, 0xfffff, 0xf2, 0xc);
	ldt_template[SEL_LDT_UDATA >> 3] = descriptor(0, 0xfffff, 0xf3, 0xc);
	ldt_template[SEL_LDT_UCODE >> 3] = descriptor(0, 0xfffff, 0xfb, 0xc);
	ldt_template[SEL_LDT_DATA >> 3] = descriptor(0, 0xfffff, 0x93, 0xc);
	ldt_template[SEL_LDT_NP >> 3] = descriptor(0, 0xfffff, 0x73, 0xc);
}

static void build_gates(void)
{
	static const struct {
		uint8_t vector, access;
		uint16_t sel;
	} special[] = {
	    {VEC_TRAP_GATE, GATE_TRAP | DPL3, SEL_KCODE},
	    {VEC_INT_GATE3, GATE_INT | DPL3, SEL_KCODE},
	    {VEC_SYSCALL, GATE_INT | DPL3, SEL_KCODE},
	    {VEC_BP, GATE_INT | DPL3, SEL_KCODE},
	    {VEC_OF, GATE_INT | DPL3, SEL_KCODE},
	    {VEC_NP_GATE, (GATE_INT | DPL3) & 0x7f, SEL_KCODE},
	    {VEC_BAD_TYPE, GATE_CALL | DPL3, SEL_KCODE},
	    {VEC_NULL_CODE, GATE_INT | DPL3, 0},
	    {VEC_DATA_CODE, GATE_INT | DPL3, SEL_KDATA},
	    {VEC_USER_CODE, GATE_INT | DPL3, SEL_UCODE2},
	    {VEC_NP_CODE, GATE_INT | DPL3, SEL_NPCODE},
	    {VEC_CONFORMING, GATE_INT | DPL3, SEL_CONFORM},
	};

	for (unsigned i = 0; i < 256; i++)
		gate_set((uint8_t)i, SEL_KCODE, capture_entries + i * CAPTURE_SIZE, GATE_INT);
	for (unsigned i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		gate_set(special[i].vector, special[i].sel,
			 capture_entries + special[i].vector * CAPTURE_SIZE, special[i].access);
}

void machine_init(void)
{
	static const uint8_t ud2[] = {0x0f, 0x0b};

	paging_init();
	*pte_of(arena[STACK_PAGE + 1]) = 0;
	*pte_of(arena[HOLE_PAGE]) = 0;
	*pte_of(arena[READONLY_PAGE]) &= ~2u;
	*pte_of(READONLY_ALIAS) = (*pte_of(arena[READONLY_PAGE]) & ~0xfffu) | 3;
	*pte_of(arena[SUPERVISOR_PAGE]) &= ~4u;
	*pte_of((void *)LOW_LANDING) = LOW_LANDING | 7;
	*pte_of((void *)LOW_DATA) = LOW_DATA | 7;
	memcpy((void *)LOW_LANDING, ud2, sizeof(ud2));
	*pte_of((void *)PAGE0_ALIAS) = 0x0003;
	*pte_of((void *)(PAGE0_ALIAS + 4096)) = 0x1003;
	write_cr3(read_cr3());
	build_tables();
	build_gates();
	asm volatile("sgdt %0" : "=m"(gdtr));
	asm volatile("sidt %0" : "=m"(idtr));
	idtr.limit = IDT_LIMIT;
	tss.bitmap[0x3ff / 8] &= 0x7f;
	tss.bitmap[0x300 / 8] = 0;
}

static void write_msr(uint32_t msr, uint32_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"(value), "d"(0));
}

static uint32_t read_msr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo ^ hi;
}

static void reset_debug(void)
{
	asm volatile(
	    "movl %0, %%dr7; movl %1, %%dr6; movl %0, %%dr0; movl %0, %%dr1; movl %0, %%dr2;"
	    "movl %0, %%dr3"
	    :
	    : "r"(0), "r"(0xffff0ff0));
}

void machine_reset(void)
{
	memcpy(gdt, gdt_template, sizeof(gdt_template));
	memcpy(ldt, ldt_template, sizeof(ldt_template));
	asm volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr) : "memory");
	asm volatile("lldt %w0" : : "r"(SEL_LDT) : "memory");
	asm volatile("ltr %w0" : : "r"(SEL_TSS) : "memory");
	asm volatile("movl %0, %%cr0" : : "r"(CR0_CASE) : "memory");
	asm volatile("movl %0, %%cr4" : : "r"(0) : "memory");
	asm volatile("movl %0, %%cr2" : : "r"(0));
	if (read_cr3() != (uint32_t)page_directory)
		write_cr3((uint32_t)page_directory);
	reset_debug();
	for (unsigned i = 0; i < 3; i++)
		write_msr(MSR_SYSENTER_CS + i, 0);
	out8(0x3ff, 0x5a);
	out8(0xa1, 0xff);
}

static uint32_t hash_bytes(const void *from, unsigned n)
{
	const uint8_t *p = from;
	uint32_t h = 2166136261u; /* FNV-1a */

	while (n--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* A return address behind the instruction is behind its padding too once the slot is rewritten. */
static uint32_t behind(const struct variant *v, uint32_t eip)
{
	if (v->where & PAD_BEFORE)
		return eip;
	return eip > v->start && eip < v->end ? v->end : eip;
}

static void normalise_stack(const struct variant *v, uint8_t *esp)
{
	uint16_t low;
	uint32_t word;

	memcpy(&word, esp, 4);
	if (behind(v, word) != word) {
		memcpy(esp, &v->end, 4);
		return;
	}
	memcpy(&low, esp, 2);
	if (low > (uint16_t)v->start && low < (uint16_t)v->end)
		memcpy(esp, &v->end, 2);
}

/* What the trap itself pushed is not the instruction's doing. */
static uint32_t hash_stack(const struct input *in, const struct variant *v)
{
	uint8_t *esp = (uint8_t *)outcome.gpr[ESP], *window = STACK_TOP - WINDOW;

	/* The fast path of a padded system call uses what lies below ring 3's stack pointer. */
	if (v->where & RUN_CALL && in->ring)
		memset(esp - 8, 0, 8);
	if (!in->ring && esp > window + 64 && esp <= STACK_TOP) {
		memset(esp - 64, 0, 64);
		if (esp + 4 <= STACK_TOP)
			normalise_stack(v, esp);
	}
	return hash_bytes(window, WINDOW);
}

static void capture_tables(void)
{
	struct table_register r;
	uint16_t sel;

	asm volatile("sgdt %0" : "=m"(r));
	outcome.gdtr[0] = r.limit;
	outcome.gdtr[1] = r.base;
	asm volatile("sidt %0" : "=m"(r));
	outcome.idtr[0] = r.limit;
	outcome.idtr[1] = r.base;
	asm volatile("sldt %0" : "=m"(sel));
	outcome.ldtr = sel;
	asm volatile("str %0" : "=m"(sel));
	outcome.tr = sel;
	gdt[SEL_FRESHCODE >> 3] |= 1ull << 40; /* TCG's far calls leave the accessed bit alone */
	outcome.tables = hash_bytes(gdt, sizeof(gdt)) ^ hash_bytes(ldt, sizeof(ldt));
}

static void capture_registers(void)
{
	asm volatile("movl %%cr0, %0" : "=r"(outcome.cr0));
	asm volatile("movl %%cr2, %0" : "=r"(outcome.cr2));
	asm volatile("movl %%cr3, %0" : "=r"(outcome.cr3));
	asm volatile("movl %%cr4, %0" : "=r"(outcome.cr4));
	asm volatile("movl %%dr0, %0" : "=r"(outcome.dr[0]));
	asm volatile("movl %%dr1, %0" : "=r"(outcome.dr[1]));
	asm volatile("movl %%dr2, %0" : "=r"(outcome.dr[2]));
	asm volatile("movl %%dr3, %0" : "=r"(outcome.dr[3]));
	asm volatile("movl %%dr6, %0" : "=r"(outcome.dr[4]));
	asm volatile("movl %%dr7, %0" : "=r"(outcome.dr[5]));
	for (unsigned i = 0; i < 3; i++)
		outcome.msr[i] = read_msr(MSR_SYSENTER_CS + i);
}

void machine_capture(const struct input *in, const struct variant *v)
{
	capture_registers();
	capture_tables();
	outcome.eflags &= ~(v->where >> UNDEFINED_FLAGS);
	if (v->where & RUN_EMULATED && outcome.vector == VEC_PF)
		outcome.error &= ~2u; /* TCG reads what it is about to write as if only reading */
	outcome.eflags &= ~EFLAGS_RF; /* TCG does not push RF for faults */
	outcome.eip = behind(v, outcome.eip);
	if (v->where & ANY_RESULT && outcome.vector == VEC_UD && outcome.eip == v->end)
		memset(outcome.gpr, 0, 4 * sizeof(outcome.gpr[0]));
	outcome.stack = hash_stack(in, v);
	outcome.data = hash_bytes(in->window, WINDOW);
}

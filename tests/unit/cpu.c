/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cpu.h"
#include "wedge/devices/bus.h"

void poke32(struct vcpu *v, uint32_t address, uint32_t value)
{
	memcpy(v->machine->ram + address, &value, 4);
}

uint32_t peek32(struct vcpu *v, uint32_t address)
{
	uint32_t value;

	memcpy(&value, v->machine->ram + address, 4);
	return value;
}

uint64_t gdt_get(struct vcpu *v, uint16_t sel)
{
	uint64_t desc;

	memcpy(&desc, v->machine->ram + GDT + (sel & ~7), 8);
	return desc;
}

void gdt_set(struct vcpu *v, uint16_t sel, uint64_t desc)
{
	memcpy(v->machine->ram + GDT + (sel & ~7), &desc, 8);
}

void idt_set(struct vcpu *v, unsigned vector, uint64_t gate)
{
	memcpy(v->machine->ram + IDT + vector * 8, &gate, 8);
}

static void build_gdt(struct vcpu *v)
{
	gdt_set(v, KCODE, FLAT(0xb, 0));
	gdt_set(v, KDATA, FLAT(3, 0));
	gdt_set(v, UCODE, FLAT(0xb, 3));
	gdt_set(v, UDATA, FLAT(3, 3));
	gdt_set(v, CONFORMING, FLAT(0xe, 0));
	gdt_set(v, CONFORMING3, FLAT(0xe, 3));
	gdt_set(v, TASK_A, SYSTEM(0xb, 0, TSS_A, 0x67));
	gdt_set(v, TASK_B, SYSTEM(9, 0, TSS_B, 0x67));
	gdt_set(v, CALL_GATE, GATE(0xc, 3, KCODE, CALLEE) | 2ull << 32);
	gdt_set(v, CALL_GATE0, GATE(0xc, 0, KCODE, CALLEE));
	gdt_set(v, GATE_ABSENT, ABSENT(GATE(0xc, 3, KCODE, CALLEE)));
	gdt_set(v, GATE_CONFORMING, GATE(0xc, 3, CONFORMING, CALLEE));
	gdt_set(v, TASK_GATE, GATE(5, 3, TASK_B, 0));
	gdt_set(v, LDT_SEL, SYSTEM(2, 0, LDT, 0xf));
	gdt_set(v, ABSENT_DATA, ABSENT(FLAT(3, 0)));
	gdt_set(v, EXPAND_DOWN, 0x00c0960000000000ull);
	gdt_set(v, READ_ONLY, FLAT(0, 3));
	gdt_set(v, EXECUTE_ONLY, FLAT(8, 0));
	gdt_set(v, ABSENT_CODE, ABSENT(FLAT(0xa, 0)));
	gdt_set(v, SMALL_CODE, 0x00409a0000000fffull);
	gdt_set(v, ABSENT_STACK3, ABSENT(FLAT(3, 3)));
	gdt_set(v, SMALL_STACK3, 0x0040f20000000fffull);
}

static void build_tasks(struct vcpu *v)
{
	static const uint16_t sel[NR_SEGS] = {KDATA, KCODE, KDATA, KDATA, 0, 0};

	poke32(v, TSS_A + 4, STACK0);
	poke32(v, TSS_A + 8, KDATA);
	poke32(v, TSS_B + 32, TASK_B_EIP);
	poke32(v, TSS_B + 36, FLAG_1 | FLAG_CF);
	for (unsigned i = 0; i < NR_GPRS; i++)
		poke32(v, TSS_B + 40 + i * 4, 0xb000 + i * 0x100);
	for (unsigned i = 0; i < NR_SEGS; i++)
		poke32(v, TSS_B + 72 + i * 4, sel[i]);
}

static void set_segments(struct vcpu *v, uint16_t code, uint16_t data)
{
	for (unsigned s = 0; s < NR_SEGS; s++) {
		uint16_t sel = s == SEG_CS ? code : data;

		segment_set(v, s, sel, gdt_get(v, sel));
	}
}

struct vcpu *cpu_new(void)
{
	struct machine *m = stub_machine(CPU_RAM);
	struct vcpu *v = &m->cpu;

	vcpu_reset(v);
	v->cr0 = CR0_PE | CR0_ET | CR0_NE;
	build_gdt(v);
	build_tasks(v);
	v->gdtr = (struct table){GDT, 0xbf};
	v->idtr = (struct table){IDT, 0x7ff};
	for (unsigned i = 0; i < 256; i++)
		idt_set(v, i, GATE(0xe, 0, KCODE, HANDLER + i * 16));
	segment_fill(&v->tr, TASK_A, gdt_get(v, TASK_A));
	segment_fill(&v->ldtr, LDT_SEL, gdt_get(v, LDT_SEL));
	memcpy(m->ram + LDT + 8, &(uint64_t){FLAT(3, 0)}, 8);
	set_segments(v, KCODE, KDATA);
	v->eip = KERNEL_EIP;
	v->gpr[R_ESP] = KERNEL_ESP;
	devices_init(m);
	bus_out(&m->bus, 0x21, 1, 0xff); /* no interrupt unless a test wants one */
	return v;
}

void cpu_user(struct vcpu *v)
{
	v->cpl = 3;
	set_segments(v, UCODE, UDATA);
	v->eip = USER_EIP;
	v->gpr[R_ESP] = USER_ESP;
	v->eflags |= FLAG_IF;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptor-table and task registers, the machine status word: SDM vol. 3, 2.4, 2.5 and 7.2. */
#include "test.h"

static bool t_sgdt(void)
{
	struct table_register r = {0, 0};

	sgdt(&r);
	CHECK(r.base == (uint32_t)gdt && r.limit == sizeof(gdt) - 1);
	return true;
}

static bool t_sidt(void)
{
	struct table_register r = {0, 0}, expected = idt_register();

	sidt(&r);
	CHECK(r.base == expected.base && r.limit == expected.limit);
	return true;
}

static bool t_table_size(void)
{
	static struct {
		struct table_register r;
		uint16_t behind;
	} store = {{0, 0}, 0x5aa5};

	asm volatile("sgdt %0" : "=m"(store.r)::"memory");
	CHECK(store.behind == 0x5aa5);
	asm volatile("sidt %0" : "=m"(store.r)::"memory");
	CHECK(store.behind == 0x5aa5);
	return true;
}

static bool t_str(void)
{
	static uint32_t memory;
	uint32_t reg = 0xffffffff;

	asm volatile("str %0" : "+r"(reg));
	CHECK(reg == TSS_SEL); /* a 32-bit register: zero-extended */
	memory = 0xffffffff;
	asm volatile("str %0" : "=m"(*(uint16_t *)&memory)::"memory");
	CHECK(memory == (0xffff0000 | TSS_SEL)); /* memory: 16 bits, whatever the operand size */
	return true;
}

static bool t_sldt(void)
{
	static uint32_t memory;
	uint32_t reg = 0xffffffff;

	*gdt_slot(LDT_SEL) = segment_make((uint32_t)gdt, sizeof(gdt) - 1, SEGMENT_LDT);
	lldt(LDT_SEL);
	asm volatile("sldt %0" : "+r"(reg));
	CHECK(reg == LDT_SEL);
	memory = 0xffffffff;
	asm volatile("sldt %0" : "=m"(*(uint16_t *)&memory)::"memory");
	CHECK(memory == (0xffff0000 | LDT_SEL));
	lldt(0);
	asm volatile("sldt %0" : "+r"(reg));
	CHECK(reg == 0);
	return true;
}

static bool t_lldt(void)
{
	static uint64_t ldt[2];
	static const uint32_t data = 0x12345678;
	uint32_t value;

	ldt[1] = segment_make((uint32_t)&data, 3, SEGMENT_DATA);
	*gdt_slot(LDT_SEL) = segment_make((uint32_t)ldt, sizeof(ldt) - 1, SEGMENT_LDT);
	lldt(LDT_SEL);
	asm volatile("movl %1, %%fs; movl %%fs:0, %0" : "=r"(value) : "r"(8 | 4));
	write_fs(0);
	TRY("movl %0, %%fs", ::"r"(16 | 4));
	lldt(0);
	CHECK(value == data);
	CHECK(faulted(VEC_GP, 16 | 4)); /* beyond the limit of the LDT */
	TRY("movl %0, %%fs", ::"r"(8 | 4));
	CHECK(faulted(VEC_GP, 8 | 4)); /* no LDT */
	return true;
}

static bool t_lldt_faults(void)
{
	TRY("lldt %w0", ::"r"(KERNEL_DS));
	CHECK(faulted(VEC_GP, KERNEL_DS)); /* not an LDT */
	TRY("lldt %w0", ::"r"(GDT_ENTRIES * 8));
	CHECK(faulted(VEC_GP, GDT_ENTRIES * 8));
	*gdt_slot(TEST_SEL) = segment_make((uint32_t)gdt, 7, SEGMENT_LDT & ~SEGMENT_PRESENT);
	TRY("lldt %w0", ::"r"(TEST_SEL));
	CHECK(faulted(VEC_NP, TEST_SEL));
	return true;
}

static bool t_lgdt(void)
{
	static uint64_t other[GDT_ENTRIES];
	struct table_register own = {sizeof(gdt) - 1, (uint32_t)gdt},
			      r = {sizeof(other) - 1, (uint32_t)other}, seen;
	static const uint32_t data = 0xcafe;
	uint32_t value;

	memcpy(other, gdt, sizeof(gdt));
	*gdt_slot(TEST_SEL) = segment_make(0, 0xffffffff, SEGMENT_DATA);
	other[TEST_SEL / 8] = segment_make((uint32_t)&data, 3, SEGMENT_DATA);
	cli();
	lgdt(&r);
	sgdt(&seen);
	asm volatile("movl %1, %%gs; movl %%gs:0, %0" : "=r"(value) : "r"(TEST_SEL));
	write_gs(0);
	lgdt(&own);
	sti();
	CHECK(value == data);
	CHECK(seen.base == r.base && seen.limit == r.limit);
	return true;
}

static bool t_gdt_limit(void)
{
	struct table_register own = {sizeof(gdt) - 1, (uint32_t)gdt},
			      r = {TEST_SEL + 6, (uint32_t)gdt};

	*gdt_slot(TEST_SEL) = segment_make(0, 0xffffffff, SEGMENT_DATA);
	cli();
	lgdt(&r); /* the last byte of the slot is cut off */
	TRY("movl %0, %%gs", ::"r"(TEST_SEL));
	lgdt(&own);
	sti();
	CHECK(faulted(VEC_GP, TEST_SEL));
	return true;
}

static bool t_lidt(void)
{
	static uint64_t other[256];
	struct table_register own = idt_register(), r = own, seen;
	unsigned vector;

	memcpy(other, (void *)own.base, sizeof(other));
	other[0x92] = other[0x93]; /* the entry of vector 0x93 */
	r.base = (uint32_t)other;
	cli();
	lidt(&r);
	sidt(&seen);
	try_begin();
	asm volatile("int $0x92" ::: "memory");
	vector = caught.vector;
	lidt(&own);
	sti();
	CHECK(vector == 0x93);
	CHECK(seen.base == r.base);
	return true;
}

static bool t_idt_limit(void)
{
	struct table_register own = idt_register(), r = own;

	r.limit = 0x92 * 8 + 6;
	cli();
	lidt(&r);
	TRY("int $0x92", ::);
	lidt(&own);
	sti();
	CHECK(faulted(VEC_GP, 0x92 * 8 + 2));
	return true;
}

static bool t_ltr(void)
{
	static struct tss other;
	uint32_t seen = 0;
	uint64_t first, second;

	CHECK((*gdt_slot(TSS_SEL) >> 40 & 0xff) == SEGMENT_TSS_BUSY);
	*gdt_slot(TEST_SEL) = segment_make((uint32_t)&other, 103, SEGMENT_TSS);
	ltr(TEST_SEL);
	asm volatile("str %w0" : "+r"(seen));
	second = *gdt_slot(TEST_SEL);
	first = *gdt_slot(TSS_SEL);
	*gdt_slot(TSS_SEL) = segment_make((uint32_t)&tss, sizeof(tss) - 1, SEGMENT_TSS);
	ltr(TSS_SEL);
	CHECK(seen == TEST_SEL);
	CHECK((second >> 40 & 0xff) == SEGMENT_TSS_BUSY);
	CHECK((first >> 40 & 0xff) == SEGMENT_TSS_BUSY); /* ltr does not free the old one */
	return true;
}

static bool t_ltr_faults(void)
{
	TRY("ltr %w0", ::"r"(TSS_SEL));
	CHECK(faulted(VEC_GP, TSS_SEL)); /* busy */
	TRY("ltr %w0", ::"r"(KERNEL_DS));
	CHECK(faulted(VEC_GP, KERNEL_DS));
	*gdt_slot(TEST_SEL) = segment_make((uint32_t)&tss, 103, SEGMENT_TSS & ~SEGMENT_PRESENT);
	TRY("ltr %w0", ::"r"(TEST_SEL));
	CHECK(faulted(VEC_NP, TEST_SEL));
	return true;
}

static bool t_smsw(void)
{
	static uint32_t memory;
	uint16_t reg;

	asm volatile("smsw %0" : "=r"(reg));
	CHECK(reg == (uint16_t)read_cr0());
	CHECK(reg & CR0_PE);
	memory = 0xffffffff;
	asm volatile("smsw %0" : "=m"(*(uint16_t *)&memory)::"memory");
	CHECK(memory == (0xffff0000 | reg));
	return true;
}

static bool t_lmsw(void)
{
	uint32_t before = read_cr0(), set, cleared;

	asm volatile("lmsw %w0" ::"r"(CR0_PE | CR0_TS | CR0_MP) : "memory");
	set = read_cr0();
	asm volatile("lmsw %w0" ::"r"(0) : "memory");
	cleared = read_cr0();
	write_cr0(before);
	CHECK((set & (CR0_TS | CR0_MP | CR0_EM | CR0_PE)) == (CR0_TS | CR0_MP | CR0_PE));
	CHECK((cleared & (CR0_TS | CR0_MP | CR0_EM | CR0_PE)) == CR0_PE); /* it cannot clear PE */
	CHECK((set & ~0xfu) == (before & ~0xfu));
	return true;
}

const struct test table_tests[] = {
    {"sgdt gives what lgdt loaded", t_sgdt},
    {"sidt gives what lidt loaded", t_sidt},
    {"sgdt and sidt store six bytes", t_table_size},
    {"str gives the task register", t_str},
    {"sldt gives the LDT register", t_sldt},
    {"lldt puts its table behind local selectors", t_lldt},
    {"lldt faults on bad selectors", t_lldt_faults},
    {"lgdt changes what selectors mean", t_lgdt},
    {"the GDT's limit is checked to the byte", t_gdt_limit},
    {"lidt changes where interrupts go", t_lidt},
    {"the IDT's limit is checked to the byte", t_idt_limit},
    {"ltr marks its TSS busy", t_ltr},
    {"ltr faults on bad selectors", t_ltr_faults},
    {"smsw gives the low half of CR0", t_smsw},
    {"lmsw changes four bits of CR0", t_lmsw},
    {0},
};

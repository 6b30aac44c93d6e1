/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loads and stores of segment registers, lar lsl verr verw: SDM vol. 3, 3.4 and 5.10. */
#include "test.h"

static const uint32_t data[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};

/* Put a descriptor into one of the test slots; gives its selector. */
static uint16_t slot(unsigned n, uint32_t base, uint32_t limit, uint8_t access)
{
	uint16_t selector = TEST_SEL + n * 8;

	*gdt_slot(selector) = segment_make(base, limit, access);
	return selector;
}

static bool t_mov_read(void)
{
	CHECK(read_cs() == KERNEL_CS); /* zero-extended, and the privilege level is 0 */
	CHECK(read_ds() == KERNEL_DS && read_es() == KERNEL_DS && read_ss() == KERNEL_DS);
	CHECK(read_fs() == 0 && read_gs() == 0);
	return true;
}

static bool t_mov_memory(void)
{
	static uint32_t store;
	static const uint16_t load = KERNEL_DS;

	store = 0xffffffff;
	asm volatile("movw %%ds, %0" : "=m"(*(uint16_t *)&store)::"memory");
	CHECK(store == (0xffff0000 | KERNEL_DS)); /* two bytes */
	asm volatile("movw %0, %%fs; movw %0, %%gs; movw %0, %%es" ::"m"(load) : "memory");
	CHECK(read_fs() == KERNEL_DS && read_gs() == KERNEL_DS && read_es() == KERNEL_DS);
	write_fs(0);
	write_gs(0);
	return true;
}

#define MOV_TEST(reg)                                                                              \
	static bool t_mov_##reg(void)                                                              \
	{                                                                                          \
		uint16_t sel = slot(0, (uint32_t)data, sizeof(data) - 1, SEGMENT_DATA);            \
		uint32_t before = read_##reg(), seen, value;                                       \
                                                                                                   \
		cli();                                                                             \
		asm volatile("movl %2, %%" #reg "; movl %%" #reg ", %1; movl %%" #reg              \
			     ":8, %0; movl %3, %%" #reg                                            \
			     : "=&r"(value), "=&r"(seen)                                           \
			     : "r"((uint32_t)sel), "r"(before)                                     \
			     : "memory");                                                          \
		sti();                                                                             \
		CHECK(seen == sel && value == data[2]);                                            \
		CHECK(read_##reg() == before);                                                     \
		return true;                                                                       \
	}
MOV_TEST(ds)
MOV_TEST(es)
MOV_TEST(fs)
MOV_TEST(gs)

static bool t_mov_ss(void)
{
	uint16_t sel = slot(0, 0, 0xffffffff, SEGMENT_DATA);
	uint32_t seen;

	asm volatile("movl %1, %%ss; movl %%ss, %0" : "=r"(seen) : "r"((uint32_t)sel) : "memory");
	write_ss(KERNEL_DS);
	CHECK(seen == sel);
	CHECK(read_ss() == KERNEL_DS);
	return true;
}

#define PUSH_POP_TEST(reg)                                                                         \
	static bool t_push_pop_##reg(void)                                                         \
	{                                                                                          \
		uint32_t sel = slot(1, 0, 0xffffffff, SEGMENT_DATA), before, seen, down, up;       \
                                                                                                   \
		asm volatile("movl %%esp, %1; pushl %%" #reg                                       \
			     "; subl %%esp, %1; movl (%%esp), %0\n\t"                              \
			     "pushl %4; popl %%" #reg "; movl %%" #reg ", %2\n\t"                  \
			     "movl %%esp, %3; popl %%" #reg "; subl %%esp, %3"                     \
			     : "=&r"(before), "=&r"(down), "=&r"(seen), "=&r"(up)                  \
			     : "r"(sel)                                                            \
			     : "memory", "cc");                                                    \
		CHECK(down == 4 && up == (uint32_t)-4);                                            \
		CHECK(seen == sel);                                                                \
		CHECK((uint16_t)before == read_##reg());                                           \
		return true;                                                                       \
	}
PUSH_POP_TEST(ds)
PUSH_POP_TEST(es)
PUSH_POP_TEST(fs)
PUSH_POP_TEST(gs)
PUSH_POP_TEST(ss)

static bool t_push_cs(void)
{
	uint32_t value;

	asm volatile("pushl %%cs; popl %0" : "=r"(value)::"memory");
	CHECK((uint16_t)value == KERNEL_CS);
	return true;
}

static bool t_push_word(void)
{
	uint32_t down, up;
	uint16_t value;

	asm volatile("movl %%esp, %1; pushw %%ds; subl %%esp, %1; movw (%%esp), %0\n\t"
		     "movl %%esp, %2; popw %%fs; subl %%esp, %2"
		     : "=&r"(value), "=&r"(down), "=&r"(up)::"memory", "cc");
	CHECK(down == 2 && up == (uint32_t)-2);
	CHECK(value == KERNEL_DS && read_fs() == KERNEL_DS);
	write_fs(0);
	return true;
}

#define LOAD_FAR_TEST(insn, reg)                                                                   \
	static bool t_##insn(void)                                                                 \
	{                                                                                          \
		static struct far_pointer p = {0x12345678, 0};                                     \
		uint32_t before = read_##reg(), offset, seen;                                      \
                                                                                                   \
		p.selector = slot(2, 0, 0xffffffff, SEGMENT_DATA);                                 \
		asm volatile(#insn " %2, %0; movl %%" #reg ", %1; movl %3, %%" #reg                \
			     : "=&r"(offset), "=&r"(seen)                                          \
			     : "m"(p), "r"(before)                                                 \
			     : "memory");                                                          \
		CHECK(offset == 0x12345678 && seen == p.selector);                                 \
		CHECK(read_##reg() == before);                                                     \
		return true;                                                                       \
	}
LOAD_FAR_TEST(lds, ds)
LOAD_FAR_TEST(les, es)
LOAD_FAR_TEST(lfs, fs)
LOAD_FAR_TEST(lgs, gs)

static bool t_lss(void)
{
	static struct far_pointer p;
	uint32_t esp, seen;

	p.selector = slot(2, 0, 0xffffffff, SEGMENT_DATA);
	asm volatile("movl %%esp, %%ebx; movl %%esp, %2; subl $64, %2; lss %2, %%esp\n\t"
		     "movl %%esp, %0; movl %%ss, %1; movl %%ebx, %%esp; movl %3, %%ss"
		     : "=&r"(esp), "=&r"(seen), "+m"(p)
		     : "r"(KERNEL_DS)
		     : "ebx", "memory", "cc");
	CHECK(esp == p.offset && seen == p.selector);
	return true;
}

static bool t_null(void)
{
	TRY("movl %0, %%es; movl %0, %%fs; movl %0, %%gs", ::"r"(0));
	CHECK(no_fault() && read_es() == 0);
	write_es(KERNEL_DS);
	TRY("movl %0, %%fs; movl %%fs, %0", ::"r"(3)); /* null whatever its privilege level */
	CHECK(no_fault() && read_fs() == 3);
	write_fs(0);
	TRY("movl %0, %%ss", ::"r"(0));
	CHECK(faulted(VEC_GP, 0) && read_ss() == KERNEL_DS);
	return true;
}

static bool t_load_faults(void)
{
	uint16_t absent = slot(0, 0, 0xffffffff, SEGMENT_DATA & ~SEGMENT_PRESENT);
	uint16_t execute_only = slot(1, 0, 0xffffffff, SEGMENT_CODE & ~2);

	TRY("movl %0, %%es", ::"r"((uint32_t)absent));
	CHECK(faulted(VEC_NP, absent) && read_es() == KERNEL_DS);
	TRY("movl %0, %%fs", ::"r"((uint32_t)execute_only));
	CHECK(faulted(VEC_GP, execute_only));
	TRY("movl %0, %%gs", ::"r"(TSS_SEL));
	CHECK(faulted(VEC_GP, TSS_SEL)); /* a system descriptor */
	TRY("movl %0, %%ds", ::"r"(GDT_ENTRIES * 8));
	CHECK(faulted(VEC_GP, GDT_ENTRIES * 8) && read_ds() == KERNEL_DS);
	TRY("pushl %0; popl %%es", ::"r"((uint32_t)absent) : "memory");
	CHECK(faulted(VEC_NP, absent) && read_es() == KERNEL_DS);
	return true;
}

static bool t_ss_faults(void)
{
	uint16_t absent = slot(0, 0, 0xffffffff, SEGMENT_DATA & ~SEGMENT_PRESENT);
	uint16_t read_only = slot(1, 0, 0xffffffff, SEGMENT_DATA & ~2);

	TRY("movl %0, %%ss", ::"r"((uint32_t)absent));
	CHECK(faulted(VEC_SS, absent));
	TRY("movl %0, %%ss", ::"r"((uint32_t)read_only));
	CHECK(faulted(VEC_GP, read_only));
	TRY("movl %0, %%ss", ::"r"(USER_DS));
	CHECK(faulted(VEC_GP, USER_DS & ~3)); /* the stack must be of our own level */
	TRY("movl %0, %%ss", ::"r"(KERNEL_DS | 3));
	CHECK(faulted(VEC_GP, KERNEL_DS));
	CHECK(read_ss() == KERNEL_DS);
	return true;
}

static bool t_user_segment(void)
{
	/* Ring 0 may load data segments of any level, with any requested level that is allowed. */
	TRY("movl %0, %%es", ::"r"(USER_DS));
	CHECK(no_fault() && read_es() == USER_DS);
	write_es(KERNEL_DS);
	TRY("movl %0, %%es", ::"r"(KERNEL_DS | 3));
	CHECK(faulted(VEC_GP, KERNEL_DS));
	return true;
}

static bool t_accessed(void)
{
	uint16_t sel = slot(0, 0, 0xffffffff, SEGMENT_DATA & ~1);

	CHECK(!(*gdt_slot(sel) >> 40 & 1));
	write_fs(sel);
	CHECK(*gdt_slot(sel) >> 40 & 1);
	write_fs(0);
	return true;
}

static bool t_cached(void)
{
	uint16_t sel = slot(0, (uint32_t)&data[0], 3, SEGMENT_DATA);
	uint32_t old, new;

	cli(); /* an interrupt would save the register and load it anew */
	write_gs(sel);
	slot(0, (uint32_t)&data[1], 3, SEGMENT_DATA);
	asm volatile("movl %%gs:0, %0; movl %2, %%gs; movl %%gs:0, %1"
		     : "=&r"(old), "=&r"(new)
		     : "r"((uint32_t)sel));
	write_gs(0);
	sti();
	CHECK(old == data[0] && new == data[1]);
	return true;
}

static bool t_negative_offset(void)
{
	uint16_t sel = slot(0, (uint32_t)&data[3], 0xffffffff, SEGMENT_DATA);
	uint32_t value;

	/* How thread-local storage works: the segment wraps around at 4 GiB. */
	asm volatile("movl %1, %%gs; movl %%gs:-8, %0" : "=r"(value) : "r"((uint32_t)sel));
	write_gs(0);
	CHECK(value == data[1]);
	return true;
}

static bool t_lar(void)
{
	uint32_t value = 1;
	bool zf;

	asm volatile("lar %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(KERNEL_CS) : "cc");
	CHECK(zf && (value & 0xf0ff00) == 0xc09b00);
	asm volatile("lar %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(USER_DS) : "cc");
	CHECK(zf && (value & 0xf0ff00) == 0xc0f300);
	asm volatile("lar %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(TSS_SEL) : "cc");
	CHECK(zf && (value & 0xff00) == SEGMENT_TSS_BUSY << 8);
	value = 0x1234;
	asm volatile("lar %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(0) : "cc");
	CHECK(!zf && value == 0x1234);
	asm volatile("lar %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(GDT_ENTRIES * 8) : "cc");
	CHECK(!zf && value == 0x1234);
	*gdt_slot(TEST_SEL) = (uint64_t)(0x8e00) << 32; /* an interrupt gate: not for the GDT */
	asm volatile("lar %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(TEST_SEL) : "cc");
	CHECK(!zf && value == 0x1234);
	return true;
}

static bool t_lsl(void)
{
	uint16_t small = slot(0, 0x1000, 0x1233, SEGMENT_DATA);
	uint32_t value = 1;
	bool zf;

	asm volatile("lsl %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(KERNEL_DS) : "cc");
	CHECK(zf && value == 0xffffffff); /* granularity applied */
	asm volatile("lsl %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"((uint32_t)small) : "cc");
	CHECK(zf && value == 0x1233);
	asm volatile("lsl %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(TSS_SEL) : "cc");
	CHECK(zf && value == sizeof(tss) - 1);
	*gdt_slot(TEST_SEL) = call_gate_make(KERNEL_CS, NULL, 0, 0);
	value = 0x1234;
	asm volatile("lsl %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(TEST_SEL) : "cc");
	CHECK(!zf && value == 0x1234); /* a gate has no limit */
	asm volatile("lsl %2, %0; setz %1" : "+r"(value), "=qm"(zf) : "r"(KERNEL_DS | 3) : "cc");
	CHECK(!zf && value == 0x1234); /* not at that privilege level */
	return true;
}

static bool verify(uint16_t selector, bool *writable)
{
	bool readable;

	asm volatile("verr %w2; setz %0; verw %w2; setz %1"
		     : "=&q"(readable), "=&q"(*writable)
		     : "r"(selector)
		     : "cc");
	return readable;
}

static bool t_verr_verw(void)
{
	bool w;

	CHECK(verify(KERNEL_DS, &w) && w);
	CHECK(verify(KERNEL_CS, &w) && !w);
	CHECK(verify(slot(0, 0, 1, SEGMENT_DATA & ~2), &w) && !w);
	CHECK(!verify(slot(0, 0, 1, SEGMENT_CODE & ~2), &w) && !w);
	CHECK(!verify(0, &w) && !w);
	CHECK(!verify(TSS_SEL, &w) && !w);
	CHECK(!verify(KERNEL_DS | 3, &w) && !w);
	CHECK(verify(USER_DS, &w) && w);
	CHECK(!verify(GDT_ENTRIES * 8, &w) && !w);
	return true;
}

static bool t_verify_flags(void)
{
	uint32_t mask = FLAGS_ARITHMETIC & ~FLAG_ZF, flags;

	asm volatile(
	    "pushl %1; popfl; verr %w2; lar %2, %%eax; lsl %2, %%eax; verw %w2; pushfl; popl %0"
	    : "=&r"(flags)
	    : "r"(mask), "r"(KERNEL_DS)
	    : "eax", "cc", "memory");
	sti();
	CHECK((flags & FLAGS_ARITHMETIC) == FLAGS_ARITHMETIC);
	return true;
}

const struct test segment_tests[] = {
    {"mov reads every segment register", t_mov_read},
    {"mov stores and loads two bytes of memory", t_mov_memory},
    {"mov to and from %ds", t_mov_ds},
    {"mov to and from %es", t_mov_es},
    {"mov to and from %fs", t_mov_fs},
    {"mov to and from %gs", t_mov_gs},
    {"mov to and from %ss", t_mov_ss},
    {"push and pop %ds", t_push_pop_ds},
    {"push and pop %es", t_push_pop_es},
    {"push and pop %fs", t_push_pop_fs},
    {"push and pop %gs", t_push_pop_gs},
    {"push and pop %ss", t_push_pop_ss},
    {"push %cs", t_push_cs},
    {"pushw and popw move two bytes", t_push_word},
    {"lds", t_lds},
    {"les", t_les},
    {"lfs", t_lfs},
    {"lgs", t_lgs},
    {"lss", t_lss},
    {"null selectors load, but not into %ss", t_null},
    {"loads fault on bad selectors", t_load_faults},
    {"loads of %ss fault on bad selectors", t_ss_faults},
    {"loads obey the privilege levels", t_user_segment},
    {"a load sets the accessed bit", t_accessed},
    {"a register keeps its descriptor when the table changes", t_cached},
    {"negative offsets from a segment's base", t_negative_offset},
    {"lar gives the access rights", t_lar},
    {"lsl gives the limit", t_lsl},
    {"verr and verw tell readable and writable", t_verr_verw},
    {"lar, lsl, verr and verw change only ZF", t_verify_flags},
    {0},
};

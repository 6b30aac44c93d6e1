/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What test-alu cannot run natively: privilege, segments, stack, faults, branches, ports. */
#include "tests/unit/guest.h"
#include "tests/unit/unit.h"
#include "wedge/core/emulate.h"

#include <Zydis/Mnemonic.h>

#define RAM 0x100000u
#define P 1u
#define W 2u
#define U 4u
#define GDT 0x2000u
#define TSS 0x3000u
#define MAP_OFFSET 0x68u
#define CODE 0x1000u

static struct machine *m;
static struct vcpu *v;

static void start(unsigned cpl)
{
	static const uint64_t gdt[] = {0,
				       0,
				       FLAT_DATA,                        /* 0x10 */
				       FLAT_CODE,                        /* 0x18 */
				       FLAT_DATA | 3ull << 45,           /* 0x20, for ring 3 */
				       0x004093000000ffffull,            /* 0x28: 64 KiB */
				       FLAT_DATA & ~DESC_P,              /* 0x30: not present */
				       0x00409300f000000full | 1 << 24}; /* 0x38: 16 bytes */

	if (m)
		stub_machine_free(m);
	m = stub_machine(RAM);
	v = &m->cpu;
	guest_flat(v, cpl);
	memcpy(m->ram + GDT, gdt, sizeof(gdt));
	v->gdtr = (struct table){GDT, sizeof(gdt) - 1};
	v->tr = (struct segment){.sel = 0x40,
				 .base = TSS,
				 .limit = MAP_OFFSET + 128,
				 .desc = 0x00008b0000000000ull,
				 .usable = true};
	m->ram[TSS + 0x66] = MAP_OFFSET;
}

/* Put an instruction at CODE and run it there. */
static enum emulate_result run(const char *bytes, size_t length)
{
	memset(m->ram + CODE, 0, 16);
	memcpy(m->ram + CODE, bytes, length);
	v->eip = CODE;
	return emulate_at_eip(v);
}
#define RUN(bytes) run(bytes, sizeof(bytes) - 1)
#define DONE(bytes)                                                                                \
	do {                                                                                       \
		ck_assert_int_eq(RUN(bytes), EMULATE_DONE);                                        \
		ck_assert_uint_eq(v->eip, CODE + sizeof(bytes) - 1);                               \
	} while (0)

/* It must raise this and change nothing. */
static void faults(const char *bytes, size_t length, unsigned vector, uint32_t error)
{
	struct vcpu before = *v;

	ck_assert_int_eq(run(bytes, length), EMULATE_FAULT);
	ck_assert(v->fault.raised);
	ck_assert_uint_eq(v->fault.vector, vector);
	ck_assert_uint_eq(v->fault.error, error);
	ck_assert_mem_eq(before.gpr, v->gpr, sizeof(v->gpr));
	ck_assert_uint_eq(before.eflags, v->eflags);
	ck_assert_uint_eq(v->eip, CODE);
}
#define FAULTS(bytes, vector, error) faults(bytes, sizeof(bytes) - 1, vector, error)

START_TEST(test_interrupt_flag)
{
	start(0);
	DONE("\xfb"); /* sti */
	ck_assert(v->eflags & FLAG_IF);
	ck_assert(v->shadow);
	DONE("\xfb");
	ck_assert(!v->shadow); /* IF was set already */
	DONE("\xfa");
	ck_assert(!(v->eflags & FLAG_IF));
	start(3);
	FAULTS("\xfa", VEC_GP, 0);
	FAULTS("\xfb", VEC_GP, 0);
	v->eflags |= FLAG_IOPL;
	DONE("\xfb");
	ck_assert(v->eflags & FLAG_IF);
}
END_TEST

START_TEST(test_popf)
{
	const uint32_t all = 0xffffffff;

	start(0);
	v->eflags |= FLAG_RF;
	guest_poke(m, 0x8000, all);
	DONE("\x9d");
	ck_assert_uint_eq(v->eflags, 0x247fd7);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8004);
	v->eflags |= FLAG_RF | FLAG_VM;
	DONE("\x9c");
	ck_assert_uint_eq(guest_peek(m, 0x8000), 0x247fd7);
	start(3); /* CPL > IOPL: neither IF nor IOPL, no fault */
	guest_poke(m, 0x8000, all);
	DONE("\x9d");
	ck_assert_uint_eq(v->eflags, 0x244dd7);
	v->eflags |= FLAG_IOPL; /* IF, not IOPL */
	v->gpr[R_ESP] = 0x8000;
	guest_poke(m, 0x8000, FLAG_IF);
	DONE("\x9d");
	ck_assert_uint_eq(v->eflags, FLAG_IOPL | FLAG_IF | FLAG_1);
	v->eflags |= FLAG_AC;
	v->gpr[R_ESP] = 0x8000;
	guest_poke(m, 0x8000, 0);
	DONE("\x66\x9d"); /* popfw leaves the upper half */
	ck_assert_uint_eq(v->eflags, FLAG_IOPL | FLAG_AC | FLAG_1);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8002);
}
END_TEST

START_TEST(test_ring0_only)
{
	start(3);
	v->eflags |= FLAG_IOPL;
	FAULTS("\xf4", VEC_GP, 0);         /* hlt */
	FAULTS("\x0f\x06", VEC_GP, 0);     /* clts */
	FAULTS("\x0f\x22\xd8", VEC_GP, 0); /* mov cr3 */
	FAULTS("\x0f\x20\xd8", VEC_GP, 0); /* mov from cr3 */
	FAULTS("\x0f\x21\xf8", VEC_GP, 0); /* mov from dr7 */
	FAULTS("\x0f\x01\x10", VEC_GP, 0); /* lgdt */
	FAULTS("\x0f\x01\x38", VEC_GP, 0); /* invlpg */
	FAULTS("\x0f\x01\xf0", VEC_GP, 0); /* lmsw */
	FAULTS("\x0f\x00\xd0", VEC_GP, 0); /* lldt */
	FAULTS("\x0f\x00\xd8", VEC_GP, 0); /* ltr */
	FAULTS("\x0f\x32", VEC_GP, 0);     /* rdmsr */
	FAULTS("\x0f\x30", VEC_GP, 0);     /* wrmsr */
	FAULTS("\x0f\x08", VEC_GP, 0);     /* invd */
	FAULTS("\x0f\x09", VEC_GP, 0);     /* wbinvd */
	FAULTS("\x0f\x33", VEC_GP, 0);     /* rdpmc */
	FAULTS("\x0f\x01\xd0", VEC_UD, 0); /* xgetbv without OSXSAVE */
	FAULTS("\x0f\x01\xca", VEC_UD, 0); /* clac */
	FAULTS("\x0f\x01\xc8", VEC_UD, 0); /* monitor */
	FAULTS("\x0f\x0b", VEC_UD, 0);     /* ud2 */
	FAULTS("\xf0\xfa", VEC_UD, 0);     /* lock cli */
	FAULTS("\x8e\xc8", VEC_UD, 0);     /* mov cs */
	v->cr4 |= CR4_TSD;
	FAULTS("\x0f\x31", VEC_GP, 0); /* rdtsc */
	v->cr4 = 0;
	stub.tsc = 0x123456789;
	DONE("\x0f\x31");
	start(0);
	DONE("\xf4");
	ck_assert(v->halted);
}
END_TEST

static uint32_t port_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev;
	return port << 16 | size << 8 | 0x5a;
}

static uint32_t port_value;
static unsigned port_writes;

static void port_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev;
	(void)size;
	port_value = (uint32_t)port << 16 | (value & 0xffff);
	port_writes++;
}

static void add_ports(void)
{
	struct io_range r = {.first = 0x60, .last = 0x6f, .in = port_in, .out = port_out};

	bus_add_io(&m->bus, &r);
	v->gpr[R_EDX] = 0x60;
	port_writes = 0;
}

START_TEST(test_ports)
{
	start(0);
	add_ports();
	v->gpr[R_EAX] = 0xffffffff;
	DONE("\xec"); /* in %dx, %al */
	ck_assert_uint_eq(v->gpr[R_EAX], 0xffffff5a);
	DONE("\x66\xed");
	ck_assert_uint_eq(v->gpr[R_EAX], 0xffff025a);
	DONE("\xe5\x60");
	ck_assert_uint_eq(v->gpr[R_EAX], 0x0060045a);
	DONE("\xe6\x61"); /* out %al, $0x61 */
	ck_assert_uint_eq(port_value, 0x61005a);
	DONE("\xe5\x90"); /* nothing there */
	ck_assert_uint_eq(v->gpr[R_EAX], 0xffffffff);
	/* Ring 3: by the bitmap, whose bits must be clear for every byte of the access. */
	start(3);
	add_ports();
	m->ram[TSS + MAP_OFFSET + 0x60 / 8] = 0x04;
	DONE("\xec");
	DONE("\x66\xed");
	FAULTS("\xed", VEC_GP, 0);
	v->gpr[R_EDX] = 0x60 + 128 * 8; /* beyond the map */
	FAULTS("\xec", VEC_GP, 0);
	v->gpr[R_EDX] = 0x60;
	v->tr.desc = 0x0000830000000000ull; /* a 16-bit TSS has no bitmap */
	FAULTS("\xec", VEC_GP, 0);
	v->eflags |= FLAG_IOPL;
	DONE("\xec");
}
END_TEST

/* rep insb into a page that ends: exact progress, and no port read for the byte that faults. */
START_TEST(test_string_fault)
{
	start(0);
	guest_paging(v);
	guest_map(v, CODE, CODE | P | W);
	guest_map(v, 0x5000, 0x5000 | P | W);
	guest_map(v, 0x9000, 0x9000 | P | W);
	add_ports();
	v->gpr[R_EDI] = 0x5ffd;
	v->gpr[R_ECX] = 10;
	ck_assert_int_eq(RUN("\xf3\x6c"), EMULATE_FAULT);
	ck_assert_uint_eq(v->fault.vector, VEC_PF);
	ck_assert_uint_eq(v->fault.cr2, 0x6000);
	ck_assert_uint_eq(v->fault.error, PF_WRITE);
	ck_assert_uint_eq(v->gpr[R_EDI], 0x6000);
	ck_assert_uint_eq(v->gpr[R_ECX], 7);
	ck_assert_uint_eq(v->eip, CODE);
	/* movsl whose source runs out in the middle of an element: that element is not begun. */
	v->gpr[R_ESI] = 0x5ff6;
	v->gpr[R_EDI] = 0x9000;
	v->gpr[R_ECX] = 5;
	ck_assert_int_eq(RUN("\xf3\xa5"), EMULATE_FAULT);
	ck_assert_uint_eq(v->fault.cr2, 0x6000);
	ck_assert_uint_eq(v->gpr[R_ESI], 0x5ffe);
	ck_assert_uint_eq(v->gpr[R_EDI], 0x9008);
	ck_assert_uint_eq(v->gpr[R_ECX], 3);
	/* A fault in repe cmpsb restores the flags. */
	memset(m->ram + 0x5ff0, 0, 16);
	memset(m->ram + 0x9000, 0, 16);
	v->gpr[R_ESI] = 0x5ffe;
	v->gpr[R_EDI] = 0x9000;
	v->eflags = FLAG_1 | FLAG_CF;
	ck_assert_int_eq(RUN("\xf3\xa6"), EMULATE_FAULT);
	ck_assert_uint_eq(v->eflags, FLAG_1 | FLAG_CF);
	ck_assert_uint_eq(v->gpr[R_ECX], 1);
	/* A long one stops on the way, to let interrupts in, and goes on. */
	v->gpr[R_ECX] = 5000;
	ck_assert_int_eq(RUN("\xf3\x6e"), EMULATE_FAULT); /* outsb: source not mapped */
	guest_poke(m, GUEST_PT + 6 * 4, 0x6000 | P);
	guest_poke(m, GUEST_PT + 7 * 4, 0x7000 | P);
	v->gpr[R_ECX] = 5000;
	v->gpr[R_ESI] = 0x6000;
	port_writes = 0;
	ck_assert_int_eq(RUN("\xf3\x6e"), EMULATE_DONE);
	ck_assert_uint_eq(v->eip, CODE);
	ck_assert_uint_eq(port_writes, 5000 - v->gpr[R_ECX]);
	ck_assert_uint_gt(v->gpr[R_ECX], 0);
	DONE("\xf3\x6e");
	ck_assert_uint_eq(port_writes, 5000);
	/* 16-bit addresses wrap. */
	v->gpr[R_ESI] = 0x12345ffe;
	v->gpr[R_ECX] = 0x10002;
	DONE("\x67\xf3\xac");
	ck_assert_uint_eq(v->gpr[R_ESI], 0x12346000);
	ck_assert_uint_eq(v->gpr[R_ECX], 0x10000);
}
END_TEST

/* A read-modify-write of a read-only page faults as a write, and before anything is changed. */
START_TEST(test_modify_fault)
{
	start(3);
	guest_paging(v);
	guest_map(v, CODE, CODE | P | U);
	guest_map(v, 0x5000, 0x5000 | P | U);
	guest_poke(m, 0x5000, 0x11111111);
	v->gpr[R_EBX] = 0x5000;
	FAULTS("\x01\x03", VEC_PF, 7);         /* add */
	FAULTS("\xf7\x13", VEC_PF, 7);         /* not */
	FAULTS("\x87\x03", VEC_PF, 7);         /* xchg */
	FAULTS("\xf0\x0f\xc1\x03", VEC_PF, 7); /* lock xadd */
	FAULTS("\x0f\xb1\x03", VEC_PF, 7);     /* cmpxchg that would not match */
	FAULTS("\x0f\xc7\x0b", VEC_PF, 7);     /* cmpxchg8b */
	FAULTS("\x0f\xab\x03", VEC_PF, 7);     /* bts */
	FAULTS("\xd1\x23", VEC_PF, 7);         /* shl */
	DONE("\x39\x03");                      /* cmp only reads */
	DONE("\x0f\xa3\x03");                  /* so does bt */
	v->gpr[R_EBX] = 0x6000;
	FAULTS("\x0f\x45\x03", VEC_PF, 4); /* cmov reads whether or not */
	FAULTS("\xff\x33", VEC_PF, 4);     /* push */
	FAULTS("\xff\x23", VEC_PF, 4);     /* jmp */
}
END_TEST

START_TEST(test_segments)
{
	start(0);
	v->seg[SEG_DS].sel = 0x2b;
	v->gpr[R_EAX] = 0xffffffff;
	DONE("\x8c\xd8"); /* mov %ds, %eax */
	ck_assert_uint_eq(v->gpr[R_EAX], 0x2b);
	v->gpr[R_EAX] = 0xffffffff;
	DONE("\x66\x8c\xd8");
	ck_assert_uint_eq(v->gpr[R_EAX], 0xffff002b);
	guest_poke(m, 0x5000, 0xffffffff);
	v->gpr[R_EBX] = 0x5000;
	DONE("\x8c\x1b"); /* to memory: two bytes */
	ck_assert_uint_eq(guest_peek(m, 0x5000), 0xffff002b);
	guest_poke(m, 0x7ffc, 0xffffffff);
	DONE("\x1e"); /* push %ds */
	ck_assert_uint_eq(guest_peek(m, 0x7ffc), 0x2b);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x7ffc);
	guest_poke(m, 0x7ffc, 0x28);
	DONE("\x07"); /* pop %es */
	ck_assert_uint_eq(v->seg[SEG_ES].sel, 0x28);
	ck_assert_uint_eq(v->seg[SEG_ES].limit, 0xffff);
	ck_assert(!v->shadow);
	guest_poke(m, 0x8000, 0x10);
	DONE("\x17"); /* pop %ss */
	ck_assert(v->shadow);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8004);
	v->gpr[R_EAX] = 0x10;
	DONE("\x8e\xd0"); /* mov %eax, %ss */
	ck_assert(v->shadow);
	/* Faults leave esp. */
	guest_poke(m, 0x8004, 0x30);
	FAULTS("\x07", VEC_NP, 0x30);
	guest_poke(m, 0x8004, 0x100);
	FAULTS("\x07", VEC_GP, 0x100);
	/* lss */
	guest_poke(m, 0x5000, 0x9000);
	guest_poke(m, 0x5004, 0x10);
	DONE("\x0f\xb2\x23");
	ck_assert_uint_eq(v->gpr[R_ESP], 0x9000);
	ck_assert(v->shadow);
	/* The limit of a segment that is too small. */
	v->gpr[R_EAX] = 0x38;
	DONE("\x8e\xe0"); /* mov %eax, %fs */
	v->gpr[R_EBX] = 13;
	FAULTS("\x64\x8b\x03", VEC_GP, 0);
	v->gpr[R_EBX] = 12;
	DONE("\x64\x8b\x03");
}
END_TEST

START_TEST(test_tables)
{
	start(0);
	v->gdtr = (struct table){0xc1234560, 0x7f};
	v->gpr[R_EBX] = 0x5000;
	guest_poke(m, 0x5004, 0xffffffff);
	DONE("\x0f\x01\x03"); /* sgdt */
	ck_assert_uint_eq(guest_peek(m, 0x5000), 0x4560007f);
	ck_assert_uint_eq(guest_peek(m, 0x5004), 0xffffc123);
	DONE("\x66\x0f\x01\x03");
	ck_assert_uint_eq(guest_peek(m, 0x5004), 0xffff0023);
	guest_poke(m, 0x5000, 0x60000100);
	guest_poke(m, 0x5004, 0x00008123);
	DONE("\x0f\x01\x1b"); /* lidt */
	ck_assert_uint_eq(v->idtr.base, 0x81236000);
	ck_assert_uint_eq(v->idtr.limit, 0x100);
	DONE("\x66\x0f\x01\x1b");
	ck_assert_uint_eq(v->idtr.base, 0x236000);
	ck_assert_uint_gt(stub.table_calls, 0);
	v->cr0 = 0x0005003b;
	DONE("\x0f\x01\xe0"); /* smsw %eax */
	ck_assert_uint_eq(v->gpr[R_EAX], 0x0005003b);
}
END_TEST

START_TEST(test_stack)
{
	start(0);
	for (unsigned r = 0; r < NR_GPRS; r++)
		if (r != R_ESP)
			v->gpr[r] = 0x1000 + r;
	DONE("\x60"); /* pusha */
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8000 - 32);
	ck_assert_uint_eq(guest_peek(m, 0x7ffc), 0x1000 + R_EAX);
	ck_assert_uint_eq(guest_peek(m, 0x7fec), 0x8000);
	ck_assert_uint_eq(guest_peek(m, 0x7fe0), 0x1000 + R_EDI);
	v->gpr[R_EAX] = v->gpr[R_EDI] = 0;
	DONE("\x61");
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8000);
	ck_assert_uint_eq(v->gpr[R_EDI], 0x1000 + R_EDI);
	DONE("\x54"); /* push %esp: its old value */
	ck_assert_uint_eq(guest_peek(m, 0x7ffc), 0x8000);
	guest_poke(m, 0x7ffc, 0x7000);
	DONE("\x5c"); /* pop %esp */
	ck_assert_uint_eq(v->gpr[R_ESP], 0x7000);
	guest_poke(m, 0x7000, 0xabcd);
	DONE("\x8f\x04\x24"); /* pop (%esp): addressed after the increment */
	ck_assert_uint_eq(guest_peek(m, 0x7004), 0xabcd);
	DONE("\x6a\xff");
	ck_assert_uint_eq(guest_peek(m, 0x7000), 0xffffffff);
	DONE("\x66\x68\x34\x12");
	ck_assert_uint_eq(v->gpr[R_ESP], 0x6ffe);
	/* enter with nesting, and leave */
	v->gpr[R_ESP] = 0x8000;
	v->gpr[R_EBP] = 0x9000;
	guest_poke(m, 0x8ffc, 0xaaaa);
	DONE("\xc8\x20\x00\x02");
	ck_assert_uint_eq(guest_peek(m, 0x7ffc), 0x9000);
	ck_assert_uint_eq(guest_peek(m, 0x7ff8), 0xaaaa);
	ck_assert_uint_eq(guest_peek(m, 0x7ff4), 0x7ffc);
	ck_assert_uint_eq(v->gpr[R_EBP], 0x7ffc);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x7ff4 - 0x20);
	DONE("\xc9");
	ck_assert_uint_eq(v->gpr[R_EBP], 0x9000);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8000);
	/* A 16-bit stack wraps and leaves the upper half of esp. */
	v->seg[SEG_SS].desc &= ~DESC_DB;
	v->gpr[R_ESP] = 0x12340002;
	DONE("\x66\x50");
	ck_assert_uint_eq(v->gpr[R_ESP], 0x12340000);
	DONE("\x66\x50");
	ck_assert_uint_eq(v->gpr[R_ESP], 0x1234fffe);
}
END_TEST

START_TEST(test_branches)
{
	start(0);
	ck_assert_int_eq(RUN("\xe8\x10\x00\x00\x00"), EMULATE_DONE); /* call */
	ck_assert_uint_eq(v->eip, CODE + 0x15);
	ck_assert_uint_eq(guest_peek(m, 0x7ffc), CODE + 5);
	ck_assert_int_eq(RUN("\xc2\x08\x00"), EMULATE_DONE); /* ret 8 */
	ck_assert_uint_eq(v->eip, CODE + 5);
	ck_assert_uint_eq(v->gpr[R_ESP], 0x8008);
	v->gpr[R_EBX] = 0x5000;
	guest_poke(m, 0x5000, 0x4321);
	ck_assert_int_eq(RUN("\xff\x23"), EMULATE_DONE); /* jmp *(%ebx) */
	ck_assert_uint_eq(v->eip, 0x4321);
	v->eflags |= FLAG_ZF;
	ck_assert_int_eq(RUN("\x74\xfe"), EMULATE_DONE); /* jz */
	ck_assert_uint_eq(v->eip, CODE);
	DONE("\x75\xfe");
	v->gpr[R_ECX] = 1;
	DONE("\xe2\xfe"); /* loop */
	ck_assert_uint_eq(v->gpr[R_ECX], 0);
	ck_assert_int_eq(RUN("\xe3\xfe"), EMULATE_DONE); /* jecxz */
	ck_assert_uint_eq(v->eip, CODE);
	v->seg[SEG_CS].limit = 0x1fff;
	v->gpr[R_ECX] = 1;
	FAULTS("\xe9\x00\x10\x00\x00", VEC_GP, 0);
	guest_poke(m, 0x5000, 5);
	guest_poke(m, 0x5004, 9);
	v->gpr[R_EAX] = 9;
	DONE("\x62\x03"); /* bound */
	v->gpr[R_EAX] = 10;
	FAULTS("\x62\x03", VEC_BR, 0);
}
END_TEST

/* Where an instruction's bytes end decides what its fetch raises. */
START_TEST(test_fetch)
{
	start(0);
	guest_paging(v);
	guest_map(v, 0x5000, 0x5000 | P);
	memcpy(m->ram + 0x5ffe, "\xb8\x01", 2); /* mov $..., %eax */
	v->eip = 0x5ffe;
	ck_assert_int_eq(emulate_at_eip(v), EMULATE_FAULT);
	ck_assert_uint_eq(v->fault.vector, VEC_PF);
	ck_assert_uint_eq(v->fault.cr2, 0x6000);
	memcpy(m->ram + 0x5ffe, "\x90\xf4", 2);
	ck_assert_int_eq(emulate_at_eip(v), EMULATE_DONE); /* the next page is not needed */
	ck_assert_int_eq(emulate_at_eip(v), EMULATE_DONE);
	ck_assert(v->halted);
	ck_assert_int_eq(emulate_at_eip(v), EMULATE_FAULT);
	ck_assert_uint_eq(v->fault.cr2, 0x6000);
	v->seg[SEG_CS].limit = 0x5fff;
	memcpy(m->ram + 0x5ffe, "\xb8\x01", 2);
	v->eip = 0x5ffe;
	ck_assert_int_eq(emulate_at_eip(v), EMULATE_FAULT);
	ck_assert_uint_eq(v->fault.vector, VEC_GP);
	v->eip = 0x5f00;
	memcpy(m->ram + 0x5f00, "\x0f\x28\x00", 3); /* movaps */
	ck_assert_int_eq(emulate_at_eip(v), EMULATE_UNSUPPORTED);
}
END_TEST

/* Alignment is checked in ring 3 only. */
START_TEST(test_alignment)
{
	start(3);
	v->cr0 |= CR0_AM;
	v->eflags |= FLAG_AC;
	v->gpr[R_EBX] = 0x5001;
	FAULTS("\x8b\x03", VEC_AC, 0);
	DONE("\x8a\x03");
	v->eflags &= ~FLAG_AC;
	DONE("\x8b\x03");
}
END_TEST

static bool delivers(const uint8_t *bytes)
{
	struct insn in;

	if (!insn_decode(bytes, 15, &in))
		return false;
	return in.mnemonic == ZYDIS_MNEMONIC_INT || in.mnemonic == ZYDIS_MNEMONIC_INT1 ||
	       in.mnemonic == ZYDIS_MNEMONIC_INT3 || in.mnemonic == ZYDIS_MNEMONIC_INTO;
}

/*
 * Random bytes in ring 3: nothing crashes, nothing gets out, and what faults has changed nothing
 * but the progress of a string instruction.
 */
START_TEST(test_random)
{
	uint32_t rnd = 1;
	unsigned results[3] = {0};

	start(3);
	guest_paging(v);
	for (uint32_t page = 0; page < 0x10; page++)
		guest_map(v, page << 12, page << 12 | P | U | (page > 4 ? W : 0));
	for (unsigned i = 0; i < 200000; i++) {
		struct vcpu before;
		enum emulate_result r;

		for (unsigned n = 0; n < 16; n += 4) {
			rnd = rnd * 1664525 + 1013904223;
			guest_poke(m, CODE + n, rnd >> 16 | rnd << 16);
		}
		guest_flat(v, 3);
		v->cr0 |= CR0_PG;
		v->eip = CODE;
		v->fault.raised = false;
		for (unsigned n = 0; n < NR_GPRS; n++) {
			rnd = rnd * 1664525 + 1013904223;
			v->gpr[n] = rnd >> 8 & 0x1ffff;
		}
		if (delivers(m->ram + CODE))
			continue; /* delivery is tested elsewhere */
		before = *v;
		r = emulate_at_eip(v);
		results[r]++;
		ck_assert_uint_eq(v->cpl, 3);
		ck_assert(!v->halted);
		ck_assert_uint_eq(v->eflags & (FLAG_IF | FLAG_IOPL), 0);
		ck_assert(r != EMULATE_DONE || !v->fault.raised);
		ck_assert(r != EMULATE_FAULT || v->fault.raised);
		if (r == EMULATE_DONE)
			continue;
		ck_assert_uint_eq(v->eip, CODE);
		ck_assert_uint_eq(v->gpr[R_EAX], before.gpr[R_EAX]);
		ck_assert_uint_eq(v->gpr[R_ESP], before.gpr[R_ESP]);
		ck_assert_uint_eq(v->gpr[R_EBX], before.gpr[R_EBX]);
		ck_assert_uint_eq(v->eflags, before.eflags);
	}
	ck_assert_uint_gt(results[EMULATE_DONE], 1000);
	ck_assert_uint_gt(results[EMULATE_FAULT], 1000);
	ck_assert_uint_gt(results[EMULATE_UNSUPPORTED], 1000);
}
END_TEST

UNIT_MAIN("emulate", test_interrupt_flag, test_popf, test_ring0_only, test_ports, test_string_fault,
	  test_modify_fault, test_segments, test_tables, test_stack, test_branches, test_fetch,
	  test_alignment, test_random)

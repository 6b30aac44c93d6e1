/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * in, out, ins and outs in every width: SDM vol. 1, chapter 19. The UART's scratch register holds
 * what is written; wider accesses reach its neighbours too (in order: modem control, line status,
 * modem status, scratch). Where nothing answers, a PC reads all ones.
 */
#include "test.h"

#define SCRATCH (COM1 + UART_SCR)
#define PAIR (COM1 + UART_MSR) /* word: modem status, scratch */
#define QUAD (COM1 + UART_MCR) /* dword: modem control, line status, modem status, scratch */
#define NOBODY 0x1a0
#define PIC_MASK 0x21

static bool t_in_out_dx(void)
{
	outb(SCRATCH, 0x5a);
	CHECK(inb(SCRATCH) == 0x5a);
	outb(SCRATCH, 0xa5);
	CHECK(inb(SCRATCH) == 0xa5);
	return true;
}

static bool t_in_out_immediate(void)
{
	uint8_t before, set;

	cli();
	asm volatile("inb %1, %%al; movb %%al, %0" : "=q"(before) : "i"(PIC_MASK) : "eax");
	asm volatile("movb $0xff, %%al; outb %%al, %1; movb $0, %%al; inb %1, %%al; movb %%al, %0"
		     : "=&q"(set)
		     : "i"(PIC_MASK)
		     : "eax");
	outb(PIC_MASK, before);
	sti();
	CHECK(set == 0xff && before != 0xff);
	CHECK(inb(PIC_MASK) == before);
	return true;
}

static bool t_word(void)
{
	uint32_t value = 0xdeadbeef;

	asm volatile("outw %w0, %w1" ::"a"(0x3c00), "d"(PAIR));
	CHECK(inb(SCRATCH) == 0x3c);
	asm volatile("inw %w1, %w0" : "+a"(value) : "d"(PAIR));
	CHECK(value >> 8 == 0xdead3c); /* the upper half of the register stays */
	return true;
}

static bool t_dword(void)
{
	uint32_t value, control = inb(QUAD);

	outl(QUAD, 0x77000000 | control);
	CHECK(inb(SCRATCH) == 0x77 && inb(QUAD) == control);
	asm volatile("inl %w1, %0" : "=a"(value) : "d"(QUAD));
	CHECK(value >> 24 == 0x77 && (value & 0xff) == control);
	return true;
}

static bool t_immediate_wide(void)
{
	uint32_t value = 0xdeadbeef;
	uint8_t mask = inb(PIC_MASK);

	asm volatile("inw %1, %w0" : "+a"(value) : "i"(PIC_MASK - 1));
	CHECK(value >> 16 == 0xdead && (value >> 8 & 0xff) == mask);
	return true;
}

static bool t_in_byte_keeps(void)
{
	uint32_t value = 0x12345600;

	outb(SCRATCH, 0x99);
	asm volatile("inb %w1, %b0" : "+a"(value) : "d"(SCRATCH));
	CHECK(value == 0x12345699);
	return true;
}

static bool t_nobody(void)
{
	uint32_t byte = 0, word = 0, dword = 0;

	asm volatile("inb %w1, %b0" : "+a"(byte) : "d"(NOBODY));
	asm volatile("inw %w1, %w0" : "+a"(word) : "d"(NOBODY));
	asm volatile("inl %w1, %0" : "+a"(dword) : "d"(NOBODY));
	CHECK(byte == 0xff && word == 0xffff && dword == 0xffffffff);
	outb(NOBODY, 0);
	CHECK(inb(NOBODY) == 0xff);
	return true;
}

static bool t_outs(void)
{
	static const uint8_t bytes[] = {1, 2, 3};
	const void *at = bytes;

	asm volatile("cld; outsb" : "+S"(at) : "d"(SCRATCH) : "memory");
	CHECK(at == bytes + 1 && inb(SCRATCH) == 1);
	asm volatile("std; outsb; cld" : "+S"(at) : "d"(SCRATCH) : "memory");
	CHECK(at == bytes && inb(SCRATCH) == 2);
	return true;
}

static bool t_rep_outs(void)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5};
	const void *at = bytes;
	uint32_t count = 5;

	asm volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(SCRATCH) : "memory");
	CHECK(count == 0 && at == bytes + 5 && inb(SCRATCH) == 5);
	asm volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(SCRATCH) : "memory");
	CHECK(count == 0 && at == bytes + 5 && inb(SCRATCH) == 5); /* count 0: nothing */
	return true;
}

static bool t_rep_outs_wide(void)
{
	static const uint16_t words[] = {0x1100, 0x2200, 0x3300};
	static uint32_t dwords[2];
	const void *at = words;
	uint32_t count = 3, control = inb(QUAD);

	asm volatile("rep outsw" : "+S"(at), "+c"(count) : "d"(PAIR) : "memory");
	CHECK(count == 0 && at == words + 3 && inb(SCRATCH) == 0x33);
	dwords[0] = control | 0x44000000;
	dwords[1] = control | 0x55000000;
	at = dwords;
	count = 2;
	asm volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(QUAD) : "memory");
	CHECK(count == 0 && at == dwords + 2 && inb(SCRATCH) == 0x55 && inb(QUAD) == control);
	return true;
}

static bool t_ins(void)
{
	static uint8_t bytes[4];
	void *at = bytes + 1;

	memset(bytes, 0, sizeof(bytes));
	outb(SCRATCH, 0x42);
	asm volatile("insb" : "+D"(at) : "d"(SCRATCH) : "memory");
	CHECK(at == bytes + 2 && bytes[1] == 0x42 && bytes[0] == 0 && bytes[2] == 0);
	asm volatile("std; insb; cld" : "+D"(at) : "d"(SCRATCH) : "memory");
	CHECK(at == bytes + 1 && bytes[2] == 0x42);
	return true;
}

static bool t_rep_ins(void)
{
	static uint8_t bytes[8];
	static uint16_t words[4];
	static uint32_t dwords[4];
	void *at = bytes;
	uint32_t count = 7;

	outb(SCRATCH, 0x24);
	asm volatile("rep insb" : "+D"(at), "+c"(count) : "d"(SCRATCH) : "memory");
	CHECK(count == 0 && at == bytes + 7 && bytes[0] == 0x24 && bytes[6] == 0x24 &&
	      bytes[7] == 0);
	at = words;
	count = 3;
	asm volatile("rep insw" : "+D"(at), "+c"(count) : "d"(PAIR) : "memory");
	CHECK(count == 0 && at == words + 3 && words[2] >> 8 == 0x24 && words[3] == 0);
	at = dwords;
	count = 3;
	asm volatile("rep insl" : "+D"(at), "+c"(count) : "d"(NOBODY) : "memory");
	CHECK(count == 0 && at == dwords + 3 && dwords[2] == 0xffffffff && dwords[3] == 0);
	return true;
}

static bool t_outs_segment(void)
{
	static const uint8_t bytes[] = {0x61, 0x62, 0x63};
	uint32_t offset = 1;

	*gdt_slot(TEST_SEL) = segment_make((uint32_t)bytes, sizeof(bytes) - 1, SEGMENT_DATA);
	asm volatile("movl %2, %%fs; outsb %%fs:(%%esi), %%dx; movl %3, %%fs"
		     : "+S"(offset)
		     : "d"(SCRATCH), "r"(TEST_SEL), "r"(0)
		     : "memory");
	CHECK(offset == 2 && inb(SCRATCH) == 0x62);
	return true;
}

static bool t_flags(void)
{
	uint32_t mask = FLAGS_ARITHMETIC, flags;

	asm volatile("pushl %2; popfl; inb %%dx, %%al; outb %%al, %%dx; pushfl; popl %0; sti"
		     : "=r"(flags)
		     : "d"(SCRATCH), "r"(mask)
		     : "eax", "memory", "cc");
	CHECK((flags & mask) == mask);
	return true;
}

static bool t_debug_port(void)
{
	outb(0x80, 0x55); /* the POST port: writes have no effect that a program sees */
	return true;
}

const struct test io_tests[] = {
    {"inb and outb by %dx", t_in_out_dx},
    {"inb and outb by immediate port", t_in_out_immediate},
    {"inw and outw", t_word},
    {"inl and outl", t_dword},
    {"inw by immediate port", t_immediate_wide},
    {"inb changes only %al", t_in_byte_keeps},
    {"where nothing answers all ones are read", t_nobody},
    {"outsb, up and down", t_outs},
    {"rep outsb", t_rep_outs},
    {"rep outsw and rep outsl", t_rep_outs_wide},
    {"insb, up and down", t_ins},
    {"rep insb, rep insw and rep insl", t_rep_ins},
    {"outsb with a segment override", t_outs_segment},
    {"in and out keep the flags", t_flags},
    {"the POST port takes writes", t_debug_port},
    {0},
};

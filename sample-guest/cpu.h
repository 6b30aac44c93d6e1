/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The CPU as C sees it: the layouts that the manual fixes, and one inline function for each
 * instruction that C has no word for. The assembler pass finds the instructions here as it does in
 * .S files.
 */
#ifndef SAMPLE_CPU_H
#define SAMPLE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

/* EFLAGS, SDM vol. 1, 3.4.3 */
#define FLAG_CF 0x1u
#define FLAG_PF 0x4u
#define FLAG_AF 0x10u
#define FLAG_ZF 0x40u
#define FLAG_SF 0x80u
#define FLAG_TF 0x100u
#define FLAG_IF 0x200u
#define FLAG_DF 0x400u
#define FLAG_OF 0x800u
#define FLAG_IOPL 0x3000u
#define FLAG_NT 0x4000u
#define FLAG_AC 0x40000u
#define FLAG_ID 0x200000u
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* Control registers, SDM vol. 3, 2.5 */
#define CR0_PE 0x1u
#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_PG 0x80000000u
#define CR4_DE 0x8u
#define CR4_PSE 0x10u
#define CR4_PGE 0x80u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_OSXSAVE 0x40000u

/* Exceptions, SDM vol. 3, table 6-1 */
enum vector {
	VEC_DE = 0,
	VEC_DB = 1,
	VEC_BP = 3,
	VEC_OF = 4,
	VEC_BR = 5,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_DF = 8,
	VEC_TS = 10,
	VEC_NP = 11,
	VEC_SS = 12,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_MF = 16,
	VEC_XM = 19,
};

/* What lgdt, lidt, sgdt and sidt work on, SDM vol. 3, 2.4. */
struct table_register {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

/* A far pointer in memory, SDM vol. 1, 4.3. */
struct far_pointer {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed));

static inline void cli(void)
{
	asm volatile("cli" ::: "memory");
}

static inline void sti(void)
{
	asm volatile("sti" ::: "memory");
}

static inline uint32_t read_flags(void)
{
	uint32_t flags;

	asm volatile("pushfl; popl %0" : "=r"(flags)::"memory");
	return flags;
}

static inline void write_flags(uint32_t flags)
{
	asm volatile("pushl %0; popfl" ::"r"(flags) : "memory", "cc");
}

/* Interrupts off; gives what restore_interrupts() wants back. */
static inline uint32_t save_interrupts(void)
{
	uint32_t flags = read_flags();

	cli();
	return flags;
}

static inline void restore_interrupts(uint32_t flags)
{
	write_flags(flags);
}

/* Wait for an interrupt. The one instruction after sti still runs with interrupts held back
 * (SDM vol. 2, STI), so that a wake-up cannot slip in between the two. */
static inline void wait_for_interrupt(void)
{
	asm volatile("sti; hlt" ::: "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

#define READ_REGISTER(name)                                                                        \
	static inline uint32_t read_##name(void)                                                   \
	{                                                                                          \
		uint32_t value;                                                                    \
		asm volatile("movl %%" #name ", %0" : "=r"(value)::"memory");                      \
		return value;                                                                      \
	}
#define WRITE_REGISTER(name)                                                                       \
	static inline void write_##name(uint32_t value)                                            \
	{                                                                                          \
		asm volatile("movl %0, %%" #name ::"r"(value) : "memory");                         \
	}
READ_REGISTER(cr0)
READ_REGISTER(cr2)
READ_REGISTER(cr3)
READ_REGISTER(cr4)
READ_REGISTER(cs)
READ_REGISTER(ds)
READ_REGISTER(es)
READ_REGISTER(fs)
READ_REGISTER(gs)
READ_REGISTER(ss)
WRITE_REGISTER(cr0)
WRITE_REGISTER(cr2)
WRITE_REGISTER(cr3)
WRITE_REGISTER(cr4)
WRITE_REGISTER(ds)
WRITE_REGISTER(es)
WRITE_REGISTER(fs)
WRITE_REGISTER(gs)
WRITE_REGISTER(ss)

static inline void clts(void)
{
	asm volatile("clts" ::: "memory");
}

static inline void invlpg(uint32_t address)
{
	asm volatile("invlpg (%0)" ::"r"(address) : "memory");
}

static inline void lgdt(const struct table_register *r)
{
	asm volatile("lgdt %0" ::"m"(*r) : "memory");
}

static inline void lidt(const struct table_register *r)
{
	asm volatile("lidt %0" ::"m"(*r) : "memory");
}

static inline void sgdt(struct table_register *r)
{
	asm volatile("sgdt %0" : "=m"(*r)::"memory");
}

static inline void sidt(struct table_register *r)
{
	asm volatile("sidt %0" : "=m"(*r)::"memory");
}

static inline void lldt(uint16_t selector)
{
	asm volatile("lldt %0" ::"rm"(selector) : "memory");
}

static inline void ltr(uint16_t selector)
{
	asm volatile("ltr %0" ::"rm"(selector) : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	asm volatile("cpuid"
		     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(subleaf));
}

static inline uint64_t rdtsc(void)
{
	uint64_t value;

	asm volatile("rdtsc" : "=A"(value));
	return value;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint64_t value;

	asm volatile("rdmsr" : "=A"(value) : "c"(msr));
	return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" ::"c"(msr), "A"(value) : "memory");
}

#endif

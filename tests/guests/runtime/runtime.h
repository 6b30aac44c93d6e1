/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every test guest has in common: descriptors, traps, console, the PC's timer and interrupt
 * controller, one result line. A guest is one main.c with test_main(); it knows nothing of where it
 * runs, so that its output natively and on a wedge can be compared line by line.
 */
#ifndef TESTS_GUESTS_RUNTIME_H
#define TESTS_GUESTS_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/runtime/selectors.h"

#define EFLAGS_CF 0x1u
#define EFLAGS_1 0x2u
#define EFLAGS_TF 0x100u
#define EFLAGS_IF 0x200u
#define EFLAGS_DF 0x400u
#define EFLAGS_IOPL 0x3000u
#define EFLAGS_NT 0x4000u
#define EFLAGS_RF 0x10000u
#define EFLAGS_AC 0x40000u
#define EFLAGS_ID 0x200000u
#define EFLAGS_ARITH 0x8d5u

#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_PG 0x80000000u

#define VEC_DE 0
#define VEC_DB 1
#define VEC_BP 3
#define VEC_OF 4
#define VEC_UD 6
#define VEC_NM 7
#define VEC_DF 8
#define VEC_TS 10
#define VEC_NP 11
#define VEC_SS 12
#define VEC_GP 13
#define VEC_PF 14
#define VEC_IRQ 0x20 /* IRQ 0-15 arrive at 0x20-0x2f */
#define VEC_SYSCALL 0x80

/* The stack at trap_dispatch(). esp and ss are there only after a change of ring. */
struct frame {
	uint32_t gs, fs, es, ds;
	uint32_t edi, esi, ebp, esp_pusha, ebx, edx, ecx, eax;
	uint32_t vector, error;
	uint32_t eip, cs, eflags, esp, ss;
};

struct context {
	uint32_t word[6];
};

struct tss {
	uint16_t link, pad0;
	uint32_t esp0;
	uint16_t ss0, pad1;
	uint32_t rest[22];
	uint16_t trap, iomap;
	uint8_t bitmap[256]; /* ports 0-0x7ff */
	uint8_t bitmap_end;
} __attribute__((packed));

/* The guest's own code; finish() follows it. */
void test_main(void);

/* console.c */
void console_init(void);
void __attribute__((format(printf, 1, 2)))
print(const char *fmt, ...); /* %d %u %x %s %c %%, 0 and width */
/* One check: prints a line if it failed, and counts. */
bool __attribute__((format(printf, 2, 3))) check(bool good, const char *fmt, ...);
/* One line "ok N - name" or "not ok N - name" for all checks since the last call. */
void section_end(const char *name);
unsigned failures(void);
_Noreturn void finish(void); /* the result line and the debug-exit port */
_Noreturn void debug_exit(uint8_t value);

/* descriptors.c */
extern uint64_t gdt[NR_GDT];
extern struct tss tss;
typedef void (*trap_handler)(struct frame *f);
void descriptors_init(void);
void descriptors_load(void); /* lgdt, lidt and the segment registers once more */
uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags);
void gate_set(uint8_t vector, uint16_t sel, const void *entry, uint8_t access);
void trap_set(uint8_t vector, trap_handler h); /* null: unexpected */
void gate_reset(uint8_t vector);               /* the runtime's own entry, DPL 0 */
void gate_dpl(uint8_t vector, unsigned dpl);
int context_save(struct context *c) __attribute__((returns_twice));
_Noreturn void context_restore(struct context *c, int value);

_Noreturn void enter_user_with(uint32_t eip, uint32_t esp, uint32_t eflags, uint32_t ebx);
static inline _Noreturn void enter_user(uint32_t eip, uint32_t esp, uint32_t eflags)
{
	enter_user_with(eip, esp, eflags, 0);
}

/* devices.c */
#define PIT_HZ 1193182u
void devices_init(void);
void pic_mask(unsigned irq, bool masked);
uint8_t pic_irr(void); /* request register of the master */
uint8_t pic_isr(void);
void pic_eoi(void);
void pit_oneshot(uint16_t ticks);  /* mode 0 on channel 0: one rising edge after ticks + 1 */
void pit_periodic(uint16_t ticks); /* mode 2 */
void pit_stop(void);               /* no edge for 55 ms, and nothing latched */
uint16_t pit_read(void);

/* paging.c */
extern uint32_t page_directory[1024];
extern uint32_t page_tables[4][1024]; /* identity, 16 MiB */
void paging_init(void);               /* supervisor pages, .user with U; CR0.PG and WP on */
uint32_t *pte_of(const void *linear);

/* runtime.c */
extern char command_line[256];
extern char user_start[], user_end[], user_load[], trap_stack_top[];
uint32_t option(const char *name, uint32_t otherwise); /* name=NUMBER of the command line */
uint32_t random32(uint32_t *state);
void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
uint32_t median(uint32_t *values, unsigned n); /* sorts them */

static inline void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

static inline uint32_t read_cr2(void)
{
	uint32_t value;

	asm volatile("movl %%cr2, %0" : "=r"(value));
	return value;
}

static inline uint32_t read_cr3(void)
{
	uint32_t value;

	asm volatile("movl %%cr3, %0" : "=r"(value));
	return value;
}

static inline void write_cr3(uint32_t value)
{
	asm volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}

static inline void invlpg(const void *linear)
{
	asm volatile("invlpg %0" : : "m"(*(const char *)linear) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif

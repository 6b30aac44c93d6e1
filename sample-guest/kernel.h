/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the chapters of the kernel tell each other, by the file that defines it. */
#ifndef SAMPLE_KERNEL_H
#define SAMPLE_KERNEL_H

#include "cpu.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* string.c */
void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* console.c */
void console_init(void);
void console_put(char c);
void console_interrupts(bool on); /* ask for an interrupt when the transmitter is empty */
extern volatile unsigned console_irqs;
void __attribute__((format(printf, 1, 2))) print(const char *fmt, ...);
_Noreturn void __attribute__((format(printf, 1, 2))) panic(const char *fmt, ...);
_Noreturn void machine_exit(uint32_t status);

/* multiboot.c */
#define MAX_BOOT_REGIONS 16
struct boot_region {
	uint32_t base, end; /* physical */
};
extern char boot_cmdline[];
extern struct boot_region boot_regions[];
extern unsigned nr_boot_regions;
void multiboot_read(uint32_t magic, uint32_t phys);

/* gdt.c */
struct tss { /* SDM vol. 3, figure 7-2 */
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2;
	uint32_t cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, io_map;
	uint8_t ports[8192 +
		      1]; /* one bit a port, clear: ring 3 may use it; the last byte is all ones */
};
extern uint64_t gdt[GDT_ENTRIES];
extern struct tss tss;
#define SEGMENT_CODE 0x9bu     /* present, ring 0, code, readable, accessed: SDM vol. 3, 3.4.5 */
#define SEGMENT_DATA 0x93u     /* present, ring 0, data, writable, accessed */
#define SEGMENT_LDT 0x82u      /* SDM vol. 3, table 3-2 */
#define SEGMENT_TSS 0x89u      /* available */
#define SEGMENT_TSS_BUSY 0x8bu /* what ltr makes of it */
#define SEGMENT_DPL3 0x60u
#define SEGMENT_PRESENT 0x80u
void gdt_init(void);
/* Build a descriptor; limit in bytes (the last valid offset), granularity chosen to fit. */
uint64_t segment_make(uint32_t base, uint32_t limit, uint8_t access);
uint64_t call_gate_make(uint16_t selector, void (*entry)(void), unsigned parameters, unsigned dpl);
static inline uint64_t *gdt_slot(uint16_t selector)
{
	return &gdt[selector >> 3];
}

/* idt.c, entry.S */
struct frame { /* what entry.S pushes, lowest address first */
	uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
	uint32_t ds, es, fs, gs;
	uint32_t vector, error;
	uint32_t eip, cs, eflags;
	uint32_t esp, ss; /* only when ring 3 was interrupted */
};
#define GATE_INTERRUPT 0x8eu /* clears IF: SDM vol. 3, 6.12.1.3 */
#define GATE_TRAP 0x8fu      /* leaves IF */
#define GATE_DPL3 0x60u
void idt_init(void);
void idt_gate(unsigned vector, void (*entry)(void), uint8_t access);
void idt_reset_gate(unsigned vector); /* back to entry.S */
struct table_register idt_register(void);

/* trap.c */
struct caught { /* the last exception that kernel code caught or let pass */
	unsigned count;
	uint32_t vector, error, cr2, eip, cs, eflags;
	uint32_t inside; /* EFLAGS in the handler */
};
extern volatile struct caught caught;
#define MAX_STEPS 32
extern volatile uint32_t trap_steps[MAX_STEPS]; /* where #DB was raised */
extern volatile unsigned trap_nr_steps;
void trap_irq(unsigned irq, void (*handler)(void));

/* pic.c */
void pic_init(void);
void pic_mask(unsigned irq);
void pic_unmask(unsigned irq);
void pic_end(unsigned irq);
uint16_t pic_requested(void); /* the interrupt request registers */
uint16_t pic_in_service(void);
bool pic_spurious(unsigned irq);

/* pit.c */
extern volatile uint32_t ticks;
void pit_init(void);
uint16_t pit_count(void);         /* channel 0, now */
void pit_oneshot(uint16_t count); /* start channel 2 */
bool pit_oneshot_done(void);

/* tests.c, tap.c */
struct test {
	const char *name;
	bool (*run)(void);
};
unsigned tests_run(const char *cmdline); /* gives the number that failed */
bool check_failed(const char *file, int line, const char *what);
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return check_failed(__FILE_NAME__, __LINE__, #condition);                  \
	} while (0)

#endif

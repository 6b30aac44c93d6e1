/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the chapters of the kernel tell each other, by the file that defines it. */
#ifndef SAMPLE_KERNEL_H
#define SAMPLE_KERNEL_H

#include "cpu.h"
#include "syscalls.h"

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
void idt_task_gate(unsigned vector, uint16_t tss_selector);
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

/* pages.c */
static inline void *phys_to_virt(uint32_t phys)
{
	return (void *)(KERNEL_BASE + phys);
}
static inline uint32_t virt_to_phys(const void *p)
{
	return (uint32_t)p - KERNEL_BASE;
}
extern unsigned pages_free;
void pages_init(void);
uint32_t pages_ram_end(void);
uint32_t page_alloc(void); /* a zeroed frame */
void page_share(uint32_t phys);
unsigned page_users(uint32_t phys);
void page_free(uint32_t phys);

/* paging.c: SDM vol. 3, tables 4-4 to 4-6 */
#define PTE_PRESENT 0x1u
#define PTE_WRITABLE 0x2u
#define PTE_USER 0x4u
#define PTE_ACCESSED 0x20u
#define PTE_DIRTY 0x40u
#define PTE_LARGE 0x80u
#define PTE_GLOBAL 0x100u
#define PTE_COW 0x200u  /* ours: shared until written */
#define PF_PRESENT 0x1u /* page-fault error code: SDM vol. 3, figure 4-12 */
#define PF_WRITE 0x2u
#define PF_USER 0x4u
#define PF_RESERVED 0x8u
#define PF_FETCH 0x10u
extern volatile uint32_t kernel_directory[], vmap_table[]; /* the CPU writes there too */
void paging_init(void);
void *vmap(unsigned index, uint32_t phys, uint32_t rights);
uint32_t *paging_entry(uint32_t *directory, uint32_t address, bool make);

/* memory.c */
#define MAX_REGIONS 8
struct region {
	uint32_t start, end;
	bool writable;
	const uint8_t *image; /* what stands at its start */
	uint32_t image_size;
};
struct memory {
	uint32_t *directory;
	unsigned users; /* threads */
	unsigned nr_regions;
	struct region regions[MAX_REGIONS];
};
struct memory *memory_create(void);
struct memory *memory_fork(struct memory *from);
void memory_add(struct memory *m, struct region r);
void memory_switch(struct memory *m); /* null: the kernel's alone */
void memory_put(struct memory *m);
bool memory_fault(struct memory *m, uint32_t address, uint32_t error);
int32_t memory_sbrk(struct memory *m, int32_t increment);
bool copy_to_user(uint32_t to, const void *from, uint32_t size);
bool copy_from_user(void *to, uint32_t from, uint32_t size);

/* sched.c, switch.S */
#define MAX_THREADS 64
enum thread_state {
	THREAD_FREE,
	THREAD_NEW,
	THREAD_RUNNABLE,
	THREAD_SLEEPING,
	THREAD_WAITING, /* for a child */
	THREAD_ZOMBIE,
};
struct fpu_state {
	uint8_t bytes[512]; /* of fxsave: SDM vol. 1, table 10-2 */
} __attribute__((aligned(16)));
struct thread {
	struct fpu_state fpu;
	bool fpu_used;
	enum thread_state state;
	uint32_t pid;
	uint32_t esp;   /* while it does not run */
	uint32_t stack; /* frame of its kernel stack */
	uint32_t wake;  /* tick */
	bool killed, has_port;
	struct thread *parent;
	struct memory *memory; /* null: a thread of the kernel */
	uint64_t tls;          /* its descriptor for TLS_SEL */
	uint64_t ldt[LDT_ENTRIES];
	struct death death;
	const char *start_name;
	uint32_t start_argument;
};
extern struct thread *current;
extern bool need_resched;
void sched_init(void);
void sched_tick(void);
void schedule(void);
void sleep_ticks(uint32_t n);
struct thread *thread_create(uint32_t size, void **top);
void thread_start(struct thread *t, void *top, void (*entry)(void));
void thread_reload(void); /* the running thread's tables have changed */
bool thread_wait(struct death *d);
bool thread_kill(uint32_t pid);
_Noreturn void thread_exit(const struct death *d);
void switch_stacks(uint32_t *save, uint32_t load);

/* fpu.c */
extern volatile unsigned fpu_traps;
void fpu_init(void);
void fpu_switch(const struct thread *t);
void fpu_trap(void);
void fpu_fork(struct thread *child);
void fpu_forget(const struct thread *t);

/* program.c */
bool program_exec(const char *name, uint32_t argument, struct frame *f);
uint32_t program_start(const char *name, uint32_t argument);
struct death program_run(const char *name, uint32_t argument);

/* syscall.c, entry.S */
void syscall(struct frame *f);
void trap_return(void);
void gate_entry(void); /* of the call gate */
_Noreturn void enter_user(struct frame *f);

/* virtio.c */
bool virtio_found(void);
uint32_t virtio_random(void *to, uint32_t size);
uint32_t virtio_cost(unsigned rounds);

/* vga.c */
void vga_line(unsigned row, const char *text);
char vga_read(unsigned row, unsigned column);

/* tests.c */
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

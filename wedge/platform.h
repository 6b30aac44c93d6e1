/* SPDX-License-Identifier: MIT */
/*
 * The only door between the wedge and what it runs on. Each directory wedge/PLATFORM/ implements
 * this header and nothing else; the choice is made at link time.
 */
#ifndef WEDGE_PLATFORM_H
#define WEDGE_PLATFORM_H

#include "wedge/core/insn.h"
#include "wedge/core/machine.h"

/* Exit statuses of a machine, beside the guest's own by the debug-exit port. */
#define WEDGE_EXIT_OK 0             /* power off */
#define WEDGE_EXIT_USAGE 2          /* bad option or input */
#define WEDGE_EXIT_UNSUPPORTED 124  /* the guest did something the wedge does not support */
#define WEDGE_EXIT_TRIPLE_FAULT 125 /* triple fault */
#define WEDGE_EXIT_HALTED 126       /* halted with interrupts off */
#define WEDGE_EXIT_INTERNAL 127     /* a bug in the wedge, or the host failed it */

/* Rights of a shadow mapping. */
#define MAP_READ 1u
#define MAP_WRITE 2u
#define MAP_EXEC 4u
#define MAP_USER 8u /* guest ring 3 may use it */

/*
 * Map pages of guest RAM at a linear address of the guest, or remove mappings. Addresses are page
 * aligned; phys..phys+pages*4096 lies in RAM; nothing overlaps the window. Replaces what was there.
 * platform_map returns false if the page cannot be mapped there (page 0 on Linux): the core then
 * emulates. With m->no_room set it could be, once others are gone.
 * m->user_view: for ring 3 alone, if the platform keeps that apart (m->user_spaces).
 */
bool platform_map(struct machine *m, uint32_t linear, uint32_t phys, uint32_t pages,
		  unsigned rights);
void platform_unmap(struct machine *m, uint32_t linear, uint32_t pages);

/* A segment register changed (v->seg[s] holds the new value, checked): prepare what to load for it.
 */
void platform_segment(struct vcpu *v, enum segreg s);
/* The GDTR, LDTR, IDTR or TR changed: forget what was derived from the old one. */
void platform_tables(struct vcpu *v);

/* #GP of ring 3 at this instruction: true if that was for how the platform made the guest's
 * segments, and it has made them otherwise. Then the instruction gets a second try. */
bool platform_segment_fault(struct vcpu *v, const struct insn *in);

/* The user limit: every linear address at or above it is out of reach of guest ring 3 by segment
 * limit. */
void platform_user_limit(struct machine *m, uint32_t limit);

uint64_t platform_now(void);       /* nanoseconds, monotonic, from machine start */
uint64_t platform_wallclock(void); /* seconds since 1970 UTC */
uint64_t platform_tsc(void);       /* the host's time-stamp counter */
bool platform_tsc_stable(void);    /* it counts at one rate, whatever the host does */
void platform_cpuid(uint32_t leaf, uint32_t subleaf,
		    uint32_t regs[4]); /* the host's; eax ebx ecx edx */
bool platform_xsetbv(uint64_t xcr0);   /* may the guest enable these states? */
uint64_t platform_xcr0(void);          /* states the host has enabled */

/* Ask that devices run (vcpu_exit with EXIT_INTERRUPT) at this time; UINT64_MAX: no timer. */
void platform_timer(uint64_t deadline);
/* Sleep until the timer is due or input arrives. */
void platform_idle(uint64_t deadline);

/* Ports of characters. read returns -1 when nothing is there. */
enum { PLATFORM_COM1, PLATFORM_CONSOLE, PLATFORM_PORTS };
void platform_serial_write(unsigned port, uint8_t byte);
int platform_serial_read(unsigned port);
/* The size of the terminal that the console is at; false: there is none. */
bool platform_console_size(uint16_t *columns, uint16_t *rows);

/* Around library code that may use the FPU or SSE: the wedge is compiled without, because the
 * guest's FPU state stays in the registers while it runs. They do not nest. */
void platform_fpu_save(void);
void platform_fpu_restore(void);

/* A piece of host memory, as POSIX's struct iovec has it. */
struct platform_buffer {
	void *base;
	size_t size;
};

/* Disks, by number. Offsets and sizes are multiples of 512 and within the disk. What fails has been
 * told by a message. */
#define PLATFORM_SECTOR 512u
enum platform_block_result { BLOCK_OK = 0, BLOCK_ERROR = 1, BLOCK_UNSUPPORTED = 2 };
uint64_t platform_block_sectors(unsigned drive);
bool platform_block_read_only(unsigned drive);
enum platform_block_result platform_block_read(unsigned drive, uint64_t offset,
					       const struct platform_buffer *to, unsigned n);
enum platform_block_result platform_block_write(unsigned drive, uint64_t offset,
						const struct platform_buffer *from, unsigned n);
/* All that was written before is on stable storage when this returns. */
enum platform_block_result platform_block_flush(unsigned drive);
/* The range's contents are not needed any more: whatever it reads as, afterwards. */
enum platform_block_result platform_block_discard(unsigned drive, uint64_t offset, uint64_t size);
/* The range reads as zeroes afterwards; unmap: its storage may be given back. */
enum platform_block_result platform_block_zero(unsigned drive, uint64_t offset, uint64_t size,
					       bool unmap);

/* The network card: one Ethernet frame a call. receive gives 0 if none waits; wake: a frame that
 * arrives ends platform_idle. */
void platform_net_send(const struct platform_buffer *frame, unsigned n);
size_t platform_net_receive(void *frame, size_t size);
void platform_net_wake(bool wake);

/* Fill memory with random bytes for keys. */
bool platform_random(void *to, size_t size);

/* A diagnostic for the person at the terminal (stderr). */
void __attribute__((format(printf, 1, 2))) platform_message(const char *fmt, ...);
/* End the machine; flushes, restores the terminal, prints --stats. */
_Noreturn void platform_exit(struct machine *m, int status);
/* Reset the machine: boots the same guest again. */
_Noreturn void platform_reset(struct machine *m);

#endif

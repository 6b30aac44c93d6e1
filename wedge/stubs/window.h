/* SPDX-License-Identifier: MIT */
/*
 * The window: the only part of the guest's linear space that belongs to the wedge.
 *
 *	+0x00000  struct window    the vCPU state that 32-bit stubs read and write   (guest: rw)
 *	+0x01000  counters         how often each site ran, for --stats              (guest: rw)
 *	+0x10000  gate             the way to the 64-bit monitor; the guest sees one (guest: r-x)
 *	                           page here, the memory holds one for every alias
 *	+0x20000  trampolines      one per rewritten site                            (guest: r-x)
 *	+0x300000 sensitive        what memory sites call the monitor for            (guest: r--)
 *
 * Stubs address it through %ss, the one segment that a 32-bit kernel must keep flat to run C.
 * Offsets are constants because assembly uses them; the assertions below keep them true.
 */
#ifndef WEDGE_STUBS_WINDOW_H
#define WEDGE_STUBS_WINDOW_H

#define WINDOW_COUNTERS 0x1000
#define WINDOW_MAX_COUNTERS ((WINDOW_GATE - WINDOW_COUNTERS) / 4)
#define WINDOW_GATE 0x10000
#define WINDOW_TRAMPOLINES 0x20000
#define WINDOW_SENSITIVE 0x300000 /* wedge/core/sensitive.h */

#define WIN_IF_DELTA 0x00
#define WIN_PENDING 0x04
#define WIN_FLAGS_EXTRA 0x08
#define WIN_SITE 0x0c
#define WIN_SHADOW_EIP 0x10
#define WIN_DELTA 0x14
#define WIN_SAVE_EAX 0x18
#define WIN_SAVE_ECX 0x1c
#define WIN_SAVE_EDX 0x20
#define WIN_SAVE_FLAGS 0x24
#define WIN_SAVE_ESP 0x28
#define WIN_GDT_BASE 0x2c
#define WIN_SEL 0x30       /* six dwords, by enum segreg */
#define WIN_HOST 0x48      /* six dwords */
#define WIN_USER_HOST 0x60 /* six dwords */
#define WIN_ENTRY64 0x78
#define WIN_FAR_EIP 0x80
#define WIN_FAR_CS 0x84
#define WIN_USER_ESP 0x88
#define WIN_USER_SS 0x8c
#define WIN_USER_LIMIT 0x90
#define WIN_TSS_BASE 0x94
#define WIN_TSS_SS0 0x98
#define WIN_KERNEL_SS 0x9c
#define WIN_INT_EIP 0xa0
#define WIN_INT_CS 0xa4
#define WIN_INT_IF 0xa8
#define WIN_INT_SEL 0xac
#define WIN_CHECK_GATE 0xb0 /* struct check, 12 bytes each */
#define WIN_CHECK_KCS 0xbc
#define WIN_CHECK_KSS 0xc8
#define WIN_CHECK_UCS 0xd4
#define WIN_CHECK_USS 0xe0
#define WIN_CHECK_INT_CS 0xf8
#define WIN_TSC_OFFSET 0x104
#define WIN_CR 0x10c /* five dwords, by number */
#define WIN_ADDRESS 0x120
#define WIN_USER_CS_SEL 0xec
#define WIN_USER_SS_SEL 0xf0
#define WIN_ENTRY_CS 0xf4
#define WIN_SEGCACHE 0x400

#define SITE_NONE 0xffffffff    /* in WIN_SITE: nobody asks */
#define SITE_SYSCALL 0xfffffffe /* in WIN_SITE: the fast path of `int $0x80` gave up */

#define CHECK_PTR 0
#define CHECK_LO 4
#define CHECK_HI 8

/* Segment cache: GDT selectors of index < SEGCACHE_ENTRIES, 16 bytes each, at WIN_SEGCACHE + index
 * * 16. */
#define SEGCACHE_ENTRIES 64
#define SEGCACHE_LO 0
#define SEGCACHE_HI 4
#define SEGCACHE_SEL 8
#define SEGCACHE_HOST 10
#define SEGCACHE_USER_HOST 12

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct segcache {
	uint32_t lo, hi;    /* the descriptor as it stands in the guest's GDT; a stub compares */
	uint16_t sel;       /* the whole selector, RPL included; 0 for an empty entry */
	uint16_t host;      /* what to load in ring 0 */
	uint16_t user_host; /* what to load on the way to ring 3 */
	uint16_t reserved;
};

/* A descriptor in the guest's memory and how it must stand there for a fast path to be right. */
struct check {
	uint32_t ptr; /* linear address; 0: the fast path is off */
	uint32_t lo, hi;
};

struct window {
	uint32_t if_delta; /* 0 when the guest's IF is 1, else -0x200: native image + delta =
			      virtual image */
	uint32_t pending;  /* not 0: the monitor must be asked when IF becomes 1 */
	uint32_t
	    flags_extra; /* IOPL, AC and NT of a guest kernel, which the real EFLAGS cannot hold */
	uint32_t site;   /* which site asks for the monitor */
	uint32_t shadow_eip; /* an interrupt must not be delivered at this address: sti stands
				before it */
	uint32_t delta;      /* how far below the window the guest reached it: code before paging */
	uint32_t save_eax, save_ecx, save_edx, save_flags, save_esp;
	uint32_t gdt_base;
	uint32_t sel[6];            /* the guest's selectors, by enum segreg */
	uint32_t host[6];           /* what the real registers hold for them */
	uint32_t user_host[6];      /* what they are to hold in ring 3; 0: ask the monitor */
	uint64_t entry64;           /* the monitor's entry point */
	uint32_t far_eip, far_cs;   /* operand of ljmp */
	uint32_t user_esp, user_ss; /* operand of lss */
	uint32_t user_limit;
	uint32_t tss_base;
	uint32_t tss_ss0;   /* what the guest's TSS must hold as ss0 */
	uint32_t kernel_ss; /* host selector for it; 0, which %ss cannot hold, disarms the `int
			       $0x80` path */
	uint32_t int_eip, int_cs; /* operand of ljmp: the guest's handler of vector 0x80 */
	uint32_t int_if;  /* or-ed to if_delta: -0x200 for an interrupt gate, 0 for a trap gate */
	uint32_t int_sel; /* the gate's selector */
	struct check check_gate, check_kcs, check_kss, check_ucs, check_uss;
	uint32_t user_cs_sel, user_ss_sel; /* what the monitor last returned to in ring 3 */
	uint32_t
	    entry_cs; /* host selector of the code segment that user code enters the window with */
	struct check check_int_cs;
	uint32_t tsc_offset[2]; /* what the guest's time-stamp counter is ahead of the host's: low,
				   high */
	uint32_t cr[5];         /* control registers, as the guest reads them */
	uint32_t address;       /* what a memory site is about to access */
	uint8_t pad[WIN_SEGCACHE - WIN_ADDRESS - 4];
	struct segcache segcache[SEGCACHE_ENTRIES];
};

#define WIN_ASSERT(field, offset) _Static_assert(offsetof(struct window, field) == (offset), #field)
WIN_ASSERT(if_delta, WIN_IF_DELTA);
WIN_ASSERT(pending, WIN_PENDING);
WIN_ASSERT(flags_extra, WIN_FLAGS_EXTRA);
WIN_ASSERT(site, WIN_SITE);
WIN_ASSERT(shadow_eip, WIN_SHADOW_EIP);
WIN_ASSERT(delta, WIN_DELTA);
WIN_ASSERT(save_eax, WIN_SAVE_EAX);
WIN_ASSERT(save_ecx, WIN_SAVE_ECX);
WIN_ASSERT(save_edx, WIN_SAVE_EDX);
WIN_ASSERT(save_flags, WIN_SAVE_FLAGS);
WIN_ASSERT(save_esp, WIN_SAVE_ESP);
WIN_ASSERT(gdt_base, WIN_GDT_BASE);
WIN_ASSERT(sel, WIN_SEL);
WIN_ASSERT(host, WIN_HOST);
WIN_ASSERT(user_host, WIN_USER_HOST);
WIN_ASSERT(entry64, WIN_ENTRY64);
WIN_ASSERT(far_eip, WIN_FAR_EIP);
WIN_ASSERT(far_cs, WIN_FAR_CS);
WIN_ASSERT(user_esp, WIN_USER_ESP);
WIN_ASSERT(user_ss, WIN_USER_SS);
WIN_ASSERT(user_limit, WIN_USER_LIMIT);
WIN_ASSERT(tss_base, WIN_TSS_BASE);
WIN_ASSERT(tss_ss0, WIN_TSS_SS0);
WIN_ASSERT(kernel_ss, WIN_KERNEL_SS);
WIN_ASSERT(int_eip, WIN_INT_EIP);
WIN_ASSERT(int_cs, WIN_INT_CS);
WIN_ASSERT(int_if, WIN_INT_IF);
WIN_ASSERT(int_sel, WIN_INT_SEL);
WIN_ASSERT(check_gate, WIN_CHECK_GATE);
WIN_ASSERT(check_kcs, WIN_CHECK_KCS);
WIN_ASSERT(check_kss, WIN_CHECK_KSS);
WIN_ASSERT(check_ucs, WIN_CHECK_UCS);
WIN_ASSERT(check_uss, WIN_CHECK_USS);
WIN_ASSERT(user_cs_sel, WIN_USER_CS_SEL);
WIN_ASSERT(entry_cs, WIN_ENTRY_CS);
WIN_ASSERT(check_int_cs, WIN_CHECK_INT_CS);
WIN_ASSERT(tsc_offset, WIN_TSC_OFFSET);
WIN_ASSERT(cr, WIN_CR);
WIN_ASSERT(address, WIN_ADDRESS);
WIN_ASSERT(segcache, WIN_SEGCACHE);
#endif

#endif

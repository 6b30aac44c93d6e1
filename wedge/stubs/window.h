/* SPDX-License-Identifier: MIT */
/*
 * The window: the only part of the guest's linear space that belongs to the wedge.
 *
 *	+0x00000  struct window    the vCPU state that 32-bit stubs read and write   (guest: rw)
 *	+0x10000  gate             the way to the 64-bit monitor; the guest sees one (guest: r-x)
 *	                           page here, the memory holds one for every alias
 *	+0x20000  trampolines      one per rewritten site                            (guest: r-x)
 *
 * Stubs address it through %ss, the one segment that a 32-bit kernel must keep flat to run C.
 * Offsets are constants because assembly uses them; the assertions below keep them true.
 */
#ifndef WEDGE_STUBS_WINDOW_H
#define WEDGE_STUBS_WINDOW_H

#define WINDOW_GATE 0x10000
#define WINDOW_TRAMPOLINES 0x20000

#define WIN_IF_DELTA 0x00
#define WIN_PENDING 0x04
#define WIN_FLAGS_EXTRA 0x08
#define WIN_SITE 0x0c
#define WIN_SHADOW_EIP 0x10
#define WIN_HOST_CS 0x14
#define WIN_SAVE_EAX 0x18
#define WIN_SAVE_ECX 0x1c
#define WIN_SAVE_EDX 0x20
#define WIN_SAVE_FLAGS 0x24
#define WIN_SEL 0x28 /* six dwords, by enum segreg */
#define WIN_GDT_BASE 0x40
#define WIN_ENTRY64 0x48
#define WIN_TSS_BASE 0x50
#define WIN_IDT80 0x54
#define WIN_IDT80_LO 0x58
#define WIN_IDT80_HI 0x5c
#define WIN_INT_EIP 0x60
#define WIN_INT_CS 0x64
#define WIN_KERNEL_SS 0x68
#define WIN_TSS_SS0 0x6c
#define WIN_KERNEL_SS_SEL 0x70
#define WIN_USER_SS_SEL 0x74
#define WIN_USER_CS_SEL 0x78
#define WIN_USER_HOST_CS 0x7c
#define WIN_USER_HOST_SS 0x80
#define WIN_FAR_EIP 0x84
#define WIN_FAR_CS 0x88
#define WIN_USER_ESP 0x8c
#define WIN_USER_SS 0x90
#define WIN_KERNEL_CS_SEL 0x94
#define WIN_KERNEL_HOST_CS 0x98
#define WIN_USER_HOST 0x9c /* six dwords: the user variant of each data segment register */
#define WIN_SAVE_EBX 0xb4
#define WIN_HOST 0xb8 /* six dwords: what each segment register really holds */
#define WIN_SAVE_ESP 0xd0
#define WIN_DELTA 0xd4
#define WIN_SEGCACHE 0x400

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

struct window {
	uint32_t if_delta;    /* 0 when the guest's IF is 1, else -0x200: native image + delta =
				 virtual image */
	uint32_t pending;     /* not 0: the monitor must be asked when IF becomes 1 */
	uint32_t flags_extra; /* IOPL and AC of a guest kernel, which the real EFLAGS cannot hold */
	uint32_t site;
	uint32_t shadow_eip; /* an interrupt must not be delivered at this address: sti stands
				before it */
	uint32_t host_cs;    /* what %cs holds in guest code */
	uint32_t save_eax, save_ecx, save_edx, save_flags;
	uint32_t sel[6]; /* the guest's selectors, by enum segreg */
	uint32_t gdt_base;
	uint32_t reserved0;
	uint64_t entry64; /* the monitor's entry point */
	uint32_t tss_base;
	uint32_t idt80; /* linear address of the guest's IDT entry 0x80; 0: no fast path */
	uint32_t idt80_lo, idt80_hi; /* that entry as it stood when the fast path was armed */
	uint32_t int_eip;
	uint32_t int_cs;
	uint32_t
	    kernel_ss; /* host selector; 0 disarms the fast path (null cannot be loaded into %ss) */
	uint32_t tss_ss0;
	uint32_t kernel_ss_sel;
	uint32_t user_ss_sel, user_cs_sel, user_host_cs, user_host_ss;
	uint32_t far_eip, far_cs;
	uint32_t user_esp, user_ss;
	uint32_t kernel_cs_sel, kernel_host_cs;
	uint32_t user_host[6];
	uint32_t save_ebx;
	uint32_t host[6];
	uint32_t save_esp;
	uint32_t delta; /* how far below the window the guest reached it: code before paging */
	uint8_t pad[WIN_SEGCACHE - WIN_DELTA - 4];
	struct segcache segcache[SEGCACHE_ENTRIES];
};

#define WIN_ASSERT(field, offset) _Static_assert(offsetof(struct window, field) == (offset), #field)
WIN_ASSERT(if_delta, WIN_IF_DELTA);
WIN_ASSERT(pending, WIN_PENDING);
WIN_ASSERT(flags_extra, WIN_FLAGS_EXTRA);
WIN_ASSERT(site, WIN_SITE);
WIN_ASSERT(shadow_eip, WIN_SHADOW_EIP);
WIN_ASSERT(host_cs, WIN_HOST_CS);
WIN_ASSERT(save_eax, WIN_SAVE_EAX);
WIN_ASSERT(sel, WIN_SEL);
WIN_ASSERT(gdt_base, WIN_GDT_BASE);
WIN_ASSERT(entry64, WIN_ENTRY64);
WIN_ASSERT(tss_base, WIN_TSS_BASE);
WIN_ASSERT(idt80_lo, WIN_IDT80_LO);
WIN_ASSERT(kernel_ss, WIN_KERNEL_SS);
WIN_ASSERT(far_eip, WIN_FAR_EIP);
WIN_ASSERT(user_esp, WIN_USER_ESP);
WIN_ASSERT(user_host, WIN_USER_HOST);
WIN_ASSERT(save_ebx, WIN_SAVE_EBX);
WIN_ASSERT(host, WIN_HOST);
WIN_ASSERT(save_esp, WIN_SAVE_ESP);
WIN_ASSERT(delta, WIN_DELTA);
WIN_ASSERT(segcache, WIN_SEGCACHE);
#endif

#endif

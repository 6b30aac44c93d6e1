/* SPDX-License-Identifier: MIT */
/*
 * Memory: the guest's page tables, walked in software, and the shadow mappings.
 *
 * The shadow mappings behave as a TLB (SDM vol. 3, 4.10): filled on a miss from the guest's tables
 * with accessed/dirty bits set as the CPU would, dropped on mov cr3, invlpg and the changes of
 * control registers that the manual lists. The manual obliges a guest to invalidate after it
 * changes a present entry, so nothing has to watch its page tables.
 */
#ifndef WEDGE_CORE_MMU_H
#define WEDGE_CORE_MMU_H

#include "wedge/core/machine.h"

enum access { ACCESS_READ = 0, ACCESS_WRITE = PF_WRITE, ACCESS_FETCH = PF_FETCH };

struct translation {
	uint64_t phys; /* of the byte asked for */
	bool user;     /* U/S of all levels */
	bool writable; /* R/W of all levels */
	bool dirty;    /* D of the leaf: a shadow mapping may be writable only then */
	bool global;
	bool nx;
	bool large;    /* 2 or 4 MiB page */
	bool accessed; /* A of the leaf */
};

/*
 * Walk the guest's tables for a linear address (32-bit, PSE, PAE; identity when paging is off),
 * check the access as made from privilege level cpl (CR0.WP, NX as set), and set A (and D for a
 * write). On a violation fills v->fault with #PF and returns false.
 */
bool mmu_translate(struct vcpu *v, uint32_t linear, enum access access, unsigned cpl,
		   struct translation *t);

/* The same without side effect and without fault: for reports and debuggers. */
bool mmu_peek(const struct vcpu *v, uint32_t linear, struct translation *t);

/*
 * Read or write guest-linear memory with the rights of cpl, across page boundaries, RAM or device.
 * All or nothing: on false nothing was written and v->fault says why.
 */
bool mmu_read(struct vcpu *v, uint32_t linear, void *out, uint32_t size, unsigned cpl);
bool mmu_write(struct vcpu *v, uint32_t linear, const void *in, uint32_t size, unsigned cpl);
/* Would mmu_write succeed? Sets A and D as the write would; for read-modify-write and port input.
 */
bool mmu_check_write(struct vcpu *v, uint32_t linear, uint32_t size, unsigned cpl);
/* As mmu_read, as an instruction fetch; returns how many bytes could be read, 0 with v->fault set.
 */
uint32_t mmu_fetch(struct vcpu *v, uint32_t linear, void *out, uint32_t size, unsigned cpl);

/* Guest-physical memory. Outside RAM these reach devices, else read as all ones and ignore writes.
 */
void phys_read(struct machine *m, uint64_t phys, void *out, uint32_t size);
void phys_write(struct machine *m, uint64_t phys, const void *in, uint32_t size);

enum shadow_result {
	SHADOW_FILLED,  /* mapped: run the instruction again */
	SHADOW_FAULT,   /* the guest's tables forbid it: v->fault holds the #PF */
	SHADOW_EMULATE, /* allowed, but there is no RAM to map (device, page 0): emulate the
			   instruction */
};
/* A page fault of the host at linear: bring the shadow up to date or say what to do. */
enum shadow_result shadow_fault(struct vcpu *v, uint32_t linear, enum access access);

/*
 * Drop every mapping and choose the user limit anew: at the creation of the machine and at its
 * reset. The state is the module's own; there is one machine in a monitor.
 */
void shadow_reset(struct machine *m);
/* mov cr3: what the new tables would not give again is dropped, or m->space names another space,
 * whose mappings the platform brings into force before the guest goes on; then it calls
 * shadow_activate. */
void shadow_switch(struct vcpu *v);
void shadow_activate(struct vcpu *v);
void shadow_flush(struct vcpu *v); /* changes of CR0, CR4 and EFER: nothing stays, in no space */
/* A change of CR4.PGE alone, by which kernels flush global pages (SDM vol. 3, 4.10.4.1): what the
 * tables would not give again is dropped in every space, global or not. */
void shadow_flush_global(struct vcpu *v);
void shadow_flush_page(struct vcpu *v, uint32_t linear); /* invlpg */
/* Called at every change between ring 3 and ring 0 that bypasses no check: keeps the user view free
 * of supervisor pages below the user limit, or brings the ring's own mappings into force. */
void shadow_enter_user(struct vcpu *v);
void shadow_enter_kernel(struct vcpu *v);
/* Ring 3 was found to be entitled to an address at or above the user limit: raise the limit, as far
 * as the window allows. mmu_translate calls it. */
void shadow_reach(struct vcpu *v, uint32_t linear);
/* Would shadow_enter_user have nothing to do? Then stubs may enter ring 3 by themselves. */
bool shadow_user_clean(const struct vcpu *v);

#endif

/* SPDX-License-Identifier: MIT */
/* The LDT of this host process: modify_ldt(2). Each process of the monitor has its own. */
#ifndef WEDGE_LINUX_LDT_H
#define WEDGE_LINUX_LDT_H

#include "wedge/core/vcpu.h"

/*
 * The first entries are a copy of the guest's LDT, some behind it are ours. The host makes a whole
 * new LDT for every entry that changes, so ours are in its first page as long as the guest has no
 * more than LDT_SMALL entries, and else where a guest is least likely to have its own: at the end.
 */
#define LDT_SIZE 8192
#define LDT_PAGE 512
#define LDT_SMALL 64
#define LDT_MIRRORED 1024 /* entries of the guest's that are copied at most */

/*
 * Write an entry from a guest descriptor of a code or data segment; user: with its limit clipped to
 * the user limit. False: the host refuses it.
 */
bool ldt_write(unsigned entry, uint64_t desc, bool user);

/* Make entries empty. */
void ldt_clear(unsigned first, unsigned end);

/*
 * Make the mirrored entries what the guest's LDT holds for ring 3, so that its user code may load
 * them by itself. What ring 3 may not load, or lies beyond LDT_MIRRORED, faults and is emulated.
 */
void ldt_mirror(struct vcpu *v);

/* Is this selector the guest's own and its mirrored entry this descriptor, the accessed bit aside?
 */
bool ldt_mirrors(uint16_t sel, uint64_t desc);

/*
 * Make this process's entry of the same index be what a selector of the guest's GDT names; false if
 * the guest's LDT has an entry there. User code that reads such a register finds the GDT's index.
 */
bool ldt_stand_in(uint16_t sel, uint64_t desc);
/* The descriptor that a real selector's entry stands in for (accessed bit clear), or 0. */
uint64_t ldt_stands_for(uint16_t real);
/* This process runs now: the stubs' cache forgets stand-ins that other processes have. */
void ldt_sync(void);

/* Does the guest have an LDT? Then every entry to ring 3 has to look at it. */
bool ldt_in_use(const struct vcpu *v);

#endif

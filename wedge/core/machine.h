/* SPDX-License-Identifier: MIT */
/* The virtual machine: one virtual CPU, its memory, its devices, and the sites the loader rewrote. */
#ifndef WEDGE_CORE_MACHINE_H
#define WEDGE_CORE_MACHINE_H

#include "wedge/core/vcpu.h"
#include "wedge/core/insn.h"
#include "wedge/devices/bus.h"

/* One rewritten (or kept) site, decoded once at load. */
struct site {
	uint32_t slot;	 /* linear address of the slot, as linked */
	uint16_t kind;	 /* enum ab_kind */
	uint8_t insn_off, slot_len;
	uint8_t flags;	 /* AB_F_* */
	bool rewritten;	 /* false: the native instruction was kept */
	struct insn insn;
	uint64_t exits;	 /* how often it reached the monitor */
};

struct machine {
	struct vcpu cpu;
	uint8_t *ram;	   /* host address of guest-physical 0 */
	uint32_t ram_size; /* bytes, a multiple of 4096 */
	struct bus bus;
	struct site *sites;
	uint32_t nr_sites;
	uint32_t window;      /* linear address of the wedge's window in the guest's space */
	uint32_t window_size; /* bytes, a multiple of 4096 */
	bool stats;	      /* --stats */
	bool no_reboot;	      /* -no-reboot: reset ends the machine */
};

/*
 * Symbolize a guest linear address for a report: writes "name+0x12" or nothing into buf, returns buf.
 * Set by the loader; may be null.
 */
extern const char *(*machine_symbol)(uint32_t address, char *buf, size_t size);

#endif

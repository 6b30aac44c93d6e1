/* SPDX-License-Identifier: MIT */
/* The virtual machine: one virtual CPU, its memory, its devices, and the sites the loader rewrote.
 */
#ifndef WEDGE_CORE_MACHINE_H
#define WEDGE_CORE_MACHINE_H

#include "wedge/core/vcpu.h"
#include "wedge/core/insn.h"
#include "wedge/devices/bus.h"

/* One rewritten (or kept) site, decoded once at load. */
struct site {
	uint32_t slot; /* linear address of the slot, as linked */
	uint32_t
	    trampoline; /* linear address of its trampoline, 0 if the native instruction was kept */
	uint16_t kind;  /* enum ab_kind */
	uint8_t insn_off, slot_len;
	uint8_t flags; /* AB_F_* */
	/* For trampoline_rollback: scratch registers in their save slots (bit = enum gpr), and from
	 * which offset in the trampoline on the flags are in theirs; 0: never. */
	uint8_t scratch;
	uint16_t flags_saved;
	bool rewritten; /* false: the native instruction was kept */
	struct insn insn;
	uint64_t exits; /* how often it reached the monitor */
	uint64_t calls; /* memory sites: because the address test said so */
	uint64_t traps; /* they had to be emulated, and the host's exception told */
};

/* An instruction that trapped though no record names it: how often, for --stats. */
struct unpadded {
	uint32_t eip;
	uint64_t count;
};
#define NR_UNPADDED 256

#define MACHINE_MAX_ALIASES 4

/* Device IDs of virtio 1.2, chapter 5. */
enum virtio_id {
	VIRTIO_NONE = 0,
	VIRTIO_NET = 1,
	VIRTIO_BLOCK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_ENTROPY = 4,
};

/* The device at a virtio-mmio transport of the machine; unit: which of its kind, for platform.h. */
struct virtio_slot {
	uint8_t id; /* enum virtio_id */
	uint8_t unit;
};
#define VIRTIO_SLOTS 8

struct space;
struct trace;
struct code;

struct machine {
	struct vcpu cpu;
	uint8_t *ram;      /* host address of guest-physical 0 */
	uint32_t ram_size; /* bytes, a multiple of 4096 */
	struct bus bus;
	struct site *sites; /* sorted by slot, see machine_site_at */
	uint32_t nr_sites;
	uint32_t *ran;       /* how often each site's trampoline ran, by index; may be null */
	uint32_t nr_ran;     /* how many sites that has room for */
	struct trace *trace; /* profiling mode, see trace.h; else null */
	uint8_t *sensitive;  /* see sensitive.h; null if the platform has no memory sites */
	uint32_t nr_late;    /* sites of what the guest loaded (code.h) stand behind those */
	struct code *code;   /* null: what the guest loads is not looked at */
	/* A device is about to write to RAM; null: nobody wants to know. */
	void (*changes)(struct machine *m, uint64_t phys, uint64_t size);
	struct unpadded unpadded[NR_UNPADDED];
	uint64_t unpadded_other; /* traps that found the table full */
	uint64_t exits[NR_EXIT_KINDS];
	uint64_t exceptions[32]; /* EXIT_EXCEPTION by vector */
	/* Cached address spaces (space.h): given by a platform that can keep more than one; else
	 * the core has its own. space: the one that the guest's present tables belong to. */
	struct space *spaces;
	uint32_t nr_spaces;
	uint32_t space;
	/* A platform that keeps ring 3 apart gives as many again, for what ring 3 sees of each. */
	struct space *user_spaces;
	bool user_view;      /* platform_map and platform_unmap are about those, at the moment */
	uint32_t user_limit; /* what platform_user_limit was last told; 0: none yet */
	/* Differences between where code is linked and where it runs before paging: a relative jump
	 * into the window lands that much below it. */
	uint32_t alias_delta[MACHINE_MAX_ALIASES];
	uint32_t nr_aliases;
	uint32_t window;      /* linear address of the wedge's window in the guest's space */
	uint32_t window_size; /* bytes, a multiple of 4096 */
	struct virtio_slot virtio[VIRTIO_SLOTS]; /* set by the loader before it runs */
	bool no_room;   /* platform_map failed because the host has no room for another mapping */
	bool stats;     /* --stats */
	bool no_reboot; /* -no-reboot: reset ends the machine */
	/* IA32_ARCH_CAPABILITIES: what the host's CPU is known to be immune to. */
	uint64_t arch_capabilities;
};

/*
 * Symbolize a guest linear address for a report: writes "name+0x12" or nothing into buf, returns
 * buf. Set by the loader; may be null.
 */
extern const char *(*machine_symbol)(uint32_t address, char *buf, size_t size);

/*
 * The image's bytes at a linear address, as they were before rewriting; false if the image has none
 * there. Set by the loader; may be null.
 */
extern bool (*machine_original)(uint32_t linear, void *out, uint32_t size);

/* Count a trap at an address: at its site if there is one, else as unpadded. */
void machine_count_trap(struct machine *m, uint32_t address);
/* The site whose slot holds a linear address, or null. */
struct site *machine_site_at(struct machine *m, uint32_t address);

/* --stats: how often each site kind ran or came to the monitor, and the unpadded traps with their
 * addresses. The platform calls it when the machine ends. */
void report_stats(struct machine *m);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Booting: what a boot loader hands to a kernel, for the two protocols known. boot_plan checks all
 * that can be checked; boot_enter then only copies, so that it can be repeated when the guest
 * resets.
 */
#ifndef LOADER_BOOT_H
#define LOADER_BOOT_H

#include "loader/image.h"
#include "wedge/core/machine.h"

#define BOOT_MAX_MODULES 32

struct boot_module {
	uint8_t *data; /* the file */
	uint32_t size;
	bool mapped;
	char *string;   /* "FILE ARGUMENTS": what multiboot tells */
	uint32_t paddr; /* where boot_plan put it */
};

struct boot {
	struct image *img;
	enum guest_kind kind;
	char *command_line;
	struct boot_module modules[BOOT_MAX_MODULES];
	unsigned nr_modules;
	uint32_t info; /* guest-physical: GDT, boot information, strings */
};

/* "auto", "multiboot" or "linux". */
bool guest_kind_parse(const char *text, enum guest_kind *kind);

/* "auto", "multiboot" or "linux". */
bool guest_kind_parse(const char *text, enum guest_kind *kind);

/*
 * Which protocol the image speaks. A multiboot header decides (it is put there for boot loaders);
 * else a Linux kernel is known by its banner together with a mark of its link. Forced by want. For
 * a flat multiboot file this sets up the image's segment. A kernel that link_native put a stub
 * before is taken as the Linux kernel that it was.
 */
bool boot_recognise(struct image *img, enum guest_kind want, enum guest_kind *kind);

/*
 * Take the command line (append; multiboot puts the file's name before it, Linux gets the words in
 * platform_args before it) and the modules as -initrd names them. On false a message has been
 * printed.
 */
bool boot_options(struct boot *b, struct image *img, enum guest_kind kind, const char *append,
		  const char *initrd, const char *platform_args);

/* Find a place in a RAM of this size for everything the protocol passes. */
bool boot_plan(struct boot *b, uint32_t ram_size);

/*
 * Fill RAM and set the registers. The plan was made for m->ram_size. What RAM held elsewhere stays,
 * as on a PC that is reset.
 */
void boot_enter(const struct boot *b, struct machine *m);

void boot_close(struct boot *b);

/* Flat segments from a GDT at guest-physical gdt with these two selectors; protected mode, no
 * paging. */
void boot_flat_segments(struct machine *m, uint32_t gdt, uint16_t code, uint16_t data);
#define BOOT_GDT_SIZE 32u

/* A page-aligned free place of this size in low memory, 0 if there is none. */
uint32_t boot_low_memory(const struct image *img, uint32_t size);

/* multiboot.c */
bool multiboot_recognise(struct image *img, bool *found);
uint32_t multiboot_info_size(const struct boot *b);
void multiboot_enter(const struct boot *b, struct machine *m);

/* linux-boot.c */
bool linux_recognise(const struct image *img);
/* Does this Linux know a word for its command line, as far as one can tell? */
bool linux_has_parameter(const struct image *img, const char *name);
uint32_t linux_info_size(const struct boot *b);
void linux_enter(const struct boot *b, struct machine *m);
#define LINUX_COMMAND_LINE_MAX 2047u
#define LINUX_INITRD_MAX 0x37ffffffu /* last byte, as the kernel's own header has it */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stub that `afterburn link -on native` puts in front of a Linux kernel: a flat, position-
 * independent 32-bit program that begins with this header. The loader fills in `entry`.
 */
#ifndef LOADER_NATIVE_STUB_STUB_H
#define LOADER_NATIVE_STUB_STUB_H

#define STUB_MAGIC 0x62757453 /* "Stub" */

#define STUB_CODE_SELECTOR 0x10 /* __BOOT_CS */
#define STUB_DATA_SELECTOR 0x18 /* __BOOT_DS */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct stub_header {
	uint32_t multiboot_magic, multiboot_flags, multiboot_checksum;
	uint32_t magic; /* STUB_MAGIC */
	uint32_t entry; /* guest-physical, of the kernel */
	uint32_t start; /* of the stub's code, from the header */
};

/* The stub as built (blob.S). */
extern const uint8_t native_stub[];
extern const uint32_t native_stub_size;
#endif

#endif

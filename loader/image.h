/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest image: an ELF32 file (or a flat multiboot file) read into memory and checked once, so
 * that nothing behind this header has to ask whether a range lies inside the file or inside RAM.
 */
#ifndef LOADER_IMAGE_H
#define LOADER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAX_SEGMENTS 64
#define IMAGE_MAX_SECTIONS 65536
#define IMAGE_MAX_SIZE (2ull << 30) /* of the file */

enum guest_kind { GUEST_AUTO, GUEST_MULTIBOOT, GUEST_LINUX };

/* A loadable range. data holds filesz bytes, the rest of memsz is zero. */
struct load_segment {
	uint32_t vaddr, paddr, filesz, memsz;
	uint32_t offset; /* in the file, for messages and for link */
	const uint8_t *data;
};

struct section {
	const char *name;
	uint32_t type, flags, addr, size, offset;
	const uint8_t *data; /* null if the file holds no bytes of it */
};

struct symbol {
	uint32_t addr, size;
	const char *name;
};

struct Elf;

struct image {
	const char *path;
	uint8_t *data; /* the file */
	size_t size;
	bool mapped;     /* data is a private mapping of the file */
	struct Elf *elf; /* null: not an ELF file */
	struct load_segment segments[IMAGE_MAX_SEGMENTS];
	unsigned nr_segments;
	struct section *sections;
	unsigned nr_sections;
	struct symbol *symbols; /* code symbols, by address */
	unsigned nr_symbols;
	uint32_t e_entry; /* as the header has it */
	bool bootable;    /* link_native made it: its stub is in the file, but not among segments */
	uint32_t entry;   /* guest-physical */
};

/*
 * Read and check the file at path. On false a message has been printed that names file, place and
 * reason, and *img needs no close.
 */
bool image_open(struct image *img, const char *path);

/* The same for bytes in memory that stay the caller's: for tests. They are written to by libelf. */
bool image_parse(struct image *img, const char *path, uint8_t *data, size_t size);

void image_close(struct image *img);

/* Check every segment against a RAM of ram_size bytes and a window; prints and returns false. */
bool image_fits(const struct image *img, uint32_t ram_size, uint32_t window, uint32_t window_size);

/* Copy the segments to RAM, zeroes behind what the file has. image_fits was true. */
void image_load(const struct image *img, uint8_t *ram);

/* The end of the highest segment, guest-physical. */
uint32_t image_end(const struct image *img);

/* Does any segment occupy guest-physical [start, start + size)? */
bool image_occupies(const struct image *img, uint32_t start, uint32_t size);

/* The segment whose file bytes hold linked addresses [vaddr, vaddr + size), or null. */
const struct load_segment *image_segment(const struct image *img, uint32_t vaddr, uint32_t size);

/* Do the file's bytes of any segment hold a guest-physical address? */
bool image_holds_physical(const struct image *img, uint32_t paddr);

const struct section *image_section(const struct image *img, const char *name);
/* The allocated section that holds the linked address, or null. */
const struct section *image_section_at(const struct image *img, uint32_t vaddr);

/* The code symbol at or before the address and at most its size (or 64 KiB) away, or null. */
const struct symbol *image_symbol(const struct image *img, uint32_t addr);

/* Use the image's symbols (and source lines, if the file has them) for machine_symbol. */
void image_use_symbols(const struct image *img);

#endif

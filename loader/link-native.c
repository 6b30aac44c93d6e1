/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `link -on native`: a bootable file of a Linux kernel.
 *
 *	0		ELF header, program headers: the stub's segment first, then the kernel's
 *	STUB_OFFSET	the stub, which begins with the multiboot header   (native-stub/)
 *	shift		the guest's file, whole: every offset in it grows by `shift`
 *
 * So the kernel's segments, its sections and its records stay what they were, byte for byte.
 */
#include "config.h"

#include "loader/link.h"

#include "loader/memory.h"
#include "loader/message.h"
#include "loader/multiboot.h"
#include "loader/native-stub/stub.h"

#include <errno.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u
#define STUB_OFFSET PAGE /* the header must be in the first MULTIBOOT_SEARCH bytes */
_Static_assert(STUB_OFFSET + sizeof(struct multiboot_header) <= MULTIBOOT_SEARCH, "header");

static uint32_t round_up(uint32_t n)
{
	return (n + PAGE - 1) & ~(PAGE - 1);
}

/* The stub goes to 1 MiB, where boot loaders expect kernels, or behind the guest. */
static bool place_stub(const struct image *img, uint32_t *at)
{
	*at = MEMORY_HIGH;
	if (!image_occupies(img, *at, native_stub_size))
		return true;
	*at = round_up(image_end(img));
	if (*at && *at < UINT32_MAX - native_stub_size && *at >= MEMORY_HIGH)
		return true;
	return refuse(img->path, "leaves no room for the boot stub of %u bytes", native_stub_size);
}

/* The headers of the new file into the page before the stub. */
static bool build_headers(const struct image *img, uint32_t at, uint32_t shift, uint8_t *page)
{
	Elf32_Ehdr eh = *elf32_getehdr(img->elf);
	const uint8_t *old = img->data + eh.e_phoff;
	Elf32_Phdr *new = (Elf32_Phdr *)(page + sizeof(eh));
	size_t count, n = 0;

	if (elf_getphdrnum(img->elf, &count) ||
	    sizeof(eh) + (count + 1) * sizeof(*new) > STUB_OFFSET)
		return refuse(img->path, "has too many program headers to add one");
	new[n++] = (Elf32_Phdr){
	    .p_type = PT_LOAD,
	    .p_offset = STUB_OFFSET,
	    .p_vaddr = at,
	    .p_paddr = at,
	    .p_filesz = native_stub_size,
	    .p_memsz = native_stub_size,
	    .p_flags = PF_R | PF_W | PF_X,
	    .p_align = PAGE,
	};
	for (size_t i = 0; i < count; i++) {
		memcpy(&new[n], old + i * sizeof(*new), sizeof(*new));
		if (new[n].p_type == PT_PHDR)
			continue;
		new[n].p_offset += shift;
		if (new[n].p_align > PAGE)
			new[n].p_align = PAGE; /* offset and address agree that far */
		n++;
	}
	eh.e_entry = at + ((const struct stub_header *)native_stub)->start;
	eh.e_phoff = sizeof(eh);
	eh.e_phentsize = sizeof(*new);
	eh.e_phnum = (Elf32_Half)n;
	if (eh.e_shoff)
		eh.e_shoff += shift;
	memcpy(page, &eh, sizeof(eh));
	return true;
}

/* The guest's section headers are part of its file; their offsets move with it. */
static void shift_sections(const struct image *img, uint32_t shift, uint8_t *file)
{
	uint32_t at = elf32_getehdr(img->elf)->e_shoff;

	for (unsigned i = 1; i < img->nr_sections; i++) {
		Elf32_Shdr sh;

		memcpy(&sh, file + at + i * sizeof(sh), sizeof(sh));
		sh.sh_offset += shift;
		memcpy(file + at + i * sizeof(sh), &sh, sizeof(sh));
	}
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return refuse(NULL, "writing the linked image: %s", strerror(errno));
		data += n;
		size -= (size_t)n;
	}
	return true;
}

bool link_copy(const struct image *img, int fd)
{
	return write_all(fd, img->data, img->size);
}

bool link_native(const struct image *img, int fd)
{
	uint32_t shift = round_up(STUB_OFFSET + native_stub_size);
	struct stub_header *stub;
	uint8_t *file;
	uint32_t at;
	bool good;

	if (img->size > UINT32_MAX - shift)
		return refuse(img->path, "is too large to link");
	if (!place_stub(img, &at))
		return false;
	file = calloc(1, shift + img->size);
	if (!file)
		return refuse(img->path, "no memory to link %zu bytes", img->size);
	memcpy(file + STUB_OFFSET, native_stub, native_stub_size);
	stub = (struct stub_header *)(file + STUB_OFFSET);
	stub->entry = img->entry;
	memcpy(file + shift, img->data, img->size);
	shift_sections(img, shift, file + shift);
	good = build_headers(img, at, shift, file) && write_all(fd, file, shift + img->size);
	free(file);
	return good;
}

bool link_unwrap(struct image *img)
{
	const struct load_segment *s = img->nr_segments ? &img->segments[0] : NULL;
	struct stub_header h;

	if (!img->elf || !s || s->filesz != native_stub_size || s->filesz < sizeof(h))
		return false;
	memcpy(&h, s->data, sizeof(h));
	if (h.multiboot_magic != MULTIBOOT_MAGIC || h.magic != STUB_MAGIC ||
	    !image_holds_physical(img, h.entry) || h.entry - s->paddr < s->filesz)
		return false;
	img->entry = img->e_entry = h.entry;
	img->bootable = true;
	img->nr_segments--;
	memmove(img->segments, img->segments + 1, img->nr_segments * sizeof(*s));
	return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a guest's ELF file. libelf finds the tables; every range they name is checked here
 * against the file before anything uses it, and bytes are taken from the file itself.
 */
#include "loader/image.h"

#include "loader/message.h"

#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool in_file(const struct image *img, uint64_t offset, uint64_t size)
{
	return offset <= img->size && size <= img->size - offset;
}

/* Entries of the two header tables: by copy, a hostile file has them at odd addresses. */
static Elf32_Phdr program_header(const struct image *img, const Elf32_Ehdr *eh, size_t i)
{
	Elf32_Phdr ph;

	memcpy(&ph, img->data + eh->e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

static Elf32_Shdr section_header(const struct image *img, const Elf32_Ehdr *eh, size_t i)
{
	Elf32_Shdr sh;

	memcpy(&sh, img->data + eh->e_shoff + i * sizeof(sh), sizeof(sh));
	return sh;
}

static bool check_header(struct image *img, const Elf32_Ehdr *eh)
{
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(img->path, "is a big-endian ELF file; i386 is little-endian");
	if (eh->e_machine != EM_386)
		return refuse(img->path, "is an ELF file for machine %u; an i386 guest has %u",
			      eh->e_machine, EM_386);
	if (eh->e_type != ET_EXEC)
		return refuse(img->path, "is an ELF file of type %u; a guest is linked (ET_EXEC)",
			      eh->e_type);
	if (eh->e_version != EV_CURRENT)
		return refuse(img->path, "has ELF version %u; known is 1", eh->e_version);
	img->e_entry = eh->e_entry;
	return true;
}

/* One PT_LOAD header into the segment list. */
static bool add_segment(struct image *img, size_t index, const Elf32_Phdr *ph)
{
	struct load_segment *s = &img->segments[img->nr_segments];

	if (ph->p_filesz > ph->p_memsz)
		return refuse(img->path, "segment %zu: file size 0x%x exceeds memory size 0x%x",
			      index, ph->p_filesz, ph->p_memsz);
	if (ph->p_memsz == 0)
		return true;
	if (!in_file(img, ph->p_offset, ph->p_filesz))
		return refuse(img->path,
			      "segment %zu: offset 0x%x, size 0x%x is outside the file (%zu bytes)",
			      index, ph->p_offset, ph->p_filesz, img->size);
	if (ph->p_vaddr + (ph->p_memsz - 1) < ph->p_vaddr)
		return refuse(img->path, "segment %zu: address 0x%x + 0x%x wraps around", index,
			      ph->p_vaddr, ph->p_memsz);
	if (ph->p_paddr + (ph->p_memsz - 1) < ph->p_paddr)
		return refuse(img->path, "segment %zu: physical address 0x%x + 0x%x wraps around",
			      index, ph->p_paddr, ph->p_memsz);
	if (img->nr_segments == IMAGE_MAX_SEGMENTS)
		return refuse(img->path, "has more than %u segments", IMAGE_MAX_SEGMENTS);
	*s = (struct load_segment){
	    .vaddr = ph->p_vaddr,
	    .paddr = ph->p_paddr,
	    .filesz = ph->p_filesz,
	    .memsz = ph->p_memsz,
	    .offset = ph->p_offset,
	    .data = img->data + ph->p_offset,
	};
	img->nr_segments++;
	return true;
}

static bool meet(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a <= b + (b_size - 1) && b <= a + (a_size - 1);
}

static bool check_overlaps(const struct image *img)
{
	for (unsigned i = 0; i < img->nr_segments; i++) {
		const struct load_segment *a = &img->segments[i];

		for (unsigned j = 0; j < i; j++) {
			const struct load_segment *b = &img->segments[j];

			if (meet(a->paddr, a->memsz, b->paddr, b->memsz))
				return refuse(img->path,
					      "segments at physical 0x%x and 0x%x overlap",
					      b->paddr, a->paddr);
			if (meet(a->vaddr, a->memsz, b->vaddr, b->memsz))
				return refuse(img->path, "segments at 0x%x and 0x%x overlap",
					      b->vaddr, a->vaddr);
		}
	}
	return true;
}

static bool read_segments(struct image *img, const Elf32_Ehdr *eh)
{
	size_t count;

	if (eh->e_phentsize != sizeof(Elf32_Phdr) && eh->e_phoff)
		return refuse(img->path, "program headers have %u bytes each instead of %zu",
			      eh->e_phentsize, sizeof(Elf32_Phdr));
	if (elf_getphdrnum(img->elf, &count) ||
	    !in_file(img, eh->e_phoff, (uint64_t)count * sizeof(Elf32_Phdr)))
		return refuse(img->path, "program headers (%u at 0x%x) are outside the file",
			      eh->e_phnum, eh->e_phoff);
	for (size_t i = 0; i < count; i++) {
		Elf32_Phdr ph = program_header(img, eh, i);

		if (ph.p_type == PT_LOAD && !add_segment(img, i, &ph))
			return false;
	}
	if (img->nr_segments == 0)
		return refuse(img->path, "has no loadable segment");
	return check_overlaps(img);
}

/* A zero-terminated string of a string table, or null. */
static const char *string_at(const struct section *strings, uint32_t offset)
{
	if (!strings->data || offset >= strings->size ||
	    !memchr(strings->data + offset, 0, strings->size - offset))
		return NULL;
	return (const char *)strings->data + offset;
}

static bool add_section(struct image *img, size_t index, const Elf32_Shdr *sh)
{
	struct section *s = &img->sections[index];

	*s = (struct section){
	    .name = "",
	    .type = sh->sh_type,
	    .flags = sh->sh_flags,
	    .addr = sh->sh_addr,
	    .size = sh->sh_size,
	    .offset = sh->sh_offset,
	};
	if (sh->sh_type == SHT_NOBITS || sh->sh_type == SHT_NULL)
		return true;
	if (!in_file(img, sh->sh_offset, sh->sh_size))
		return refuse(img->path,
			      "section %zu: offset 0x%x, size 0x%x is outside the file (%zu bytes)",
			      index, sh->sh_offset, sh->sh_size, img->size);
	s->data = img->data + sh->sh_offset;
	return true;
}

static bool name_sections(struct image *img, const Elf32_Ehdr *eh)
{
	size_t names;

	if (elf_getshdrstrndx(img->elf, &names) || names >= img->nr_sections)
		return refuse(img->path, "section names: no such section");
	for (unsigned i = 1; i < img->nr_sections; i++) {
		Elf32_Shdr sh = section_header(img, eh, i);
		const char *name = string_at(&img->sections[names], sh.sh_name);

		if (!name)
			return refuse(img->path, "section %u: its name is outside section %zu", i,
				      names);
		img->sections[i].name = name;
	}
	return true;
}

static bool read_sections(struct image *img, const Elf32_Ehdr *eh)
{
	size_t count;

	if (eh->e_shoff == 0)
		return true; /* stripped of its section table */
	if (eh->e_shentsize != sizeof(Elf32_Shdr))
		return refuse(img->path, "section headers have %u bytes each instead of %zu",
			      eh->e_shentsize, sizeof(Elf32_Shdr));
	if (!in_file(img, eh->e_shoff, sizeof(Elf32_Shdr)) || elf_getshdrnum(img->elf, &count) ||
	    count == 0 || !in_file(img, eh->e_shoff, (uint64_t)count * sizeof(Elf32_Shdr)))
		return refuse(img->path, "section headers (%u at 0x%x): none, or outside the file",
			      eh->e_shnum, eh->e_shoff);
	if (count > IMAGE_MAX_SECTIONS)
		return refuse(img->path, "has %zu sections; at most %u are read", count,
			      IMAGE_MAX_SECTIONS);
	img->sections = calloc(count, sizeof(*img->sections));
	if (!img->sections)
		return refuse(img->path, "no memory for %zu sections", count);
	img->nr_sections = (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		Elf32_Shdr sh = section_header(img, eh, i);

		if (!add_section(img, i, &sh))
			return false;
	}
	return name_sections(img, eh);
}

/*
 * e_entry is a linear address by the ELF specification; kernels linked high often give the physical
 * one (Linux's phys_startup_32), since paging is off at entry. Linear is tried first.
 */
static bool find_entry(struct image *img)
{
	const struct load_segment *s = image_segment(img, img->e_entry, 1);

	if (s) {
		img->entry = img->e_entry - s->vaddr + s->paddr;
		return true;
	}
	if (image_holds_physical(img, img->e_entry)) {
		img->entry = img->e_entry;
		return true;
	}
	return refuse(img->path, "entry point 0x%x is in no segment", img->e_entry);
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	/* Sized symbols last: a search finds the last one. */
	return (x->size > y->size) - (x->size < y->size);
}

static void add_symbol(struct image *img, const struct section *table, size_t index,
		       const struct section *strings)
{
	Elf32_Sym sym;
	const char *name;
	unsigned type;

	memcpy(&sym, table->data + index * sizeof(sym), sizeof(sym));
	type = ELF32_ST_TYPE(sym.st_info);
	name = string_at(strings, sym.st_name);
	if ((type != STT_FUNC && type != STT_NOTYPE) || !name || !*name ||
	    sym.st_shndx >= img->nr_sections ||
	    !(img->sections[sym.st_shndx].flags & SHF_EXECINSTR))
		return;
	img->symbols[img->nr_symbols++] = (struct symbol){sym.st_value, sym.st_size, name};
}

/* Symbols are for reports only: a damaged table is a warning. */
static void read_symbols(struct image *img, const Elf32_Ehdr *eh)
{
	unsigned i = 1;
	uint32_t link;
	size_t count;

	while (i < img->nr_sections &&
	       (img->sections[i].type != SHT_SYMTAB || !img->sections[i].data))
		i++;
	if (i >= img->nr_sections)
		return;
	link = section_header(img, eh, i).sh_link;
	count = img->sections[i].size / sizeof(Elf32_Sym);
	if (link >= img->nr_sections) {
		warn_about(img->path, "section %s: no string table %u", img->sections[i].name,
			   link);
		return;
	}
	img->symbols = calloc(count + 1, sizeof(*img->symbols));
	if (!img->symbols)
		return;
	for (size_t k = 0; k < count; k++)
		add_symbol(img, &img->sections[i], k, &img->sections[link]);
	qsort(img->symbols, img->nr_symbols, sizeof(*img->symbols), by_address);
}

static bool parse_elf(struct image *img)
{
	const Elf32_Ehdr *eh;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return refuse(img->path, "libelf: %s", elf_errmsg(-1));
	if (img->size > EI_CLASS && img->data[EI_CLASS] == ELFCLASS64)
		return refuse(img->path, "is an ELF64 file; the wedge runs i386 guests");
	if (img->size < sizeof(*eh))
		return refuse(img->path, "is cut off within its ELF header (%zu bytes)", img->size);
	img->elf = elf_memory((char *)img->data, img->size);
	if (!img->elf || elf_kind(img->elf) != ELF_K_ELF)
		return refuse(img->path, "is a damaged ELF file: %s", elf_errmsg(-1));
	eh = elf32_getehdr(img->elf);
	if (!eh)
		return refuse(img->path, "is a damaged ELF file: %s", elf_errmsg(-1));
	if (!check_header(img, eh) || !read_segments(img, eh) || !read_sections(img, eh) ||
	    !find_entry(img))
		return false;
	read_symbols(img, eh);
	return true;
}

bool image_parse(struct image *img, const char *path, uint8_t *data, size_t size)
{
	*img = (struct image){.path = path, .data = data, .size = size};
	if (size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG) && !parse_elf(img)) {
		image_close(img);
		return false;
	}
	return true;
}

bool image_open(struct image *img, const char *path)
{
	struct stat st;
	void *data;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		refuse(path, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || (uint64_t)st.st_size > IMAGE_MAX_SIZE) {
		close(fd);
		return refuse(path, "is not a regular file of 1 byte to 2 GiB");
	}
	/* Private and writable: libelf may convert in place; the file is never written. */
	data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return refuse(path, "cannot map it: %s", strerror(errno));
	if (!image_parse(img, path, data, (size_t)st.st_size)) {
		munmap(data, (size_t)st.st_size);
		return false;
	}
	img->mapped = true;
	return true;
}

void image_close(struct image *img)
{
	free(img->sections);
	free(img->symbols);
	if (img->elf)
		elf_end(img->elf);
	if (img->mapped)
		munmap(img->data, img->size);
	*img = (struct image){0};
}

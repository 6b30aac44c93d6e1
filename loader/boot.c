/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both boot protocols share: recognising them, modules, placement, flat segments. */
#include "loader/boot.h"

#include "loader/link.h"
#include "loader/memory.h"
#include "loader/message.h"
#include "wedge/core/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

/* Present, accessed, DPL 0, 4 GiB: SDM vol. 3, 3.4.5. */
#define FLAT_CODE 0x00cf9b000000ffffull
#define FLAT_DATA 0x00cf93000000ffffull

bool guest_kind_parse(const char *text, enum guest_kind *kind)
{
	static const char *const names[] = {"auto", "multiboot", "linux"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*kind = (enum guest_kind)i;
			return true;
		}
	}
	return false;
}

bool boot_recognise(struct image *img, enum guest_kind want, enum guest_kind *kind)
{
	bool multiboot = false;

	if (link_unwrap(img))
		want = GUEST_LINUX;
	if (want != GUEST_LINUX && !multiboot_recognise(img, &multiboot))
		return false;
	if (multiboot) {
		*kind = GUEST_MULTIBOOT;
		return true;
	}
	if (want == GUEST_MULTIBOOT)
		return refuse(img->path, "has no multiboot header in its first 8192 bytes");
	if (!img->elf)
		return refuse(img->path, "is neither an ELF file nor a flat multiboot kernel");
	if (want == GUEST_AUTO && !linux_recognise(img))
		return refuse(img->path, "is neither a multiboot kernel nor a Linux vmlinux; "
					 "-kernel-type multiboot|linux forces one");
	*kind = GUEST_LINUX;
	return true;
}

static bool map_module(struct boot_module *mod, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		refuse(path, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)(UINT32_MAX / 2)) {
		close(fd);
		return refuse(path, "is not a regular file below 2 GiB");
	}
	if (st.st_size) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (p == MAP_FAILED) {
			close(fd);
			return refuse(path, "cannot map it: %s", strerror(errno));
		}
		mod->data = p;
		mod->mapped = true;
	}
	close(fd);
	mod->size = (uint32_t)st.st_size;
	return true;
}

/* One "FILE ARGUMENTS" of -initrd, already cut out; takes the string over. */
static bool add_module(struct boot *b, char *string)
{
	struct boot_module *mod = &b->modules[b->nr_modules];
	size_t name = strcspn(string, " ");
	char path[4096];

	if (b->nr_modules == BOOT_MAX_MODULES || name == 0 || name >= sizeof(path)) {
		refuse(NULL, "-initrd: at most %u modules, each \"FILE ARGUMENTS\"",
		       BOOT_MAX_MODULES);
		free(string);
		return false;
	}
	memcpy(path, string, name);
	path[name] = 0;
	mod->string = string;
	b->nr_modules++;
	return map_module(mod, path);
}

/* "FILE ARGS,FILE2": a comma in a name is written twice, as QEMU has it. */
static bool split_modules(struct boot *b, const char *list)
{
	while (*list) {
		char *one = malloc(strlen(list) + 1), *out = one;

		if (!one)
			return refuse(NULL, "no memory");
		list += strspn(list, " ");
		for (; *list && (*list != ',' || list[1] == ','); list++) {
			if (*list == ',')
				list++;
			*out++ = *list;
		}
		*out = 0;
		if (*list == ',')
			list++;
		if (!add_module(b, one))
			return false;
	}
	return true;
}

static char *join(const char *a, const char *b)
{
	char *s = malloc(strlen(a) + strlen(b) + 2);

	if (s)
		sprintf(s, "%s%s%s", a, *a && *b ? " " : "", b);
	return s;
}

bool boot_options(struct boot *b, struct image *img, enum guest_kind kind, const char *append,
		  const char *initrd, const char *platform_args)
{
	*b = (struct boot){.img = img, .kind = kind};
	append = append ? append : "";
	b->command_line = join(kind == GUEST_LINUX ? platform_args : img->path, append);
	if (!b->command_line)
		return refuse(NULL, "no memory");
	if (kind == GUEST_LINUX && strlen(b->command_line) > LINUX_COMMAND_LINE_MAX)
		return refuse(NULL, "-append: the command line is %zu bytes long; Linux takes %u",
			      strlen(b->command_line), LINUX_COMMAND_LINE_MAX);
	if (!initrd)
		return true;
	if (kind == GUEST_LINUX) {
		b->modules[0].string = strdup(initrd);
		b->nr_modules = 1;
		return map_module(&b->modules[0], initrd);
	}
	return split_modules(b, initrd);
}

uint32_t boot_low_memory(const struct image *img, uint32_t size)
{
	/* 0x9000 is where QEMU puts it; below 0x1000 is the BIOS's. */
	for (uint32_t at = 0x9000; size <= MEMORY_LOW_END && at <= MEMORY_LOW_END - size;
	     at += PAGE)
		if (!image_occupies(img, at, size))
			return at;
	for (uint32_t at = PAGE; size <= 0x8000 && at + size <= 0x9000; at += PAGE)
		if (!image_occupies(img, at, size))
			return at;
	return 0;
}

/* Modules stand one behind the other after the kernel, page-aligned, as boot loaders do. */
static bool place_multiboot_modules(struct boot *b, uint32_t ram_size)
{
	uint64_t at = image_end(b->img);

	if (at < MEMORY_HIGH)
		at = MEMORY_HIGH;
	for (unsigned i = 0; i < b->nr_modules; i++) {
		struct boot_module *mod = &b->modules[i];

		at = (at + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		if (at + mod->size > ram_size)
			return refuse(NULL,
				      "-initrd: module \"%s\" does not fit into %u MiB of RAM",
				      mod->string, ram_size >> 20);
		mod->paddr = (uint32_t)at;
		at += mod->size;
	}
	return true;
}

/* The initial RAM disk goes as high as the kernel can reach it: it frees the memory later. */
static bool place_initrd(struct boot *b, uint32_t ram_size)
{
	struct boot_module *mod = &b->modules[0];
	uint64_t top = ram_size;
	uint64_t bottom = image_end(b->img);

	if (b->nr_modules == 0)
		return true;
	if (top > LINUX_INITRD_MAX + 1ull)
		top = LINUX_INITRD_MAX + 1ull;
	if (top < mod->size || ((top - mod->size) & ~(uint64_t)(PAGE - 1)) < bottom)
		return refuse(mod->string,
			      "initrd of %u bytes does not fit behind the kernel in %u MiB of RAM",
			      mod->size, ram_size >> 20);
	mod->paddr = (uint32_t)(top - mod->size) & ~(PAGE - 1);
	return true;
}

bool boot_plan(struct boot *b, uint32_t ram_size)
{
	uint32_t size = b->kind == GUEST_LINUX ? linux_info_size(b) : multiboot_info_size(b);

	b->info = boot_low_memory(b->img, size);
	if (!b->info)
		return refuse(b->img->path,
			      "no room for %u bytes of boot information below 640 KiB", size);
	return b->kind == GUEST_LINUX ? place_initrd(b, ram_size)
				      : place_multiboot_modules(b, ram_size);
}

void boot_enter(const struct boot *b, struct machine *m)
{
	image_load(b->img, m->ram);
	for (unsigned i = 0; i < b->nr_modules; i++)
		if (b->modules[i].size)
			memcpy(m->ram + b->modules[i].paddr, b->modules[i].data,
			       b->modules[i].size);
	if (b->kind == GUEST_LINUX)
		linux_enter(b, m);
	else
		multiboot_enter(b, m);
}

void boot_flat_segments(struct machine *m, uint32_t gdt, uint16_t code, uint16_t data)
{
	struct vcpu *v = &m->cpu;
	uint64_t table[BOOT_GDT_SIZE / 8] = {0};

	table[code / 8] = FLAT_CODE;
	table[data / 8] = FLAT_DATA;
	memcpy(m->ram + gdt, table, sizeof(table));
	v->gdtr = (struct table){gdt, sizeof(table) - 1};
	v->idtr = (struct table){0, 0}; /* an exception before the kernel's own IDT is fatal */
	v->cr0 = CR0_PE | CR0_ET;
	v->cr3 = v->cr4 = 0;
	v->eflags = FLAG_1;
	v->cpl = 0;
	segment_set(v, SEG_CS, code, FLAT_CODE);
	for (enum segreg s = SEG_ES; s < NR_SEGS; s++)
		if (s != SEG_CS)
			segment_set(v, s, data, FLAT_DATA);
}

void boot_close(struct boot *b)
{
	for (unsigned i = 0; i < b->nr_modules; i++) {
		if (b->modules[i].mapped)
			munmap(b->modules[i].data, b->modules[i].size);
		free(b->modules[i].string);
	}
	free(b->command_line);
	*b = (struct boot){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loader on an image that is right: what it leaves in RAM and in the registers. */
#include "config.h"

#include "loader/boot.h"
#include "loader/link.h"
#include "loader/memory.h"
#include "loader/multiboot.h"
#include "loader/rewrite.h"
#include "tests/loader/good.h"
#include "tests/unit/unit.h"
#include "wedge/stub/stub.h"

#include "afterburner/kinds.h"

#include <asm/bootparam.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM (16u << 20)
#define WINDOW 0xffc00000u
#define CODE (WINDOW + 0x20000u)
#define PHYS(linear) ((linear)-GOOD_VADDR + GOOD_PADDR)
#define SLOT(at) (GOOD_TEXT + (at))

static struct good_image file;
static struct image img;
static struct machine *m;
static uint8_t code[0x4000];

/* Every test runs in a process of its own: nothing is freed. */
static void prepare(void)
{
	m = stub_machine(RAM);
	m->window = WINDOW;
	m->window_size = 0x400000;
	good_build(&file);
}

static void parse(void)
{
	ck_assert(image_parse(&img, "guest", (uint8_t *)&file, sizeof(file)));
}

/* What makes a Linux kernel of the good image: no multiboot header, a banner, .init.text. */
static void make_linux(void)
{
	char *name = memmem(file.names, sizeof(file.names), ".altinstr_replacement", 21);

	memset(file.text, 0, 12);
	memcpy(file.data, "Linux version 6.1.0\0nolapic", sizeof("Linux version 6.1.0\0nolapic"));
	strcpy(name, ".init.text");
}

static void start(struct boot *b, enum guest_kind want, const char *append, const char *initrd)
{
	enum guest_kind kind;

	parse();
	ck_assert(boot_recognise(&img, GUEST_AUTO, &kind));
	ck_assert_int_eq(kind, want);
	ck_assert(image_fits(&img, RAM, WINDOW, 0x400000));
	ck_assert(boot_options(b, &img, kind, append, initrd, "reservetop=0x400000"));
	ck_assert(boot_plan(b, RAM));
	boot_enter(b, m);
}

static void check_flat(uint16_t cs, uint16_t ds)
{
	const struct vcpu *v = &m->cpu;
	uint64_t descriptor;

	ck_assert_uint_eq(v->seg[SEG_CS].sel, cs);
	for (int s = 0; s < NR_SEGS; s++) {
		ck_assert_uint_eq(v->seg[s].base, 0);
		ck_assert_uint_eq(v->seg[s].limit, 0xffffffffu);
		if (s != SEG_CS)
			ck_assert_uint_eq(v->seg[s].sel, ds);
		memcpy(&descriptor, m->ram + v->gdtr.base + v->seg[s].sel, 8);
		ck_assert_uint_eq(descriptor, v->seg[s].desc);
	}
	ck_assert_uint_eq(v->cr0 & (CR0_PE | CR0_PG), CR0_PE);
	ck_assert_uint_eq(v->eflags, FLAG_1);
}

static uint32_t module_file(char *path, const char *content)
{
	int fd;

	strcpy(path, "/tmp/afterburn-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	return (uint32_t)strlen(content);
}

START_TEST(multiboot_tells_the_truth)
{
	char one[64], two[64], list[256], expect[128];
	struct multiboot_info info;
	struct multiboot_module mods[2];
	struct boot b;

	prepare();
	module_file(one, "first");
	module_file(two, "second module");
	snprintf(list, sizeof(list), "%s with,,comma,%s", one, two);
	start(&b, GUEST_MULTIBOOT, "a b", list);
	unlink(one);
	unlink(two);
	check_flat(0x8, 0x10);
	ck_assert_uint_eq(m->cpu.gpr[R_EAX], MULTIBOOT_LOADER_MAGIC);
	ck_assert_uint_eq(m->cpu.eip, PHYS(SLOT(0x10)));
	memcpy(&info, m->ram + m->cpu.gpr[R_EBX], sizeof(info));
	ck_assert_uint_eq(info.mem_upper, RAM / 1024 - 1024);
	ck_assert_str_eq((char *)m->ram + info.cmdline, "guest a b");
	ck_assert_str_eq((char *)m->ram + info.boot_loader_name, "afterburn");
	ck_assert_uint_eq(info.mods_count, 2);
	memcpy(mods, m->ram + info.mods_addr, sizeof(mods));
	snprintf(expect, sizeof(expect), "%s with,comma", one);
	ck_assert_str_eq((char *)m->ram + mods[0].string, expect);
	ck_assert_mem_eq(m->ram + mods[0].start, "first", 5);
	ck_assert_mem_eq(m->ram + mods[1].start, "second module", 13);
	ck_assert_uint_eq(mods[1].end - mods[1].start, 13);
	ck_assert_uint_eq(mods[0].start % 4096 + mods[1].start % 4096, 0);
	ck_assert(!image_occupies(&img, mods[0].start, 5));
	boot_close(&b);
}
END_TEST

START_TEST(multiboot_memory_map_adds_up)
{
	struct multiboot_info info;
	struct multiboot_range r;
	struct boot b;
	uint64_t ram = 0, behind = 0;

	prepare();
	start(&b, GUEST_MULTIBOOT, NULL, NULL);
	memcpy(&info, m->ram + m->cpu.gpr[R_EBX], sizeof(info));
	for (uint32_t at = 0; at < info.mmap_length; at += r.size + 4) {
		memcpy(&r, m->ram + info.mmap_addr + at, sizeof(r));
		ck_assert_uint_ge(r.start_low, behind);
		behind = (uint64_t)r.start_low + r.size_low;
		if (r.type == MEMORY_RAM)
			ram += r.size_low;
	}
	ck_assert_uint_eq(behind, RAM);
	ck_assert_uint_eq(ram, RAM - (MEMORY_HIGH - MEMORY_LOW_END));
	boot_close(&b);
}
END_TEST

START_TEST(flat_multiboot_is_loaded_by_its_header)
{
	struct multiboot_header h = {
	    .magic = MULTIBOOT_MAGIC,
	    .flags = MULTIBOOT_ADDRESSES,
	    .checksum = -(uint32_t)(MULTIBOOT_MAGIC + MULTIBOOT_ADDRESSES),
	    .header_addr = 0x200000,
	    .load_addr = 0x200000,
	    .load_end_addr = 0x200100,
	    .bss_end_addr = 0x200200,
	    .entry_addr = 0x200020,
	};
	struct boot b;

	prepare();
	memset(&file, 0x90, GOOD_HEADER);
	memcpy(file.text, &h, sizeof(h));
	memset(m->ram + 0x200100, 0xff, 0x200);
	start(&b, GUEST_MULTIBOOT, NULL, NULL);
	ck_assert_uint_eq(m->cpu.eip, 0x200020);
	ck_assert_mem_eq(m->ram + 0x200000, file.text, 0x100);
	ck_assert_uint_eq(m->ram[0x200100] | m->ram[0x2001ff], 0);
	ck_assert_uint_eq(m->ram[0x200200], 0xff);
	boot_close(&b);
}
END_TEST

START_TEST(linux_gets_its_zero_page)
{
	const struct boot_params *p;
	char initrd[64];
	struct boot b;

	prepare();
	make_linux();
	module_file(initrd, "initramfs");
	start(&b, GUEST_LINUX, "console=ttyS0", initrd);
	unlink(initrd);
	check_flat(0x10, 0x18);
	ck_assert_uint_eq(m->cpu.gpr[R_EBX] | m->cpu.gpr[R_EBP] | m->cpu.gpr[R_EDI], 0);
	ck_assert_uint_eq(m->cpu.eip, PHYS(SLOT(0x10)));
	p = (const struct boot_params *)(m->ram + m->cpu.gpr[R_ESI]);
	ck_assert_uint_eq(p->hdr.boot_flag, 0xaa55);
	ck_assert_mem_eq(&p->hdr.header, "HdrS", 4);
	ck_assert_uint_eq(p->e820_entries, MEMORY_RANGES);
	ck_assert_uint_eq(p->e820_table[MEMORY_RANGES - 1].addr, MEMORY_HIGH);
	ck_assert_uint_eq(p->e820_table[MEMORY_RANGES - 1].size, RAM - MEMORY_HIGH);
	ck_assert_str_eq((char *)m->ram + p->hdr.cmd_line_ptr, "reservetop=0x400000 console=ttyS0");
	ck_assert_uint_eq(p->hdr.ramdisk_size, 9);
	ck_assert_mem_eq(m->ram + p->hdr.ramdisk_image, "initramfs", 9);
	ck_assert(linux_has_parameter(b.img, "nolapic"));
	ck_assert(!linux_has_parameter(b.img, "nolapi") && !linux_has_parameter(b.img, "noapic"));
	boot_close(&b);
}
END_TEST

START_TEST(linked_kernel_is_the_same_kernel)
{
	int fd = memfd_create("linked", 0);
	struct image linked;
	enum guest_kind kind;
	uint8_t *data;
	off_t size;

	prepare();
	make_linux();
	parse();
	ck_assert(link_native(&img, fd));
	size = lseek(fd, 0, SEEK_END);
	data = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ck_assert(image_parse(&linked, "linked", data, (size_t)size));
	ck_assert_uint_eq(linked.nr_segments, img.nr_segments + 1);
	ck_assert_uint_eq(linked.nr_sections, img.nr_sections);
	for (unsigned i = 0; i < img.nr_segments; i++) {
		ck_assert_uint_eq(linked.segments[i + 1].vaddr, img.segments[i].vaddr);
		ck_assert_uint_eq(linked.segments[i + 1].paddr, img.segments[i].paddr);
		ck_assert_uint_eq(linked.segments[i + 1].memsz, img.segments[i].memsz);
		ck_assert_mem_eq(linked.segments[i + 1].data, img.segments[i].data,
				 img.segments[i].filesz);
	}
	for (unsigned i = 1; i < img.nr_sections; i++)
		if (img.sections[i].data)
			ck_assert_mem_eq(linked.sections[i].data, img.sections[i].data,
					 img.sections[i].size);
	ck_assert(boot_recognise(&linked, GUEST_AUTO, &kind));
	ck_assert_int_eq(kind, GUEST_LINUX);
	ck_assert_uint_eq(linked.nr_segments, img.nr_segments);
	ck_assert_uint_eq(linked.entry, img.entry);
	image_close(&linked);
	munmap(data, (size_t)size);
	close(fd);
}
END_TEST

static bool plan(struct rewrite *r, bool keep_trapping)
{
	struct code_area area = {code, CODE, sizeof(code)};

	parse();
	image_load(&img, m->ram);
	return rewrite_plan(r, &img, m, &area, keep_trapping);
}

static const uint8_t *at(uint32_t linear)
{
	return m->ram + PHYS(linear);
}

static void check_jump(uint32_t slot)
{
	int32_t rel;
	const struct site *s = NULL;

	for (unsigned i = 0; i < m->nr_sites; i++)
		if (m->sites[i].slot == slot)
			s = &m->sites[i];
	ck_assert_ptr_nonnull(s);
	ck_assert(s->rewritten);
	ck_assert_uint_eq(at(slot)[0], 0xe9);
	memcpy(&rel, at(slot) + 1, 4);
	ck_assert_uint_eq(slot + 5 + (uint32_t)rel, s->trampoline);
	ck_assert_uint_ge(s->trampoline, CODE);
	ck_assert_uint_lt(s->trampoline, CODE + sizeof(code));
}

START_TEST(slots_become_jumps)
{
	struct rewrite r;

	prepare();
	ck_assert(plan(&r, false));
	rewrite_commit(&r, m);
	for (unsigned i = 0; i < m->nr_sites; i++)
		if (m->sites[i].rewritten)
			check_jump(m->sites[i].slot);
	check_jump(SLOT(0x10));
	check_jump(SLOT(0x39));
	/* int $0x80 is padded before by seven bytes: it stays, the two bytes before it are int3 */
	check_jump(SLOT(0x43));
	ck_assert_mem_eq(at(SLOT(0x48)), "\xcc\xcc\xcd\x80", 4);
	ck_assert_uint_eq(m->nr_aliases, 1);
	ck_assert_uint_eq(m->alias_delta[0], GOOD_VADDR - GOOD_PADDR);
	rewrite_close(&r);
}
END_TEST

START_TEST(a_long_slot_is_filled_with_int3)
{
	struct rewrite r;

	prepare();
	/* cli, then the first out slot becomes its padding: nine bytes */
	memcpy(file.text + 0x11, "\x0f\x1f\x84\x00\x00\x00\x00\x00", 8);
	file.records[0].slot_len = 9;
	ck_assert(plan(&r, false));
	rewrite_commit(&r, m);
	check_jump(SLOT(0x10));
	ck_assert_mem_eq(at(SLOT(0x15)), "\xcc\xcc\xcc\xcc", 4);
	ck_assert_uint_eq(*at(SLOT(0x19)), file.text[0x19]);
	rewrite_close(&r);
}
END_TEST

START_TEST(some_sites_stay_native)
{
	struct rewrite r;
	const uint32_t replacement = GOOD_VADDR + offsetof(struct good_image, replacement);

	prepare();
	file.records[6].flags |= AB_F_USER; /* hlt in ring 3 */
	ck_assert(plan(&r, false));
	rewrite_commit(&r, m);
	ck_assert_mem_eq(at(replacement), file.replacement, 5);
	ck_assert_mem_eq(at(SLOT(0x3e)), file.text + 0x3e, 5);
	ck_assert_uint_eq(r.nr_patches, GOOD_RECORDS - 2);
	rewrite_close(&r);
}
END_TEST

START_TEST(no_rewrite_leaves_what_traps)
{
	struct rewrite r;

	prepare();
	ck_assert(plan(&r, true));
	rewrite_commit(&r, m);
	check_jump(SLOT(0x43)); /* int: silent */
	ck_assert_uint_eq(r.nr_patches, 1);
	ck_assert_mem_eq(at(SLOT(0x10)), file.text + 0x10, 5);
	rewrite_close(&r);
}
END_TEST

START_TEST(a_refused_image_is_not_touched)
{
	struct rewrite r;

	prepare();
	file.records[GOOD_RECORDS - 1].insn_len = 2;
	ck_assert(!plan(&r, false));
	ck_assert_mem_eq(m->ram + GOOD_PADDR, &file, offsetof(struct good_image, data));
	ck_assert_uint_eq(m->nr_sites, 0);
	rewrite_close(&r);
}
END_TEST

START_TEST(symbols_have_ends)
{
	prepare();
	parse();
	ck_assert_ptr_null(image_symbol(&img, SLOT(0)));
	ck_assert_str_eq(image_symbol(&img, SLOT(0x10))->name, "start");
	ck_assert_str_eq(image_symbol(&img, SLOT(0x2f))->name, "start");
	ck_assert_str_eq(image_symbol(&img, SLOT(0x30))->name, "end");
	ck_assert_ptr_null(image_symbol(&img, SLOT(0x30) + 0x20000));
}
END_TEST

UNIT_MAIN("loader", multiboot_tells_the_truth, multiboot_memory_map_adds_up,
	  flat_multiboot_is_loaded_by_its_header, linux_gets_its_zero_page,
	  linked_kernel_is_the_same_kernel, slots_become_jumps, a_long_slot_is_filled_with_int3,
	  some_sites_stay_native, no_rewrite_leaves_what_traps, a_refused_image_is_not_touched,
	  symbols_have_ends)

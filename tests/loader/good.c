/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/loader/good.h"

#include "afterburner/kinds.h"
#include "loader/multiboot.h"

#include <stddef.h>
#include <string.h>

#define OUT_SLOT 0xee, 0x0f, 0x1f, 0x40, 0x00 /* out %al,(%dx); nopl 0(%eax) */

static const uint8_t code[] = {
    /* +0x10 entry: it runs at its physical address, paging is off */
    0xfa,     0x0f,
    0x1f,     0x40,
    0x00, /* +0x10 cli */
    0x66,     0xba,
    0xf8,     0x03, /* mov $0x3f8,%dx */
    0xb0,     'O',
    OUT_SLOT, /* +0x1b out */
    0xb0,     'K',
    OUT_SLOT, /* +0x22 out */
    0xb0,     '\n',
    OUT_SLOT, /* +0x29 out */
    0x66,     0xba,
    0xf4,     0x00, /* mov $0xf4,%dx */
    0xb0,     GOOD_STATUS >> 1,
    OUT_SLOT, /* +0x34 out: ends */
    0x0f,     0x1f,
    0x40,     0x00,
    0xfb, /* +0x39 sti, padded before */
    0xf4,     0x0f,
    0x1f,     0x40,
    0x00, /* +0x3e hlt */
    0x0f,     0x1f,
    0x80,     0,
    0,        0,
    0,        0xcd,
    0x80, /* +0x43 int $0x80, padded before */
    0x0f,     0x22,
    0xc0,     0x66,
    0x90,           /* +0x4c mov %eax,%cr0 */
    0xeb,     0xfe, /* jmp . */
};

static const struct {
	uint8_t text, kind, insn_off, insn_len, slot_len, flags;
} sites[GOOD_RECORDS] = {
    {0x10, AB_CLI, 0, 1, 5, 0},
    {0x1b, AB_OUT, 0, 1, 5, 0},
    {0x22, AB_OUT, 0, 1, 5, 0},
    {0x29, AB_OUT, 0, 1, 5, 0},
    {0x34, AB_OUT, 0, 1, 5, 0},
    {0x39, AB_STI, 4, 1, 5, AB_F_PAD_BEFORE},
    {0x3e, AB_HLT, 0, 1, 5, 0},
    {0x43, AB_INT, 7, 2, 9, AB_F_PAD_BEFORE},
    {0x4c, AB_MOV_TO_CR, 0, 3, 5, 0},
    {0xff, AB_CLI, 0, 1, 5, 0}, /* the one in .altinstr_replacement */
};

#define OFFSET(field) ((uint32_t)offsetof(struct good_image, field))

static void build_records(struct good_image *g)
{
	for (unsigned i = 0; i < GOOD_RECORDS; i++) {
		uint32_t slot = sites[i].text == 0xff ? GOOD_VADDR + OFFSET(replacement)
						      : GOOD_TEXT + sites[i].text;

		g->records[i] = (struct ab_record){
		    .place = (uint32_t)(slot - i * sizeof(struct ab_record)),
		    .kind = sites[i].kind,
		    .insn_off = sites[i].insn_off,
		    .insn_len = sites[i].insn_len,
		    .slot_len = sites[i].slot_len,
		    .flags = sites[i].flags | AB_F_CODE32,
		};
	}
	for (unsigned i = 0; i < 2; i++)
		g->notes[i] = (struct good_note){
		    .header = {sizeof(AB_NOTE_OWNER), sizeof(struct ab_note), AB_NOTE_TYPE},
		    .owner = AB_NOTE_OWNER,
		    .note = {AB_FORMAT_VERSION, AB_ISA_I386, 0x000100, 0},
		};
}

static uint32_t add_name(struct good_image *g, const char *name)
{
	uint32_t at = 1;

	while (g->names[at])
		at += (uint32_t)strlen(g->names + at) + 1;
	strcpy(g->names + at, name);
	return at;
}

#define SECTION(id, section, sh_type_, flags, field, addr)                                         \
	g->sh[id] = (Elf32_Shdr)                                                                   \
	{                                                                                          \
		.sh_name = add_name(g, section), .sh_type = (sh_type_), .sh_flags = (flags),       \
		.sh_addr = (addr), .sh_offset = OFFSET(field), .sh_size = sizeof(g->field),        \
		.sh_addralign = 1                                                                  \
	}

static void build_sections(struct good_image *g)
{
	SECTION(GOOD_S_TEXT, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, text, GOOD_TEXT);
	SECTION(GOOD_S_REPLACEMENT, ".altinstr_replacement", SHT_PROGBITS,
		SHF_ALLOC | SHF_EXECINSTR, replacement, GOOD_VADDR + OFFSET(replacement));
	SECTION(GOOD_S_DATA, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, data, GOOD_DATA);
	SECTION(GOOD_S_BSS, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, records,
		GOOD_DATA + sizeof(g->data));
	SECTION(GOOD_S_RECORDS, AB_SECTION, SHT_PROGBITS, 0, records, 0);
	SECTION(GOOD_S_NOTES, AB_NOTE_SECTION, SHT_NOTE, 0, notes, 0);
	SECTION(GOOD_S_SYMBOLS, ".symtab", SHT_SYMTAB, 0, symbols, 0);
	SECTION(GOOD_S_STRINGS, ".strtab", SHT_STRTAB, 0, strings, 0);
	SECTION(GOOD_S_NAMES, ".shstrtab", SHT_STRTAB, 0, names, 0);
	g->sh[GOOD_S_NOTES].sh_addralign = 4;
	g->sh[GOOD_S_SYMBOLS].sh_link = GOOD_S_STRINGS;
	g->sh[GOOD_S_SYMBOLS].sh_entsize = sizeof(Elf32_Sym);
	memcpy(g->strings, "\0start\0end", 11);
	g->symbols[1] = (Elf32_Sym){.st_name = 1,
				    .st_value = GOOD_TEXT + 0x10,
				    .st_size = 0x20,
				    .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
				    .st_shndx = GOOD_S_TEXT};
	g->symbols[2] = (Elf32_Sym){.st_name = 7,
				    .st_value = GOOD_TEXT + 0x30,
				    .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_NOTYPE),
				    .st_shndx = GOOD_S_TEXT};
}

static void build_headers(struct good_image *g)
{
	g->eh = (Elf32_Ehdr){
	    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
	    .e_type = ET_EXEC,
	    .e_machine = EM_386,
	    .e_version = EV_CURRENT,
	    .e_entry = GOOD_TEXT + 0x10,
	    .e_phoff = OFFSET(ph),
	    .e_shoff = OFFSET(sh),
	    .e_ehsize = sizeof(Elf32_Ehdr),
	    .e_phentsize = sizeof(Elf32_Phdr),
	    .e_phnum = 2,
	    .e_shentsize = sizeof(Elf32_Shdr),
	    .e_shnum = GOOD_SECTIONS,
	    .e_shstrndx = GOOD_S_NAMES,
	};
	g->ph[0] = (Elf32_Phdr){
	    .p_type = PT_LOAD,
	    .p_offset = 0,
	    .p_vaddr = GOOD_VADDR,
	    .p_paddr = GOOD_PADDR,
	    .p_filesz = OFFSET(data),
	    .p_memsz = OFFSET(data),
	    .p_flags = PF_R | PF_X,
	    .p_align = 1,
	};
	g->ph[1] = (Elf32_Phdr){
	    .p_type = PT_LOAD,
	    .p_offset = OFFSET(data),
	    .p_vaddr = GOOD_DATA,
	    .p_paddr = GOOD_DATA - GOOD_VADDR + GOOD_PADDR,
	    .p_filesz = sizeof(g->data),
	    .p_memsz = 0x1000,
	    .p_flags = PF_R | PF_W,
	    .p_align = 1,
	};
}

void good_build(struct good_image *g)
{
	const struct multiboot_header h = {.magic = MULTIBOOT_MAGIC,
					   .checksum = -(uint32_t)MULTIBOOT_MAGIC};

	memset(g, 0, sizeof(*g));
	build_headers(g);
	build_records(g);
	build_sections(g);
	memset(g->text, 0x90, sizeof(g->text));
	memcpy(g->text, &h, 12);
	memcpy(g->text + 0x10, code, sizeof(code));
	memset(g->replacement, 0x90, sizeof(g->replacement));
	g->replacement[0] = 0xfa;
}

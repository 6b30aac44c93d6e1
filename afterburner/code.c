/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("afterburn: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

/* Room for one more in an array that doubles. */
static void *grown(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return checked(reallocarray(array, nr ? nr * 2 : 1, size));
}

static const char *section_name(const struct code *c, const GElf_Shdr *sh)
{
	size_t strings;
	const char *name = NULL;

	if (elf_getshdrstrndx(c->elf, &strings) == 0)
		name = elf_strptr(c->elf, strings, sh->sh_name);
	return name ? name : "?";
}

static bool is_code(const GElf_Shdr *sh)
{
	return sh->sh_type != SHT_NOBITS && (sh->sh_flags & SHF_ALLOC) &&
	       (sh->sh_flags & SHF_EXECINSTR);
}

static bool read_sections(struct code *c)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(c->elf, scn))) {
		Elf_Data *d;

		if (!gelf_getshdr(scn, &sh) || !is_code(&sh) || !sh.sh_size)
			continue;
		d = elf_rawdata(scn, NULL);
		if (!d || !d->d_buf || d->d_size != sh.sh_size) {
			fprintf(stderr, "%s: section %s: unreadable\n", c->path,
				section_name(c, &sh));
			return false;
		}
		c->sections = grown(c->sections, c->nr_sections, sizeof(*c->sections));
		c->sections[c->nr_sections++] = (struct code_section){
		    .index = (uint32_t)elf_ndxscn(scn),
		    .name = section_name(c, &sh),
		    .bytes = d->d_buf,
		    .base = c->ehdr.e_type == ET_REL ? 0 : sh.sh_addr,
		    .size = sh.sh_size,
		};
	}
	return true;
}

static bool in_code(const struct code *c, uint32_t section)
{
	for (size_t i = 0; i < c->nr_sections; i++)
		if (c->sections[i].index == section)
			return true;
	return false;
}

static void add_symbol(struct code *c, const GElf_Sym *sym, const char *name)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (type == STT_SECTION || type == STT_FILE || !in_code(c, sym->st_shndx))
		return;
	c->symbols = grown(c->symbols, c->nr_symbols, sizeof(*c->symbols));
	c->symbols[c->nr_symbols++] = (struct code_symbol){
	    .section = sym->st_shndx,
	    .address = sym->st_value,
	    .size = sym->st_size,
	    .name = name ? name : "",
	    .data = type == STT_OBJECT,
	};
}

static int compare_symbols(const void *a, const void *b)
{
	const struct code_symbol *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->size < y->size) - (x->size > y->size);
}

static void read_symbols(struct code *c)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(c->elf, scn))) {
		Elf_Data *d;
		GElf_Sym sym;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB ||
		    !(d = elf_getdata(scn, NULL)))
			continue;
		for (int i = 1; gelf_getsym(d, i, &sym); i++)
			add_symbol(c, &sym, elf_strptr(c->elf, sh.sh_link, sym.st_name));
	}
	if (c->nr_symbols)
		qsort(c->symbols, c->nr_symbols, sizeof(*c->symbols), compare_symbols);
}

static void add_reference(struct code *c, uint32_t from_section, const GElf_Rela *r, int64_t addend,
			  Elf_Data *symbols)
{
	unsigned type = (unsigned)GELF_R_TYPE(r->r_info);
	bool x64 = c->ehdr.e_machine == EM_X86_64, relative, absolute;
	GElf_Sym sym;

	relative = x64 ? type == R_X86_64_PC32 || type == R_X86_64_PLT32
		       : type == R_386_PC32 || type == R_386_PLT32;
	absolute = x64 ? type == R_X86_64_64 || type == R_X86_64_32 || type == R_X86_64_32S
		       : type == R_386_32;
	if ((!relative && !absolute) || !gelf_getsym(symbols, (int)GELF_R_SYM(r->r_info), &sym) ||
	    !in_code(c, sym.st_shndx))
		return;
	c->references = grown(c->references, c->nr_references, sizeof(*c->references));
	c->references[c->nr_references++] = (struct code_reference){
	    .from_section = from_section,
	    .from = r->r_offset,
	    .section = sym.st_shndx,
	    .address = sym.st_value + (uint64_t)addend,
	    .relative = relative,
	};
}

/* The addend that a REL relocation keeps in the field itself; 32 bits on i386. */
static int64_t addend_in_place(Elf_Data *target, uint64_t offset)
{
	int32_t value = 0;

	if (target && target->d_buf && offset <= target->d_size &&
	    target->d_size - offset >= sizeof(value))
		memcpy(&value, (char *)target->d_buf + offset, sizeof(value));
	return value;
}

static void read_relocations(struct code *c, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Scn *target = elf_getscn(c->elf, sh->sh_info),
		*symbols = elf_getscn(c->elf, sh->sh_link);
	Elf_Data *d = elf_getdata(scn, NULL), *syms = symbols ? elf_getdata(symbols, NULL) : NULL;
	Elf_Data *bytes = target ? elf_rawdata(target, NULL) : NULL;
	GElf_Shdr to;
	GElf_Rela rela;
	GElf_Rel rel;

	if (!d || !syms || !target || !gelf_getshdr(target, &to) || !(to.sh_flags & SHF_ALLOC))
		return;
	if (sh->sh_type == SHT_RELA) {
		for (int i = 0; gelf_getrela(d, i, &rela); i++)
			add_reference(c, sh->sh_info, &rela, rela.r_addend, syms);
		return;
	}
	for (int i = 0; gelf_getrel(d, i, &rel); i++) {
		rela = (GElf_Rela){.r_offset = rel.r_offset, .r_info = rel.r_info};
		add_reference(c, sh->sh_info, &rela, addend_in_place(bytes, rel.r_offset), syms);
	}
}

static int compare_references(const void *a, const void *b)
{
	const struct code_reference *x = a, *y = b;

	if (x->from_section != y->from_section)
		return x->from_section < y->from_section ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Of relocatable files only: in a linked file the fields already hold the targets. */
static void read_references(struct code *c)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	if (c->ehdr.e_type != ET_REL)
		return;
	while ((scn = elf_nextscn(c->elf, scn)))
		if (gelf_getshdr(scn, &sh) && (sh.sh_type == SHT_REL || sh.sh_type == SHT_RELA))
			read_relocations(c, scn, &sh);
	if (c->nr_references)
		qsort(c->references, c->nr_references, sizeof(*c->references), compare_references);
}

bool code_open(struct code *c, const char *path)
{
	char error[256];

	*c = (struct code){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
	if (c->fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	elf_version(EV_CURRENT);
	c->elf = elf_begin(c->fd, ELF_C_READ_MMAP, NULL);
	if (!c->elf || !ab_records_read(c->elf, &c->records, error, sizeof(error))) {
		fprintf(stderr, "%s: %s\n", path, c->elf ? error : elf_errmsg(-1));
		code_close(c);
		return false;
	}
	gelf_getehdr(c->elf, &c->ehdr);
	if (!elf_nextscn(c->elf, NULL)) {
		fprintf(stderr, "%s: no section headers: nothing can be told of its code\n", path);
		code_close(c);
		return false;
	}
	if (!read_sections(c)) {
		code_close(c);
		return false;
	}
	read_symbols(c);
	read_references(c);
	return true;
}

void code_close(struct code *c)
{
	ab_records_free(&c->records);
	free(c->sections);
	free(c->symbols);
	free(c->references);
	elf_end(c->elf);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct code){.fd = -1};
}

const char *code_name(const struct code *c, uint32_t section, uint64_t address, char *buf,
		      size_t size)
{
	size_t low = 0, high = c->nr_symbols;
	const struct code_symbol *s;

	while (low < high) {
		size_t middle = (low + high) / 2;

		s = &c->symbols[middle];
		if (s->section < section || (s->section == section && s->address <= address))
			low = middle + 1;
		else
			high = middle;
	}
	s = low ? &c->symbols[low - 1] : NULL;
	buf[0] = '\0';
	if (s && s->section == section)
		snprintf(buf, size, address == s->address ? "%s" : "%s+%#llx", s->name,
			 (unsigned long long)(address - s->address));
	return buf;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/records.h"

#include <gelf.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is needed while one file is read. */
struct reader {
	Elf *elf;
	GElf_Ehdr ehdr;
	size_t nr_sections;
	struct ab_image_records *out;
	char *error;
	size_t size;
	const char *name; /* section being read, for messages */
};

static bool __attribute__((format(printf, 2, 3))) bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	int n = 0;

	if (r->name)
		n = snprintf(r->error, r->size, "section %s: ", r->name);
	if (n >= 0 && (size_t)n < r->size) {
		va_start(ap, fmt);
		vsnprintf(r->error + n, r->size - (size_t)n, fmt, ap);
		va_end(ap);
	}
	return false;
}

/* Where an entry points to: the section and the address in it (offset for ET_REL). */
struct target {
	uint64_t address;
	uint32_t section;
};

/* May a slot of `length` bytes at `address` lie in this section? */
static bool section_holds(const struct reader *r, const GElf_Shdr *sh, uint64_t address,
			  uint64_t length)
{
	uint64_t base = r->ehdr.e_type == ET_REL ? 0 : sh->sh_addr;

	if (!(sh->sh_flags & SHF_ALLOC) || !(sh->sh_flags & SHF_EXECINSTR) ||
	    sh->sh_type == SHT_NOBITS)
		return false;
	return address >= base && address - base <= sh->sh_size &&
	       length <= sh->sh_size - (address - base);
}

/* In a linked file: the executable section that holds an address. */
static bool find_section(struct reader *r, uint64_t length, struct target *t)
{
	for (size_t i = 1; i < r->nr_sections; i++) {
		GElf_Shdr sh;

		if (gelf_getshdr(elf_getscn(r->elf, i), &sh) &&
		    section_holds(r, &sh, t->address, length)) {
			t->section = (uint32_t)i;
			return true;
		}
	}
	return false;
}

/* The relocations of one record section, as an array indexed by entry. */
struct relocations {
	Elf_Data *data, *symbols;
	bool rela;
	size_t count;
	size_t next; /* where the last search ended: they come in order */
};

static bool find_relocations(struct reader *r, size_t section, struct relocations *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 1; i < r->nr_sections; i++) {
		Elf_Scn *scn = elf_getscn(r->elf, i);
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh) || (sh.sh_type != SHT_REL && sh.sh_type != SHT_RELA) ||
		    sh.sh_info != section)
			continue;
		out->data = elf_getdata(scn, NULL);
		out->rela = sh.sh_type == SHT_RELA;
		out->count = sh.sh_entsize ? sh.sh_size / sh.sh_entsize : 0;
		scn = elf_getscn(r->elf, sh.sh_link);
		out->symbols = scn ? elf_getdata(scn, NULL) : NULL;
		if (!out->data || !out->symbols)
			return bad(r, "unreadable relocations");
		return true;
	}
	return bad(r, "a relocatable file without relocations for it");
}

static bool get_relocation(const struct relocations *rel, size_t i, GElf_Rela *out)
{
	GElf_Rel plain;

	if (rel->rela)
		return gelf_getrela(rel->data, (int)i, out) != NULL;
	if (!gelf_getrel(rel->data, (int)i, &plain))
		return false;
	out->r_offset = plain.r_offset;
	out->r_info = plain.r_info;
	out->r_addend = 0;
	return true;
}

/* The relocation at `offset`; searched from where the last one was found. */
static bool relocation_at(struct relocations *rel, uint64_t offset, GElf_Rela *out)
{
	for (size_t n = 0; n < rel->count; n++) {
		size_t i = (rel->next + n) % rel->count;

		if (!get_relocation(rel, i, out))
			return false;
		if (out->r_offset == offset) {
			rel->next = i + 1;
			return true;
		}
	}
	return false;
}

/* In a relocatable file: the place that the relocation of the entry at `offset` names. */
static bool relocated(struct reader *r, struct relocations *rel, uint64_t offset, int64_t in_place,
		      struct target *t)
{
	bool x64 = r->ehdr.e_machine == EM_X86_64;
	GElf_Rela rela;
	GElf_Sym sym;

	if (!relocation_at(rel, offset, &rela))
		return bad(r, "no relocation for the entry at offset %#llx",
			   (unsigned long long)offset);
	if (GELF_R_TYPE(rela.r_info) != (x64 ? R_X86_64_PC64 : R_386_PC32))
		return bad(r, "relocation of type %u at offset %#llx",
			   (unsigned)GELF_R_TYPE(rela.r_info), (unsigned long long)offset);
	if (!gelf_getsym(rel->symbols, (int)GELF_R_SYM(rela.r_info), &sym) ||
	    sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE)
		return bad(r, "relocation at offset %#llx names no section",
			   (unsigned long long)offset);
	t->section = sym.st_shndx;
	t->address = sym.st_value + (uint64_t)(rel->rela ? rela.r_addend : in_place);
	return true;
}

/* Resolve the place of the entry at `offset` of a record section. *code: its bytes are code. */
static bool locate(struct reader *r, const GElf_Shdr *sh, struct relocations *rel, uint64_t offset,
		   int64_t place, uint64_t length, struct target *t, bool *code)
{
	GElf_Shdr text;

	if (r->ehdr.e_machine == EM_386)
		place = (int32_t)place;
	if (r->ehdr.e_type == ET_REL) {
		if (!relocated(r, rel, offset, place, t))
			return false;
		*code = gelf_getshdr(elf_getscn(r->elf, t->section), &text) &&
			section_holds(r, &text, t->address, length);
		return true;
	}
	t->address = sh->sh_addr + offset + (uint64_t)place;
	if (r->ehdr.e_machine == EM_386)
		t->address = (uint32_t)t->address;
	*code = find_section(r, length, t);
	return true;
}

/* The same, where it must be code. */
static bool resolve(struct reader *r, const GElf_Shdr *sh, struct relocations *rel, uint64_t offset,
		    int64_t place, uint64_t length, struct target *t)
{
	bool code;

	if (!locate(r, sh, rel, offset, place, length, t, &code))
		return false;
	if (code)
		return true;
	return bad(r,
		   "the entry at offset %#llx names %#llx, which is not in an executable section",
		   (unsigned long long)offset, (unsigned long long)t->address);
}

static void *grow(void *array, size_t nr, size_t more, size_t size)
{
	return reallocarray(array, nr + more + 1, size);
}

static bool add_sites(struct reader *r, const GElf_Shdr *sh, const Elf_Data *d,
		      struct relocations *rel)
{
	size_t n = d->d_size / sizeof(struct ab_record);
	struct ab_image_site *s = grow(r->out->sites, r->out->nr_sites, n, sizeof(*s));

	if (!s)
		return bad(r, "out of memory");
	r->out->sites = s;
	for (size_t i = 0; i < n; i++) {
		uint64_t offset = i * sizeof(struct ab_record);
		struct ab_record rec;
		struct target t;

		memcpy(&rec, (const char *)d->d_buf + offset, sizeof(rec));
		rec.kind = le16toh(rec.kind);
		if (rec.kind == AB_KIND_NONE || rec.kind >= AB_NR_KINDS)
			return bad(r, "record at offset %#llx has unknown kind %u",
				   (unsigned long long)offset, rec.kind);
		if (!rec.insn_len || rec.insn_len > 15 ||
		    rec.insn_off + rec.insn_len > rec.slot_len)
			return bad(r,
				   "record at offset %#llx: instruction %u+%u is not in its slot "
				   "of %u bytes",
				   (unsigned long long)offset, rec.insn_off, rec.insn_len,
				   rec.slot_len);
		if (!resolve(r, sh, rel, offset, (int64_t)le64toh((uint64_t)rec.place),
			     rec.slot_len, &t))
			return false;
		s[r->out->nr_sites++] = (struct ab_image_site){.address = t.address,
							       .record = offset,
							       .section = t.section,
							       .kind = rec.kind,
							       .insn_off = rec.insn_off,
							       .insn_len = rec.insn_len,
							       .slot_len = rec.slot_len,
							       .flags = rec.flags};
	}
	return true;
}

static bool add_ranges(struct reader *r, const GElf_Shdr *sh, const Elf_Data *d,
		       struct relocations *rel)
{
	size_t n = d->d_size / sizeof(struct ab_range);
	struct ab_image_range *a = grow(r->out->ranges, r->out->nr_ranges, n, sizeof(*a));

	if (!a)
		return bad(r, "out of memory");
	r->out->ranges = a;
	for (size_t i = 0; i < n; i++) {
		uint64_t offset = i * sizeof(struct ab_range);
		struct ab_range range;
		struct target t;
		bool code;

		memcpy(&range, (const char *)d->d_buf + offset, sizeof(range));
		range.length = le32toh(range.length);
		if (!range.length)
			continue;
		if (!locate(r, sh, rel, offset, (int64_t)le64toh((uint64_t)range.place),
			    range.length, &t, &code))
			return false;
		if (!code) /* a source switched off has data, too: nothing to know about it */
			continue;
		a[r->out->nr_ranges++] = (struct ab_image_range){.address = t.address,
								 .length = range.length,
								 .section = t.section,
								 .what = le16toh(range.what)};
	}
	return true;
}

/* Every note of the section must be ours and agree with the first. */
static bool read_notes(struct reader *r, Elf_Data *d)
{
	size_t offset = 0, name, desc;
	GElf_Nhdr nhdr;

	while (offset < d->d_size) {
		struct ab_note note;
		size_t next = gelf_getnote(d, offset, &nhdr, &name, &desc);

		if (!next)
			return bad(r, "malformed note at offset %#zx", offset);
		if (nhdr.n_namesz != sizeof(AB_NOTE_OWNER) || nhdr.n_type != AB_NOTE_TYPE ||
		    nhdr.n_descsz != sizeof(note) ||
		    memcmp((char *)d->d_buf + name, AB_NOTE_OWNER, sizeof(AB_NOTE_OWNER)) != 0)
			return bad(r, "unknown note at offset %#zx", offset);
		memcpy(&note, (char *)d->d_buf + desc, sizeof(note));
		note.version = le32toh(note.version);
		note.isa = le32toh(note.isa);
		note.toolchain = le32toh(note.toolchain);
		if (note.version != AB_FORMAT_VERSION)
			return bad(r, "format version %u, this program reads version %u",
				   note.version, AB_FORMAT_VERSION);
		if (note.isa != r->out->isa)
			return bad(r, "note at offset %#zx is for another instruction set", offset);
		if (!r->out->has_note)
			r->out->note = note;
		r->out->has_note = true;
		offset = next;
	}
	return true;
}

static bool is_site_section(const char *name)
{
	return strcmp(name, AB_SECTION) == 0 || strcmp(name, AB_INIT_SECTION) == 0 ||
	       strcmp(name, AB_EXIT_SECTION) == 0;
}

static bool read_section(struct reader *r, size_t index, const char *name)
{
	bool notes = strcmp(name, AB_NOTE_SECTION) == 0;
	bool ranges = strcmp(name, AB_RANGE_SECTION) == 0;
	Elf_Scn *scn = elf_getscn(r->elf, index);
	struct relocations rel = {0};
	Elf_Data *d;
	GElf_Shdr sh;

	if (!notes && !ranges && !is_site_section(name))
		return true;
	r->name = name;
	if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS || !(d = elf_rawdata(scn, NULL)) ||
	    (sh.sh_size && !d->d_buf) || d->d_size != sh.sh_size)
		return bad(r, "unreadable");
	if (!sh.sh_size)
		return true;
	if (notes)
		return (d = elf_getdata(scn, NULL)) ? read_notes(r, d) : bad(r, "unreadable");
	if (sh.sh_size % sizeof(struct ab_record))
		return bad(r, "size %#llx is no multiple of %zu", (unsigned long long)sh.sh_size,
			   sizeof(struct ab_record));
	if (r->ehdr.e_type == ET_REL && !find_relocations(r, index, &rel))
		return false;
	return ranges ? add_ranges(r, &sh, d, &rel) : add_sites(r, &sh, d, &rel);
}

static int compare_places(uint32_t section_a, uint64_t a, uint32_t section_b, uint64_t b)
{
	if (section_a != section_b)
		return section_a < section_b ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int compare_sites(const void *a, const void *b)
{
	const struct ab_image_site *x = a, *y = b;

	return compare_places(x->section, x->address, y->section, y->address);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct ab_image_range *x = a, *y = b;

	return compare_places(x->section, x->address, y->section, y->address);
}

static bool read_all(struct reader *r)
{
	size_t strings;

	if (elf_kind(r->elf) != ELF_K_ELF || !gelf_getehdr(r->elf, &r->ehdr))
		return bad(r, "not an ELF file");
	if (r->ehdr.e_machine != EM_386 && r->ehdr.e_machine != EM_X86_64)
		return bad(r, "ELF machine %u is neither i386 nor x86-64", r->ehdr.e_machine);
	if (r->ehdr.e_ident[EI_CLASS] != (r->ehdr.e_machine == EM_386 ? ELFCLASS32 : ELFCLASS64))
		return bad(r, "ELF class and machine do not fit (x32 is not supported)");
	if (r->ehdr.e_type != ET_REL && r->ehdr.e_type != ET_EXEC && r->ehdr.e_type != ET_DYN)
		return bad(r, "ELF type %u is neither relocatable, executable nor shared",
			   r->ehdr.e_type);
	r->out->isa = r->ehdr.e_machine == EM_386 ? AB_ISA_I386 : AB_ISA_X86_64;
	if (elf_getshdrnum(r->elf, &r->nr_sections) || elf_getshdrstrndx(r->elf, &strings))
		return bad(r, "unreadable section headers");
	if (!r->nr_sections && r->ehdr.e_shoff)
		return bad(r, "the section headers are not in the file: is it truncated?");
	for (size_t i = 1; i < r->nr_sections; i++) {
		GElf_Shdr sh;
		const char *name;

		r->name = NULL;
		if (!gelf_getshdr(elf_getscn(r->elf, i), &sh))
			return bad(r, "unreadable section header %zu", i);
		name = elf_strptr(r->elf, strings, sh.sh_name);
		if (name && !read_section(r, i, name))
			return false;
	}
	return true;
}

bool ab_records_read(Elf *elf, struct ab_image_records *out, char *error, size_t size)
{
	struct reader r = {.elf = elf, .out = out, .error = error, .size = size};

	memset(out, 0, sizeof(*out));
	if (size)
		error[0] = '\0';
	if (!read_all(&r)) {
		ab_records_free(out);
		return false;
	}
	if (out->nr_sites)
		qsort(out->sites, out->nr_sites, sizeof(*out->sites), compare_sites);
	if (out->nr_ranges)
		qsort(out->ranges, out->nr_ranges, sizeof(*out->ranges), compare_ranges);
	return true;
}

void ab_records_free(struct ab_image_records *r)
{
	free(r->sites);
	free(r->ranges);
	memset(r, 0, sizeof(*r));
}

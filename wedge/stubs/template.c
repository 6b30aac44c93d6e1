/* SPDX-License-Identifier: MIT */
/*
 * A linker for one object file, our own templates.o: a section a template, REL relocations of the
 * two kinds that 32-bit code has (System V ABI, Intel386 supplement, 4.3).
 */
#include <elf.h>
#include "wedge/stubs/template.h"

extern const uint8_t stub_templates[];

static const Elf32_Ehdr *object(void)
{
	return (const Elf32_Ehdr *)(const void *)stub_templates;
}

static const Elf32_Shdr *section(unsigned index)
{
	return (const Elf32_Shdr *)(const void *)(stub_templates + object()->e_shoff) + index;
}

static bool equal(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

static const char *section_name(const Elf32_Shdr *s)
{
	return (const char *)stub_templates + section(object()->e_shstrndx)->sh_offset + s->sh_name;
}

/* Index of section ".t.NAME", or 0. */
static unsigned find(const char *name)
{
	for (unsigned i = 1; i < object()->e_shnum; i++) {
		const char *s = section_name(section(i));
		if (s[0] == '.' && s[1] == 't' && s[2] == '.' && equal(s + 3, name))
			return i;
	}
	return 0;
}

static bool symbol_value(const char *name, const struct template_symbols *v, uint32_t *value)
{
	const struct {
		const char *name;
		uint32_t value;
	} table[] = {
	    {"WIN", v->win},           {"GATE", v->gate},
	    {"SITE_ID", v->site_id},   {"SITE_END", v->site_end},
	    {"COUNTER", v->counter},   {"SEG_SEL", v->seg_sel},
	    {"SEG_HOST", v->seg_host}, {"SEG_USER_HOST", v->seg_user_host},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (equal(table[i].name, name)) {
			*value = table[i].value;
			return true;
		}
	}
	return false;
}

static bool relocate(const Elf32_Shdr *rel, const struct template_symbols *v, uint32_t at,
		     uint8_t *out)
{
	const Elf32_Shdr *symtab = section(rel->sh_link);
	const Elf32_Sym *symbols =
	    (const Elf32_Sym *)(const void *)(stub_templates + symtab->sh_offset);
	const char *names = (const char *)stub_templates + section(symtab->sh_link)->sh_offset;
	const Elf32_Rel *r = (const Elf32_Rel *)(const void *)(stub_templates + rel->sh_offset);

	for (size_t i = 0; i < rel->sh_size / sizeof *r; i++) {
		uint32_t value, addend;

		if (!symbol_value(names + symbols[ELF32_R_SYM(r[i].r_info)].st_name, v, &value))
			return false;
		__builtin_memcpy(&addend, out + r[i].r_offset, 4);
		value += addend;
		if (ELF32_R_TYPE(r[i].r_info) == R_386_PC32)
			value -= at + r[i].r_offset;
		else if (ELF32_R_TYPE(r[i].r_info) != R_386_32)
			return false;
		__builtin_memcpy(out + r[i].r_offset, &value, 4);
	}
	return true;
}

size_t template_copy(const char *name, const struct template_symbols *symbols, uint32_t at,
		     uint8_t *out, size_t room)
{
	unsigned index = find(name);
	const Elf32_Shdr *s = section(index);

	if (!index || s->sh_size > room)
		return 0;
	__builtin_memcpy(out, stub_templates + s->sh_offset, s->sh_size);
	for (unsigned i = 1; i < object()->e_shnum; i++)
		if (section(i)->sh_type == SHT_REL && section(i)->sh_info == index &&
		    !relocate(section(i), symbols, at, out))
			return 0;
	return s->sh_size;
}

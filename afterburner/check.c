/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "afterburner/check.h"

#include "afterburner/disassemble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* State of the sweep over one section. */
struct sweep {
	const struct code *code;
	const struct code_section *section;
	struct check_report *report;
	struct disassembler **disassemblers; /* by enum code_mode, made when needed */
	size_t site, site_end;               /* records of this section */
	size_t symbol, symbol_end;           /* next symbol, as the sweep goes on */
	bool *seen;                          /* by record: the sweep met its instruction */
};

const char *defect_name(enum defect d)
{
	static const char *const names[] = {"missed", "wrong",     "padding",        "overlap",
					    "branch", "reference", "left as written"};

	return names[d];
}

static void finding(struct sweep *s, enum defect what, uint64_t address, const char *text)
{
	s->report->finding(s->report->arg, what, s->section->index, address, text);
}

static struct disassembler *in_mode(struct sweep *s, enum code_mode mode)
{
	if (!s->disassemblers[mode])
		s->disassemblers[mode] = disassembler_new(mode);
	return s->disassemblers[mode];
}

/* What the ranges say of an address. */
struct context {
	enum code_mode mode;
	bool off, user;
};

static struct context context_at(const struct sweep *s, uint64_t address)
{
	const struct ab_image_records *r = &s->code->records;
	struct context x = {.mode = r->isa == AB_ISA_I386 ? CODE_32 : CODE_64};

	for (size_t i = 0; i < r->nr_ranges; i++) {
		const struct ab_image_range *range = &r->ranges[i];

		if (range->section != s->section->index || address < range->address ||
		    address - range->address >= range->length)
			continue;
		x.off |= range->what == AB_RANGE_OFF || range->what == AB_RANGE_CODE16 ||
			 range->what == AB_RANGE_CODE64;
		x.user |= range->what == AB_RANGE_USER;
		if (range->what == AB_RANGE_CODE16)
			x.mode = CODE_16;
		else if (range->what == AB_RANGE_CODE32)
			x.mode = CODE_32;
		else if (range->what == AB_RANGE_CODE64)
			x.mode = CODE_64;
	}
	return x;
}

static void decode(struct sweep *s, enum code_mode mode, uint64_t address, struct code_insn *out)
{
	const struct code_section *c = s->section;

	disassemble(in_mode(s, mode), c->bytes, c->size, c->base, address - c->base, out);
}

/* The record whose slot holds the address strictly behind its start; null if none. */
static const struct ab_image_site *slot_around(const struct code *c, uint32_t section,
					       uint64_t address)
{
	const struct ab_image_records *r = &c->records;
	size_t low = 0, high = r->nr_sites;
	const struct ab_image_site *site;

	while (low < high) {
		size_t middle = (low + high) / 2;

		site = &r->sites[middle];
		if (site->section < section ||
		    (site->section == section && site->address < address))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	site = &r->sites[low - 1];
	if (site->section != section || address - site->address >= site->slot_len)
		return NULL;
	/* The `int` behind its padding stays where it is: system calls are restarted there. */
	if (site->kind == AB_INT && (site->flags & AB_F_PAD_BEFORE) &&
	    address == site->address + site->insn_off)
		return NULL;
	return site;
}

static void into_slot(struct sweep *s, enum defect what, uint64_t from, uint32_t section,
		      uint64_t to, const char *text)
{
	const struct ab_image_site *site = slot_around(s->code, section, to);
	char line[256];

	if (!site)
		return;
	snprintf(line, sizeof(line), "%s: %#llx is in the slot of `%s' at %#llx", text,
		 (unsigned long long)to, ab_kind_name(site->kind),
		 (unsigned long long)site->address);
	finding(s, what, from, line);
}

/* The relocation of a field, null if it has none. */
static const struct code_reference *reference_at(const struct code *c, uint32_t section,
						 uint64_t address)
{
	size_t low = 0, high = c->nr_references;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct code_reference *r = &c->references[middle];

		if (r->from_section == section && r->from == address)
			return r;
		if (r->from_section < section || (r->from_section == section && r->from < address))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void check_branch(struct sweep *s, uint64_t address, const struct code_insn *insn)
{
	const struct code *c = s->code;

	if (c->ehdr.e_type == ET_REL && insn->length >= 5) {
		uint64_t field = address + insn->length - 4;
		const struct code_reference *r = reference_at(c, s->section->index, field);

		/* Relative to the end of the field. */
		if (r)
			into_slot(s, DEFECT_BRANCH, address, r->section, r->address + 4,
				  insn->text);
		if (r || insn->target == address + insn->length)
			return;
	}
	for (size_t i = 0; i < c->nr_sections; i++) {
		const struct code_section *to = &c->sections[i];

		if (c->ehdr.e_type == ET_REL && to != s->section)
			continue;
		if (insn->target >= to->base && insn->target - to->base < to->size)
			into_slot(s, DEFECT_BRANCH, address, to->index, insn->target, insn->text);
	}
}

/* The record whose instruction is at the address. */
static size_t record_of(struct sweep *s, uint64_t address)
{
	const struct ab_image_site *sites = s->code->records.sites;

	while (s->site < s->site_end && sites[s->site].address + sites[s->site].insn_off < address)
		s->site++;
	if (s->site < s->site_end && sites[s->site].address + sites[s->site].insn_off == address)
		return s->site;
	return s->site_end;
}

static void check_sensitive(struct sweep *s, const struct context *x, uint64_t address,
			    const struct code_insn *insn)
{
	size_t i = record_of(s, address);
	const struct ab_image_site *site;
	char line[256];

	if (i == s->site_end) {
		finding(s, x->off || x->user ? LEFT_AS_WRITTEN : DEFECT_MISSED, address,
			insn->text);
		return;
	}
	site = &s->code->records.sites[i];
	s->seen[i] = true;
	if (site->kind == insn->kind && site->insn_len == insn->length)
		return;
	snprintf(line, sizeof(line), "%s: recorded as `%s' of %u bytes, is %u", insn->text,
		 ab_kind_name(site->kind), site->insn_len, insn->length);
	finding(s, DEFECT_WRONG, address, line);
}

/* An ordinary instruction: no defect without a record, but what has one must be as it says. */
static void check_memory(struct sweep *s, uint64_t address, const struct code_insn *insn)
{
	size_t i = record_of(s, address);

	if (i != s->site_end && s->code->records.sites[i].kind == AB_MEM &&
	    s->code->records.sites[i].insn_len == insn->length)
		s->seen[i] = true;
}

/*
 * Where the sweep must not read on: the next symbol, from which all goes on in step again. If data
 * stands at the address, *data_end is where it ends.
 */
static uint64_t next_symbol(struct sweep *s, uint64_t address, uint64_t *data_end)
{
	const struct code_symbol *symbols = s->code->symbols;

	*data_end = 0;
	for (; s->symbol < s->symbol_end && symbols[s->symbol].address <= address; s->symbol++) {
		const struct code_symbol *d = &symbols[s->symbol];

		if (d->data && d->address + d->size > *data_end)
			*data_end = d->address + d->size;
	}
	return s->symbol < s->symbol_end ? symbols[s->symbol].address : UINT64_MAX;
}

static void sweep_section(struct sweep *s)
{
	const struct code_section *c = s->section;
	uint64_t address = c->base, end = c->base + c->size, data_end, next;
	struct code_insn insn;

	while (address < end) {
		struct context x;

		next = next_symbol(s, address, &data_end);
		if (data_end > address) {
			address = data_end;
			continue;
		}
		x = context_at(s, address);
		decode(s, x.mode, address, &insn);
		s->report->instructions++;
		if (insn.kind != AB_KIND_NONE)
			check_sensitive(s, &x, address, &insn);
		else if (insn.memory)
			check_memory(s, address, &insn);
		if (insn.branch && x.mode != CODE_16)
			check_branch(s, address, &insn);
		address = address + insn.length > next ? next : address + insn.length;
	}
	s->report->code += c->size;
}

/* The bytes of a slot beside the instruction must be NOPs. */
static bool only_nops(struct sweep *s, enum code_mode mode, uint64_t from, uint64_t to)
{
	struct code_insn insn;

	while (from < to) {
		decode(s, mode, from, &insn);
		if (!insn.nop || from + insn.length > to)
			return false;
		from += insn.length;
	}
	return true;
}

/* `int` has its long slot only where the padding stands before it. */
static unsigned fewest_bytes(const struct ab_image_site *site)
{
	bool short_int = site->kind == AB_INT && !(site->flags & AB_F_PAD_BEFORE);

	return short_int ? 5 : ab_kind_info[site->kind].slot;
}

static void check_slot(struct sweep *s, size_t i)
{
	const struct ab_image_site *site = &s->code->records.sites[i];
	uint64_t insn_at = site->address + site->insn_off, after = insn_at + site->insn_len;
	struct context x = context_at(s, site->address);
	struct code_insn insn;
	char line[256];

	if (!s->seen[i]) {
		decode(s, x.mode, insn_at, &insn);
		snprintf(line, sizeof(line),
			 "%s: recorded as `%s', but no such instruction starts here", insn.text,
			 ab_kind_name(site->kind));
		finding(s, DEFECT_WRONG, insn_at, line);
	}
	if (site->slot_len < fewest_bytes(site)) {
		snprintf(line, sizeof(line), "slot of %u bytes, `%s' needs %u", site->slot_len,
			 ab_kind_name(site->kind), fewest_bytes(site));
		finding(s, DEFECT_PADDING, site->address, line);
	}
	if (!only_nops(s, x.mode, site->address, insn_at) ||
	    !only_nops(s, x.mode, after, site->address + site->slot_len))
		finding(s, DEFECT_PADDING, site->address,
			"the slot holds more than the instruction and NOPs");
	if (i + 1 < s->site_end && site[1].address < site->address + site->slot_len) {
		snprintf(line, sizeof(line), "the slots of `%s' at %#llx and `%s' at %#llx overlap",
			 ab_kind_name(site->kind), (unsigned long long)site->address,
			 ab_kind_name(site[1].kind), (unsigned long long)site[1].address);
		finding(s, DEFECT_OVERLAP, site->address, line);
	}
}

/* Symbols that point into slots. */
static void check_symbols(struct sweep *s, size_t first)
{
	for (size_t i = first; i < s->symbol_end; i++) {
		const struct code_symbol *symbol = &s->code->symbols[i];
		char line[160];

		snprintf(line, sizeof(line), "symbol %s", symbol->name);
		into_slot(s, DEFECT_REFERENCE, symbol->address, symbol->section, symbol->address,
			  line);
	}
}

/* Addresses of code that data and instructions hold. */
static void check_references(struct sweep *s)
{
	const struct code *c = s->code;

	for (size_t i = 0; i < c->nr_references; i++) {
		const struct code_reference *r = &c->references[i];

		if (r->section == s->section->index && !r->relative)
			into_slot(s, DEFECT_REFERENCE, r->address, r->section, r->address,
				  "relocation");
	}
}

static bool skipped(const struct check_report *report, const char *name)
{
	for (const char *const *p = report->skip; p && *p; p++)
		if (strcmp(*p, name) == 0)
			return true;
	return false;
}

static void check_section(struct sweep *s)
{
	const struct ab_image_records *r = &s->code->records;
	size_t first_site, first_symbol;

	for (s->site = 0; s->site < r->nr_sites && r->sites[s->site].section < s->section->index;)
		s->site++;
	for (s->site_end = s->site;
	     s->site_end < r->nr_sites && r->sites[s->site_end].section == s->section->index;)
		s->site_end++;
	for (s->symbol = 0; s->symbol < s->code->nr_symbols &&
			    s->code->symbols[s->symbol].section < s->section->index;)
		s->symbol++;
	for (s->symbol_end = s->symbol;
	     s->symbol_end < s->code->nr_symbols &&
	     s->code->symbols[s->symbol_end].section == s->section->index;)
		s->symbol_end++;
	first_site = s->site;
	first_symbol = s->symbol;
	sweep_section(s);
	for (size_t i = first_site; i < s->site_end; i++)
		check_slot(s, i);
	check_symbols(s, first_symbol);
	check_references(s);
}

void check_code(const struct code *c, struct check_report *report)
{
	struct disassembler *disassemblers[CODE_64 + 1] = {NULL};
	bool *seen = calloc(c->records.nr_sites + 1, sizeof(*seen));

	if (!seen) {
		fputs("afterburn: out of memory\n", stderr);
		exit(2);
	}
	for (size_t i = 0; i < c->nr_sections; i++) {
		struct sweep s = {.code = c,
				  .section = &c->sections[i],
				  .report = report,
				  .disassemblers = disassemblers,
				  .seen = seen};

		if (!skipped(report, c->sections[i].name))
			check_section(&s);
	}
	for (size_t i = 0; i <= CODE_64; i++)
		if (disassemblers[i])
			disassembler_free(disassemblers[i]);
	free(seen);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading records. A record is a claim about the image; each part of it is checked here against the
 * bytes, so that the rewriter patches only what is a padded instruction of the length it was told.
 */
#include "loader/sites.h"

#include "afterburner/records.h"
#include "loader/match.h"
#include "loader/message.h"

#include <stdlib.h>
#include <string.h>

#define JUMP_LENGTH 5u
#define FLAGS_KNOWN (AB_F_CODE32 | AB_F_PAD_BEFORE | AB_F_USER)

/*
 * Is it padding? Only the NOPs of SDM vol. 2, NOP: 90 and 0F 1F /0, with operand-size prefixes. All
 * others must be taken for code of the guest's.
 */
static bool is_padding(const uint8_t *p, size_t size)
{
	while (size) {
		size_t n = 0;

		while (n < size && p[n] == 0x66)
			n++;
		if (n < size && p[n] == 0x90) {
			n++;
		} else if (n + 3 <= size && p[n] == 0x0f && p[n + 1] == 0x1f) {
			unsigned mod = p[n + 2] >> 6, rm = p[n + 2] & 7;

			if (mod == 3)
				return false;
			n += 3 + (rm == 4) + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
		} else {
			return false;
		}
		if (n > size)
			return false;
		p += n;
		size -= n;
	}
	return true;
}

/* A refused record: where it stands, and what it is about. */
static bool bad(const struct image *img, uint64_t offset, const struct site *s, const char *why)
{
	const struct section *sec = image_section_at(img, s->slot);

	return refuse(img->path, "%s+0x%llx: %s at 0x%x%s%s: %s", AB_SECTION,
		      (unsigned long long)offset, ab_kind_name(s->kind), s->slot, sec ? " in " : "",
		      sec ? sec->name : "", why);
}

static const char *check_shape(const struct ab_image_site *r)
{
	const struct ab_kind_info *kind = &ab_kind_info[r->kind];

	if (!(kind->isas & AB_ISAS_I386))
		return "its kind is not an i386 instruction";
	if (r->flags & ~FLAGS_KNOWN)
		return "unknown flag";
	if (!(r->flags & AB_F_CODE32))
		return "not 32-bit code";
	/* An `int` right behind `sti` is padded behind it, and needs no more than the jump. */
	if (r->slot_len < JUMP_LENGTH || (r->slot_len < kind->slot && (r->flags & AB_F_PAD_BEFORE ||
								       kind->pad != AB_PAD_BEFORE)))
		return "slot is too short for its kind";
	if (r->insn_off && !(r->flags & AB_F_PAD_BEFORE))
		return "padding is not where the flags say";
	return NULL;
}

static const char *check_place(const struct image *img, const struct site *s, const uint8_t **bytes)
{
	const struct load_segment *seg = image_segment(img, s->slot, s->slot_len);

	if (!seg)
		return "not in the file's bytes of any segment";
	*bytes = seg->data + (s->slot - seg->vaddr);
	return NULL;
}

static const char *decode(const struct ab_image_site *r, const uint8_t *bytes, struct site *s)
{
	size_t behind = r->insn_off + r->insn_len;

	if (!insn_decode(bytes + r->insn_off, r->insn_len, &s->insn))
		return "holds no valid instruction of that length";
	if (s->insn.length != r->insn_len)
		return "instruction has another length";
	if (!instruction_is(&s->insn, r->kind))
		return "holds an instruction of another kind";
	if (!is_padding(bytes, r->insn_off) || !is_padding(bytes + behind, r->slot_len - behind))
		return "rest of the slot is not padding";
	return NULL;
}

static bool check_site(const struct image *img, const struct ab_image_site *r, struct site *s)
{
	const uint8_t *bytes;
	const char *why;

	*s = (struct site){
	    .slot = (uint32_t)r->address,
	    .kind = r->kind,
	    .insn_off = r->insn_off,
	    .slot_len = r->slot_len,
	    .flags = r->flags,
	};
	why = check_shape(r);
	if (!why)
		why = check_place(img, s, &bytes);
	if (!why)
		why = decode(r, bytes, s);
	return why ? bad(img, r->record, s, why) : true;
}

static int by_address(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Records come by section; sites are searched by address. */
static bool order(const struct image *img, struct site *sites, size_t count)
{
	bool ordered = true;

	for (size_t i = 1; i < count && ordered; i++)
		ordered = sites[i - 1].slot <= sites[i].slot;
	if (!ordered)
		qsort(sites, count, sizeof(*sites), by_address);
	for (size_t i = 1; i < count; i++)
		if (sites[i].slot - sites[i - 1].slot < sites[i - 1].slot_len)
			return refuse(img->path, "%s: slots 0x%x and 0x%x overlap", AB_SECTION,
				      sites[i - 1].slot, sites[i].slot);
	return true;
}

static bool check_sites(const struct image *img, const struct ab_image_records *records,
			struct site *sites)
{
	for (size_t i = 0; i < records->nr_sites; i++)
		if (!check_site(img, &records->sites[i], &sites[i]))
			return false;
	return order(img, sites, records->nr_sites);
}

static bool read_records(const struct image *img, struct ab_image_records *records)
{
	char error[256];

	if (!img->elf)
		return refuse(img->path, "is a flat file without records");
	if (!image_section(img, AB_SECTION))
		return refuse(img->path, "has no %s section: build it with afterburn cc",
			      AB_SECTION);
	if (!ab_records_read(img->elf, records, error, sizeof(error)))
		return refuse(img->path, "%s", error);
	if (!records->has_note) {
		ab_records_free(records);
		return refuse(img->path, "has no %s section: format of the records is unknown",
			      AB_NOTE_SECTION);
	}
	return true;
}

bool sites_read(const struct image *img, struct site **sites, uint32_t *count)
{
	struct ab_image_records records;
	bool good;

	if (!read_records(img, &records))
		return false;
	*count = (uint32_t)records.nr_sites;
	*sites = calloc(records.nr_sites + 1, sizeof(**sites));
	good = *sites ? check_sites(img, &records, *sites)
		      : refuse(img->path, "no memory for %zu sites", records.nr_sites);
	if (!good) {
		free(*sites);
		*sites = NULL;
		*count = 0;
	}
	ab_records_free(&records);
	return good;
}

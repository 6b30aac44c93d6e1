/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading records. A record is a claim about the image; each part of it is checked here against the
 * bytes, so that the rewriter patches only what is a padded instruction of the length it was told.
 */
#include "loader/sites.h"

#include "afterburner/records.h"
#include "loader/message.h"
#include "wedge/core/record.h"

#include <stdlib.h>
#include <string.h>

/* A refused record: where it stands, and what it is about. */
static bool bad(const struct image *img, uint64_t offset, const struct site *s, const char *why)
{
	const struct section *sec = image_section_at(img, s->slot);

	return refuse(img->path, "%s+0x%llx: %s at 0x%x%s%s: %s", AB_SECTION,
		      (unsigned long long)offset, ab_kind_name(s->kind), s->slot, sec ? " in " : "",
		      sec ? sec->name : "", why);
}

static const char *check_place(const struct image *img, const struct site *s, const uint8_t **bytes)
{
	const struct load_segment *seg = image_segment(img, s->slot, s->slot_len);

	if (!seg)
		return "not in the file's bytes of any segment";
	*bytes = seg->data + (s->slot - seg->vaddr);
	return NULL;
}

static bool check_site(const struct image *img, const struct ab_image_site *r, struct site *s)
{
	const struct ab_record record = {
	    .kind = r->kind,
	    .insn_off = r->insn_off,
	    .insn_len = r->insn_len,
	    .slot_len = r->slot_len,
	    .flags = r->flags,
	};
	const uint8_t *bytes;
	const char *why;

	*s = (struct site){.slot = (uint32_t)r->address, .kind = r->kind, .slot_len = r->slot_len};
	why = record_check(&record);
	if (!why)
		why = check_place(img, s, &bytes);
	if (!why)
		why = record_decode(&record, bytes, s);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer: records in memory, as hostile as a module's author likes. The input is the contents of
 * a text page and of a page of records, whose marks are given, and entries of the page table. The
 * text is entered, written, entered again. What is rewritten must come back as it was.
 */
#include "tests/unit/late.h"

#define TEXT 0x20000u
#define PAGES 4u
#define PAGE 0x1000u
#define RECORDS (TEXT + 2 * PAGE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t next(const uint8_t **data, size_t *size)
{
	return *size ? (--*size, *(*data)++) : 0;
}

/* A record out of 8 bytes of input: mostly near the text. */
static void add_record(struct machine *m, uint32_t at, const uint8_t **data, size_t *size)
{
	struct ab_record r = {.reserved = AB_MARK};
	uint32_t offset = next(data, size);

	offset |= (uint32_t)next(data, size) << 8;
	late_record(m, at, TEXT - 16 + offset % (3 * PAGE), AB_CLI, 5);
	memcpy(&r, m->ram + at, sizeof(r));
	r.kind = next(data, size);
	r.insn_off = next(data, size);
	r.insn_len = next(data, size);
	r.slot_len = next(data, size);
	r.flags = next(data, size);
	if (next(data, size) & 0x80)
		r.place ^= 0x80000000;
	memcpy(m->ram + at, &r, sizeof(r));
}

static void enter(struct vcpu *v, uint32_t linear)
{
	v->eip = linear;
	v->fault.raised = false;
	(void)shadow_fault(v, linear, ACCESS_FETCH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t before[PAGES * PAGE];
	static struct machine *m; /* its size makes a new one slow */
	uint8_t layout = next(&data, &size), records = next(&data, &size) % 64;

	stub_reset();
	m = m ? m : late_machine();
	shadow_reset(m);
	memset(m->ram + TEXT, 0, PAGES * PAGE);
	for (uint32_t i = 0; i < PAGES; i++)
		guest_map(&m->cpu, TEXT + i * PAGE,
			  (TEXT + (layout >> 2 * i & 3) * PAGE) | (layout & 0x10 ? 1 : 3));
	for (unsigned i = 0; i < records; i++)
		add_record(m, RECORDS + i * 20, &data, &size);
	memcpy(m->ram + TEXT, data, size < 2 * PAGE ? size : 2 * PAGE);
	memcpy(before, m->ram + TEXT, sizeof(before));
	for (uint32_t i = 0; i < PAGES; i++) {
		enter(&m->cpu, TEXT + i * PAGE);
		for (uint32_t at = TEXT; at < TEXT + PAGES * PAGE; at += 61)
			(void)machine_site_at(m, at);
	}
	code_changed(m, TEXT, PAGES * PAGE);
	if (memcmp(before, m->ram + TEXT, sizeof(before)))
		abort();
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Segment registers and descriptors: loads with their checks, access checks, LAR LSL VERR VERW. */
#include "wedge/core/segment.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/platform.h"

uint32_t desc_base(uint64_t d)
{
	return ((d >> 16) & 0xffffff) | ((d >> 32) & 0xff000000);
}

uint32_t desc_limit(uint64_t d)
{
	uint32_t limit = (d & 0xffff) | ((d >> 32) & 0xf0000);

	return d & DESC_G ? limit << 12 | 0xfff : limit;
}

/* Where a selector's descriptor stands; false if it lies beyond the table. */
static bool descriptor_address(const struct vcpu *v, uint16_t sel, uint32_t *address)
{
	uint32_t offset = sel & 0xfff8u;
	uint32_t limit = v->gdtr.limit;

	*address = v->gdtr.base + offset;
	if (sel & SELECTOR_TI) {
		if (!v->ldtr.usable)
			return false;
		limit = v->ldtr.limit;
		*address = v->ldtr.base + offset;
	}
	return offset + 7 <= limit;
}

bool segment_descriptor(struct vcpu *v, uint16_t sel, uint64_t *desc)
{
	uint32_t address;

	return descriptor_address(v, sel, &address) && mmu_read(v, address, desc, 8, 0);
}

bool segment_write_descriptor(struct vcpu *v, uint16_t sel, uint64_t desc)
{
	uint32_t address;
	uint8_t access = desc >> 40;

	descriptor_address(v, sel, &address);
	return mmu_write(v, address + 5, &access, 1, 0);
}

bool segment_mark_accessed(struct vcpu *v, uint16_t sel, uint64_t *desc)
{
	if (*desc & DESC_A)
		return true;
	*desc |= DESC_A;
	return segment_write_descriptor(v, sel, *desc);
}

void segment_fill(struct segment *s, uint16_t sel, uint64_t desc)
{
	uint16_t host = s->host;

	*s = (struct segment){.sel = sel, .host = host};
	if (!desc)
		return;
	s->base = desc_base(desc);
	s->limit = desc_limit(desc);
	s->desc = desc;
	s->usable = true;
}

void segment_set(struct vcpu *v, enum segreg s, uint16_t sel, uint64_t desc)
{
	segment_fill(&v->seg[s], sel, desc);
	platform_segment(v, s);
}

/* Read a descriptor that must lie in its table; beyond it: #GP(selector). */
static bool must_read(struct vcpu *v, uint16_t sel, uint64_t *desc)
{
	if (segment_descriptor(v, sel, desc))
		return true;
	return v->fault.raised ? false : vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
}

static bool check_stack(struct vcpu *v, uint16_t sel, uint64_t desc)
{
	if (selector_rpl(sel) != v->cpl || !desc_is_writable_data(desc) || desc_dpl(desc) != v->cpl)
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_SS, sel & SELECTOR_ERROR);
	if (!(desc & DESC_DB) && v->cpl < 3)
		guest_unsupported(v, "16-bit stack segment %#x in the kernel", sel);
	return true;
}

static bool check_data(struct vcpu *v, uint16_t sel, uint64_t desc)
{
	bool readable = (desc & DESC_S) && (!(desc & DESC_X) || (desc & DESC_W));
	unsigned dpl = desc_dpl(desc);

	if (!readable)
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!desc_is_conforming(desc) && (selector_rpl(sel) > dpl || v->cpl > dpl))
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_NP, sel & SELECTOR_ERROR);
	return true;
}

bool segment_load(struct vcpu *v, enum segreg s, uint16_t sel)
{
	uint64_t desc = 0;

	if (selector_null(sel)) {
		if (s == SEG_SS)
			return vcpu_raise(v, VEC_GP, 0);
		segment_set(v, s, sel, 0);
		return true;
	}
	if (!must_read(v, sel, &desc))
		return false;
	if (!(s == SEG_SS ? check_stack : check_data)(v, sel, desc))
		return false;
	if (!segment_mark_accessed(v, sel, &desc))
		return false;
	segment_set(v, s, sel, desc);
	return true;
}

bool segment_load_ldt(struct vcpu *v, uint16_t sel)
{
	uint64_t desc = 0;

	if (!selector_null(sel)) {
		if (sel & SELECTOR_TI)
			return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
		if (!must_read(v, sel, &desc))
			return false;
		if (desc_system(desc) != DESC_LDT)
			return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
		if (!(desc & DESC_P))
			return vcpu_raise(v, VEC_NP, sel & SELECTOR_ERROR);
	}
	segment_fill(&v->ldtr, sel, desc);
	platform_tables(v);
	return true;
}

bool segment_load_tr(struct vcpu *v, uint16_t sel)
{
	uint64_t desc;

	if (selector_null(sel))
		return vcpu_raise(v, VEC_GP, 0);
	if (sel & SELECTOR_TI)
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!must_read(v, sel, &desc))
		return false;
	if (desc_system(desc) == DESC_TSS16)
		guest_unsupported(v, "16-bit TSS %#x", sel);
	if (desc_system(desc) != DESC_TSS)
		return vcpu_raise(v, VEC_GP, sel & SELECTOR_ERROR);
	if (!(desc & DESC_P))
		return vcpu_raise(v, VEC_NP, sel & SELECTOR_ERROR);
	desc |= DESC_W; /* the busy bit: type 9 becomes 11 */
	if (!segment_write_descriptor(v, sel, desc))
		return false;
	segment_fill(&v->tr, sel, desc);
	platform_tables(v);
	return true;
}

/* Expand-down segments hold the offsets *above* their limit, SDM vol. 3, 3.4.5.1. */
static bool within_limit(const struct segment *s, uint32_t offset, uint32_t size)
{
	uint32_t last = offset + size - 1;
	bool expand_down = (s->desc & (DESC_X | DESC_E)) == DESC_E;

	if (!expand_down && s->limit == 0xffffffff)
		return true; /* a flat segment wraps at 4 GiB */
	if (last < offset)
		return false;
	if (!expand_down)
		return last <= s->limit;
	return offset > s->limit && last <= (s->desc & DESC_DB ? 0xffffffffu : 0xffffu);
}

bool segment_allows(const struct segment *s, uint32_t offset, uint32_t size, bool write)
{
	bool code = s->desc & DESC_X, w = s->desc & DESC_W;

	if (!s->usable)
		return false;
	if (write ? code || !w : code && !w)
		return false;
	return within_limit(s, offset, size);
}

bool segment_linear(struct vcpu *v, enum segreg s, uint32_t offset, uint32_t size, bool write,
		    uint32_t *linear)
{
	const struct segment *seg = &v->seg[s];

	if (!segment_allows(seg, offset, size, write))
		return vcpu_raise(v, s == SEG_SS ? VEC_SS : VEC_GP, 0);
	*linear = seg->base + offset;
	return true;
}

/* What LAR, LSL, VERR and VERW share: a descriptor that is there and visible from here. */
static bool visible(struct vcpu *v, uint16_t sel, uint64_t *desc)
{
	if (selector_null(sel) || !segment_descriptor(v, sel, desc))
		return false;
	if (desc_is_conforming(*desc))
		return true;
	return v->cpl <= desc_dpl(*desc) && selector_rpl(sel) <= desc_dpl(*desc);
}

/* Bit n: system type n is valid (SDM vol. 2, LAR table 3-53, LSL table 3-56). */
#define LAR_TYPES (1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 9 | 1u << 11 | 1u << 12)
#define LSL_TYPES (1u << 1 | 1u << 2 | 1u << 3 | 1u << 9 | 1u << 11)

bool segment_lar(struct vcpu *v, uint16_t sel, uint32_t *value)
{
	uint64_t desc;

	if (!visible(v, sel, &desc))
		return false;
	if (!(desc & DESC_S) && !(LAR_TYPES >> desc_type(desc) & 1))
		return false;
	*value = (desc >> 32) & 0x00f0ff00;
	return true;
}

bool segment_lsl(struct vcpu *v, uint16_t sel, uint32_t *value)
{
	uint64_t desc;

	if (!visible(v, sel, &desc))
		return false;
	if (!(desc & DESC_S) && !(LSL_TYPES >> desc_type(desc) & 1))
		return false;
	*value = desc_limit(desc);
	return true;
}

bool segment_verify(struct vcpu *v, uint16_t sel, bool write)
{
	uint64_t desc;

	if (!visible(v, sel, &desc) || !(desc & DESC_S))
		return false;
	if (write)
		return desc_is_writable_data(desc);
	return !(desc & DESC_X) || (desc & DESC_W);
}

/* SPDX-License-Identifier: MIT */
/* Descriptor tables and segment registers, SDM vol. 3, chapters 3 and 5. */
#ifndef WEDGE_CORE_SEGMENT_H
#define WEDGE_CORE_SEGMENT_H

#include "wedge/core/vcpu.h"

#define SELECTOR_TI 4u         /* the table is the LDT */
#define SELECTOR_ERROR 0xfffcu /* the part of a selector that error codes hold */
static inline bool selector_null(uint16_t sel)
{
	return !(sel & SELECTOR_ERROR);
}
static inline unsigned selector_rpl(uint16_t sel)
{
	return sel & 3;
}

/* Types of system descriptors, SDM vol. 3, table 3-2. */
enum desc_system {
	DESC_TSS16 = 1,
	DESC_LDT = 2,
	DESC_TSS16_BUSY = 3,
	DESC_CALL_GATE16 = 4,
	DESC_TASK_GATE = 5,
	DESC_INTERRUPT_GATE16 = 6,
	DESC_TRAP_GATE16 = 7,
	DESC_TSS = 9,
	DESC_TSS_BUSY = 11,
	DESC_CALL_GATE = 12,
	DESC_INTERRUPT_GATE = 14,
	DESC_TRAP_GATE = 15,
};

#define DESC_A (1ull << 40)
#define DESC_W (1ull << 41) /* data: writable; code: readable */
#define DESC_E (1ull << 42) /* data: expand down; code: conforming */
#define DESC_X (1ull << 43) /* code */
#define DESC_S (1ull << 44) /* code or data, not system */
#define DESC_P (1ull << 47)
#define DESC_DB (1ull << 54)
#define DESC_G (1ull << 55)

static inline unsigned desc_dpl(uint64_t d)
{
	return (d >> 45) & 3;
}
static inline unsigned desc_type(uint64_t d)
{
	return (d >> 40) & 15;
}
static inline bool desc_is_code(uint64_t d)
{
	return (d & (DESC_S | DESC_X)) == (DESC_S | DESC_X);
}
static inline bool desc_is_conforming(uint64_t d)
{
	return desc_is_code(d) && (d & DESC_E);
}
static inline bool desc_is_writable_data(uint64_t d)
{
	return (d & (DESC_S | DESC_X | DESC_W)) == (DESC_S | DESC_W);
}
/* The type of a system descriptor; 0 (reserved) for code and data. */
static inline unsigned desc_system(uint64_t d)
{
	return d & DESC_S ? 0 : desc_type(d);
}
uint32_t desc_base(uint64_t d);
uint32_t desc_limit(uint64_t d); /* in bytes, granularity applied */

/* Read the descriptor a selector names from the GDT or LDT. False: out of the table's limit (no
 * fault raised) or the read faulted (v->fault set). */
bool segment_descriptor(struct vcpu *v, uint16_t sel, uint64_t *desc);

/*
 * Load a segment register as `mov` does it: all checks of SDM vol. 2 MOV, the accessed bit, the
 * platform told. On false v->fault is set and nothing changed. SEG_CS is not loaded by this.
 */
bool segment_load(struct vcpu *v, enum segreg s, uint16_t sel);
/* Set a register without checks from a descriptor in hand; the platform is told. */
void segment_set(struct vcpu *v, enum segreg s, uint16_t sel, uint64_t desc);
/* A descriptor into a register, the platform not told yet: for those that set several. */
void segment_fill(struct segment *s, uint16_t sel, uint64_t desc);
bool segment_load_ldt(struct vcpu *v, uint16_t sel);
bool segment_load_tr(struct vcpu *v, uint16_t sel);

/* Does the segment allow this access: usable, of the right type, within its limit (SDM vol.
 * 3, 5.3-5.4)? */
bool segment_allows(const struct segment *s, uint32_t offset, uint32_t size, bool write);

/* Set the accessed bit of a code or data descriptor, in *desc and in the table. False: v->fault is
 * set. */
bool segment_mark_accessed(struct vcpu *v, uint16_t sel, uint64_t *desc);
/* Write a descriptor back into the GDT (the busy bit of a TSS). */
bool segment_write_descriptor(struct vcpu *v, uint16_t sel, uint64_t desc);

/*
 * Check an access through a segment (type, limit, null) and give its linear address. On false
 * v->fault holds #GP(0) or #SS(0).
 */
bool segment_linear(struct vcpu *v, enum segreg s, uint32_t offset, uint32_t size, bool write,
		    uint32_t *linear);

/* How much of esp the stack uses: all of it, or 16 bits when the B flag of ss is clear. */
static inline uint32_t stack_mask(const struct vcpu *v)
{
	return v->seg[SEG_SS].desc & DESC_DB ? 0xffffffffu : 0xffffu;
}

/* LAR, LSL, VERR, VERW: the result in *value where there is one; returns ZF. May set v->fault
 * (#PF). */
bool segment_lar(struct vcpu *v, uint16_t sel, uint32_t *value);
bool segment_lsl(struct vcpu *v, uint16_t sel, uint32_t *value);
bool segment_verify(struct vcpu *v, uint16_t sel, bool write);

#endif

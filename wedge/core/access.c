/* SPDX-License-Identifier: MIT */
/* Segmented memory access with the checks of the current privilege level. */
#include "wedge/core/access.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"

/* Alignment check, SDM vol. 3, 6.15: ring 3 only, and natural alignment of words only. */
static bool aligned(struct vcpu *v, uint32_t linear, uint32_t size)
{
	if (v->cpl == 3 && (v->cr0 & CR0_AM) && (v->eflags & FLAG_AC) &&
	    (size == 2 || size == 4 || size == 8) && (linear & (size - 1)))
		return vcpu_raise(v, VEC_AC, 0);
	return true;
}

bool access_read(struct vcpu *v, enum segreg s, uint32_t offset, void *out, uint32_t size)
{
	uint32_t linear;

	return segment_linear(v, s, offset, size, false, &linear) && aligned(v, linear, size) &&
	       mmu_read(v, linear, out, size, v->cpl);
}

bool access_write(struct vcpu *v, enum segreg s, uint32_t offset, const void *in, uint32_t size)
{
	uint32_t linear;

	return segment_linear(v, s, offset, size, true, &linear) && aligned(v, linear, size) &&
	       mmu_write(v, linear, in, size, v->cpl);
}

bool access_check_write(struct vcpu *v, enum segreg s, uint32_t offset, uint32_t size)
{
	uint32_t linear;

	return segment_linear(v, s, offset, size, true, &linear) && aligned(v, linear, size) &&
	       mmu_check_write(v, linear, size, v->cpl);
}

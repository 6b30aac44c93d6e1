/* SPDX-License-Identifier: MIT */
#include "wedge/core/sensitive.h"
#include "wedge/core/emulate.h"
#include "wedge/core/mmu.h"

#define FRESH                                                                                      \
	255 /* calls for plain RAM until a granule is given up; a trap costs as much as 30         \
	     */

static uint8_t *granule(const struct machine *m, uint32_t linear)
{
	return &m->sensitive[linear >> 16];
}

void sensitive_mark(struct machine *m, uint32_t linear)
{
	if (m->sensitive)
		*granule(m, linear) = FRESH;
}

void sensitive_judge(struct vcpu *v, const struct insn *in)
{
	struct machine *m = v->machine;
	struct translation t;
	uint32_t linear;

	if (!m->sensitive)
		return;
	for (unsigned i = 0; i < in->nr_operands; i++) {
		if (in->op[i].type != OP_MEM)
			continue;
		linear = v->seg[in->op[i].seg].base + operand_offset(v, in, &in->op[i]);
		if (!mmu_peek(v, linear, &t))
			continue;
		if (t.phys >= m->ram_size || m->trace)
			*granule(m, linear) = FRESH;
		else if (*granule(m, linear))
			--*granule(m, linear);
	}
}

void sensitive_reset(struct machine *m)
{
	if (m->sensitive)
		__builtin_memset(m->sensitive, 0, SENSITIVE_SIZE);
}

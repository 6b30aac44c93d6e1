/* SPDX-License-Identifier: MIT */
/* CR0.TS, EM and MP: which instructions they forbid (SDM vol. 3, 2.5, 13.1). */
#ifndef WEDGE_CORE_FPU_H
#define WEDGE_CORE_FPU_H

#include "wedge/core/insn.h"
#include "wedge/core/vcpu.h"

/* Do TS, EM or MP stand in the way of any instruction now? */
static inline bool fpu_guarded(const struct vcpu *v)
{
	return v->cr0 & (CR0_TS | CR0_EM);
}

/* May it run? False: v->fault holds #NM or #UD. True for everything that is no FPU instruction. */
bool fpu_allowed(struct vcpu *v, const struct insn *in);

#endif

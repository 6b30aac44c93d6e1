/* SPDX-License-Identifier: MIT */
/* Instructions on single flags. */
#include "wedge/core/emulate-ops.h"

/* CPL against IOPL; CR4.VME and PVI are not offered. */
static bool may_change_if(struct emu *e)
{
	return e->v->cpl <= (e->v->eflags & FLAG_IOPL) >> 12 || raise_gp(e);
}

bool run_cli(struct emu *e)
{
	if (!may_change_if(e))
		return false;
	e->v->eflags &= ~FLAG_IF;
	return true;
}

/* Only the sti that sets IF holds interrupts off, SDM vol. 2, STI. */
bool run_sti(struct emu *e)
{
	if (!may_change_if(e))
		return false;
	e->shadow = !(e->v->eflags & FLAG_IF);
	e->v->eflags |= FLAG_IF;
	return true;
}

/* op->arg: 0 clc, 1 stc, 2 cmc, 3 cld, 4 std */
bool run_flag(struct emu *e)
{
	uint32_t *f = &e->v->eflags;

	switch (e->op->arg) {
	case 0:
		*f &= ~FLAG_CF;
		break;
	case 1:
		*f |= FLAG_CF;
		break;
	case 2:
		*f ^= FLAG_CF;
		break;
	case 3:
		*f &= ~FLAG_DF;
		break;
	default:
		*f |= FLAG_DF;
		break;
	}
	return true;
}

#define AH 4
#define LOW_FLAGS (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF)

bool run_lahf(struct emu *e)
{
	reg_set(e->v, AH, 1, (e->v->eflags & LOW_FLAGS) | FLAG_1);
	return true;
}

bool run_sahf(struct emu *e)
{
	e->v->eflags = (e->v->eflags & ~LOW_FLAGS) | (reg_get(e->v, AH, 1) & LOW_FLAGS);
	return true;
}

bool run_salc(struct emu *e)
{
	reg_set(e->v, R_EAX, 1, e->v->eflags & FLAG_CF ? 0xff : 0);
	return true;
}

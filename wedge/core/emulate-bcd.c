/* SPDX-License-Identifier: MIT */
/* Decimal adjustment. 64-bit mode does not have these instructions, so they are done by the book.
 */
#include "wedge/core/emulate-ops.h"

/* SF, ZF and PF of al; the undefined flags are cleared. */
static void flags_of_al(struct vcpu *v)
{
	uint32_t al = v->gpr[R_EAX] & 0xff;

	v->eflags &= ~FLAGS_ARITH;
	alu_test(1, al, al, &v->eflags);
	v->eflags &= ~FLAG_AF;
}

bool run_aam(struct emu *e)
{
	uint32_t al = e->v->gpr[R_EAX] & 0xff, base = e->in->op[0].imm & 0xff;

	if (!base)
		return vcpu_raise(e->v, VEC_DE, 0);
	reg_set(e->v, R_EAX, 2, al / base << 8 | al % base);
	flags_of_al(e->v);
	return true;
}

bool run_aad(struct emu *e)
{
	uint32_t ax = e->v->gpr[R_EAX], base = e->in->op[0].imm & 0xff;

	reg_set(e->v, R_EAX, 2, ((ax & 0xff) + (ax >> 8 & 0xff) * base) & 0xff);
	flags_of_al(e->v);
	return true;
}

/* op->arg: 0 aaa, 1 aas */
bool run_aaa(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t ax = v->gpr[R_EAX] & 0xffff;
	bool adjust = (ax & 0xf) > 9 || (v->eflags & FLAG_AF);

	if (adjust)
		ax = e->op->arg ? ax - 0x106 : ax + 0x106;
	reg_set(v, R_EAX, 2, ax & 0xff0f);
	flags_of_al(v);
	if (adjust)
		v->eflags |= FLAG_AF | FLAG_CF;
	return true;
}

/* op->arg: 0 daa, 1 das */
bool run_daa(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t old = v->gpr[R_EAX] & 0xff, al = old;
	uint32_t sign = e->op->arg ? -1u : 1u;
	bool half = (old & 0xf) > 9 || (v->eflags & FLAG_AF);
	bool carry = v->eflags & FLAG_CF, full = old > 0x99 || carry;
	bool borrow = half && e->op->arg && old < 6; /* das: the low correction borrowed */

	if (half)
		al += 6 * sign;
	if (full)
		al += 0x60 * sign;
	reg_set(v, R_EAX, 1, al);
	flags_of_al(v);
	v->eflags |= (half ? FLAG_AF : 0) | (full || borrow ? FLAG_CF : 0);
	return true;
}

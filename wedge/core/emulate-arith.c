/* SPDX-License-Identifier: MIT */
/* Arithmetic and logic on operands; the operations themselves are in alu.c. */
#include "wedge/core/emulate-ops.h"

/* dst = dst OP src */
bool run_binary(struct emu *e)
{
	unsigned size = e->in->op[0].size;
	uint32_t dst, src, flags = e->v->eflags;

	if (!emu_check_set(e, 0) || !emu_get(e, 0, &dst) || !emu_get(e, 1, &src) ||
	    !emu_set(e, 0, e->op->alu(size, dst, src, &flags)))
		return false;
	e->v->eflags = flags;
	return true;
}

/* Flags of dst OP src */
bool run_compare(struct emu *e)
{
	uint32_t dst, src;

	if (!emu_get(e, 0, &dst) || !emu_get(e, 1, &src))
		return false;
	e->op->alu(e->in->op[0].size, dst, src, &e->v->eflags);
	return true;
}

bool run_unary(struct emu *e)
{
	uint32_t dst, flags = e->v->eflags;

	if (!emu_check_set(e, 0) || !emu_get(e, 0, &dst) ||
	    !emu_set(e, 0, e->op->alu(e->in->op[0].size, dst, 0, &flags)))
		return false;
	e->v->eflags = flags;
	return true;
}

/* op->arg: 0 shld, 1 shrd */
bool run_shift_double(struct emu *e)
{
	unsigned size = e->in->op[0].size;
	uint32_t dst, src, n, flags = e->v->eflags;

	if (!emu_check_set(e, 0) || !emu_get(e, 0, &dst) || !emu_get(e, 1, &src) ||
	    !emu_get(e, 2, &n))
		return false;
	dst =
	    e->op->arg ? alu_shrd(size, dst, src, n, &flags) : alu_shld(size, dst, src, n, &flags);
	if (!emu_set(e, 0, dst))
		return false;
	e->v->eflags = flags;
	return true;
}

/* bsf, bsr, lzcnt...: a register result that may keep the register's old value */
bool run_scan(struct emu *e)
{
	uint32_t dst, src;

	if (!emu_get(e, 0, &dst) || !emu_get(e, 1, &src))
		return false;
	return emu_set(e, 0, e->op->alu(e->in->op[0].size, dst, src, &e->v->eflags));
}

/*
 * bt, bts, btr, btc. A bit offset in a register reaches beyond a memory operand, in either
 * direction (SDM vol. 2, 3.1.1.9); an immediate one does not.
 */
bool run_bit(struct emu *e)
{
	const struct operand *op = e->in->op;
	unsigned size = op[0].size;
	bool writes = e->op->alu != alu_bt;
	uint32_t bit, value = 0, offset, flags = e->v->eflags;

	if (!emu_get(e, 1, &bit))
		return false;
	if (op[0].type == OP_REG) {
		emu_get(e, 0, &value);
		value = e->op->alu(size, value, bit, &flags);
		emu_set(e, 0, value);
		e->v->eflags = flags;
		return true;
	}
	offset = emu_offset(e, 0);
	if (op[1].type == OP_REG && size == 2)
		offset += (uint32_t)((int16_t)bit >> 4) * 2;
	else if (op[1].type == OP_REG)
		offset += (uint32_t)((int32_t)bit >> 5) * 4;
	if (e->in->adsize == 2)
		offset &= 0xffff;
	if (writes && !access_check_write(e->v, op[0].seg, offset, size))
		return false;
	if (!access_read(e->v, op[0].seg, offset, &value, size))
		return false;
	value = e->op->alu(size, value, bit & (size * 8 - 1), &flags);
	if (writes && !access_write(e->v, op[0].seg, offset, &value, size))
		return false;
	e->v->eflags = flags;
	return true;
}

/* One operand: widening, as mul. Two: dst *= src. Three: dst = src * immediate. */
bool run_imul(struct emu *e)
{
	unsigned n = e->in->nr_operands, size = e->in->op[0].size;
	uint32_t a, b;

	if (n == 1)
		return run_mul(e);
	if (!emu_get(e, n - 2, &a) || !emu_get(e, n - 1, &b))
		return false;
	return emu_set(e, 0, alu_imul(size, a, b, &e->v->eflags));
}

/* The double-width register pair of mul and div: ax, dx:ax, edx:eax. */
static void pair_get(const struct vcpu *v, unsigned size, uint32_t *low, uint32_t *high)
{
	*low = reg_get(v, R_EAX, size);
	*high = size == 1 ? reg_get(v, 4, 1) : reg_get(v, R_EDX, size);
}

static void pair_set(struct vcpu *v, unsigned size, uint32_t low, uint32_t high)
{
	reg_set(v, R_EAX, size, low);
	reg_set(v, size == 1 ? 4 : R_EDX, size, high);
}

/* op->arg: 1 signed */
bool run_mul(struct emu *e)
{
	unsigned size = e->in->op[0].size;
	uint32_t low, high, src;

	if (!emu_get(e, 0, &src))
		return false;
	pair_get(e->v, size, &low, &high);
	if (e->op->arg)
		alu_imul_wide(size, &low, &high, src, &e->v->eflags);
	else
		alu_mul(size, &low, &high, src, &e->v->eflags);
	pair_set(e->v, size, low, high);
	return true;
}

/* Division leaves all flags undefined; they stay as they were. */
bool run_div(struct emu *e)
{
	unsigned size = e->in->op[0].size, bits = size * 8;
	uint32_t low, high, src;
	uint64_t dividend;

	if (!emu_get(e, 0, &src))
		return false;
	pair_get(e->v, size, &low, &high);
	dividend = (uint64_t)high << bits | low;
	if (!src || dividend / src >> bits)
		return vcpu_raise(e->v, VEC_DE, 0);
	pair_set(e->v, size, (uint32_t)(dividend / src), (uint32_t)(dividend % src));
	return true;
}

bool run_idiv(struct emu *e)
{
	unsigned size = e->in->op[0].size, bits = size * 8;
	uint32_t low, high, src;
	int64_t dividend, divisor, quotient, most = (1ll << (bits - 1)) - 1;

	if (!emu_get(e, 0, &src))
		return false;
	pair_get(e->v, size, &low, &high);
	/* Sign-extend both from their widths. */
	dividend = (int64_t)(((uint64_t)high << bits | low) << (64 - 2 * bits)) >> (64 - 2 * bits);
	divisor = (int64_t)((uint64_t)src << (64 - bits)) >> (64 - bits);
	/* The one quotient that overflows 64 bits would trap the monitor. */
	if (!divisor || (divisor == -1 && dividend < -most - 1))
		return vcpu_raise(e->v, VEC_DE, 0);
	quotient = dividend / divisor;
	if (quotient > most || quotient < -most - 1)
		return vcpu_raise(e->v, VEC_DE, 0);
	pair_set(e->v, size, (uint32_t)quotient, (uint32_t)(dividend % divisor));
	return true;
}

bool run_xadd(struct emu *e)
{
	unsigned size = e->in->op[0].size;
	uint32_t dst, src, sum, flags = e->v->eflags;

	if (!emu_check_set(e, 0) || !emu_get(e, 0, &dst) || !emu_get(e, 1, &src))
		return false;
	sum = alu_add(size, dst, src, &flags);
	/* With one register twice the sum wins; a memory address may depend on the register. */
	if (e->in->op[0].type == OP_MEM) {
		if (!emu_set(e, 0, sum))
			return false;
		emu_set(e, 1, dst);
	} else {
		emu_set(e, 1, dst);
		emu_set(e, 0, sum);
	}
	e->v->eflags = flags;
	return true;
}

/* Memory is written in either case, SDM vol. 2, CMPXCHG. */
bool run_cmpxchg(struct emu *e)
{
	unsigned size = e->in->op[0].size;
	uint32_t dst, src, acc = reg_get(e->v, R_EAX, size), flags = e->v->eflags;
	bool equal;

	if (!emu_check_set(e, 0) || !emu_get(e, 0, &dst) || !emu_get(e, 1, &src))
		return false;
	alu_cmp(size, acc, dst, &flags);
	equal = flags & FLAG_ZF;
	if (!emu_set(e, 0, equal ? src : dst))
		return false;
	if (!equal)
		reg_set(e->v, R_EAX, size, dst);
	e->v->eflags = flags;
	return true;
}

bool run_cmpxchg8b(struct emu *e)
{
	struct vcpu *v = e->v;
	const struct operand *op = e->in->op;
	uint64_t old, expected = (uint64_t)v->gpr[R_EDX] << 32 | v->gpr[R_EAX];
	uint64_t new = (uint64_t)v->gpr[R_ECX] << 32 | v->gpr[R_EBX];
	uint32_t offset = emu_offset(e, 0);

	if (!access_check_write(v, op->seg, offset, 8) || !access_read(v, op->seg, offset, &old, 8))
		return false;
	if (!access_write(v, op->seg, offset, old == expected ? &new : &old, 8))
		return false;
	v->eflags &= ~FLAG_ZF;
	if (old == expected) {
		v->eflags |= FLAG_ZF;
	} else {
		v->gpr[R_EAX] = (uint32_t)old;
		v->gpr[R_EDX] = (uint32_t)(old >> 32);
	}
	return true;
}

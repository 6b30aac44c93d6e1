/* SPDX-License-Identifier: MIT */
/* Moving and converting data. */
#include "wedge/core/emulate-ops.h"

bool run_nop(struct emu *e)
{
	(void)e;
	return true;
}

bool run_mov(struct emu *e)
{
	const struct operand *op = e->in->op;
	uint32_t value;

	if (op[0].type == OP_SEG || op[1].type == OP_SEG)
		return mov_segment(e);
	if (op[0].type == OP_CR || op[1].type == OP_CR || op[0].type == OP_DR ||
	    op[1].type == OP_DR)
		return mov_control(e);
	return emu_get(e, 1, &value) && emu_set(e, 0, value);
}

/* movzx is a plain mov for us: values are zero-extended when read. */
bool run_movsx(struct emu *e)
{
	uint32_t value;

	if (!emu_get(e, 1, &value))
		return false;
	value = e->in->op[1].size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
	return emu_set(e, 0, value);
}

bool run_lea(struct emu *e)
{
	return emu_set(e, 0, emu_offset(e, 1));
}

bool run_xchg(struct emu *e)
{
	uint32_t a, b;

	if (!emu_check_set(e, 0) || !emu_check_set(e, 1) || !emu_get(e, 0, &a) ||
	    !emu_get(e, 1, &b))
		return false;
	/* Memory is written first: its address may depend on the register. */
	if (e->in->op[0].type == OP_MEM)
		return emu_set(e, 0, b) && emu_set(e, 1, a);
	return emu_set(e, 1, a) && emu_set(e, 0, b);
}

bool run_bswap(struct emu *e)
{
	uint32_t value;

	/* With a 16-bit operand the result is undefined; hardware gives zero. */
	return emu_get(e, 0, &value) &&
	       emu_set(e, 0, e->in->op[0].size == 2 ? 0 : __builtin_bswap32(value));
}

bool run_movbe(struct emu *e)
{
	uint32_t value;

	if (!emu_get(e, 1, &value))
		return false;
	value = __builtin_bswap32(value);
	return emu_set(e, 0, e->in->op[0].size == 2 ? value >> 16 : value);
}

bool run_xlat(struct emu *e)
{
	uint32_t offset = e->v->gpr[R_EBX] + (e->v->gpr[R_EAX] & 0xff);
	uint8_t value;

	if (e->in->adsize == 2)
		offset &= 0xffff;
	if (!access_read(e->v, e->in->op[0].seg, offset, &value, 1))
		return false;
	reg_set(e->v, R_EAX, 1, value);
	return true;
}

bool run_cbw(struct emu *e)
{
	reg_set(e->v, R_EAX, 2, (uint32_t)(int8_t)e->v->gpr[R_EAX]);
	return true;
}

bool run_cwde(struct emu *e)
{
	e->v->gpr[R_EAX] = (uint32_t)(int16_t)e->v->gpr[R_EAX];
	return true;
}

bool run_cwd(struct emu *e)
{
	reg_set(e->v, R_EDX, 2, e->v->gpr[R_EAX] & 0x8000 ? 0xffff : 0);
	return true;
}

bool run_cdq(struct emu *e)
{
	e->v->gpr[R_EDX] = e->v->gpr[R_EAX] & 0x80000000 ? 0xffffffff : 0;
	return true;
}

/* The source is read, and may fault, whether or not the condition holds. */
bool run_cmov(struct emu *e)
{
	uint32_t value;

	if (!emu_get(e, 1, &value))
		return false;
	return !condition(e->v, e->op->arg) || emu_set(e, 0, value);
}

bool run_set(struct emu *e)
{
	return emu_set(e, 0, condition(e->v, e->op->arg));
}

/* SPDX-License-Identifier: MIT */
/* Registers, operands and the stack of the emulator. */
#include "wedge/core/emulate-ops.h"

uint32_t reg_get(const struct vcpu *v, unsigned reg, unsigned size)
{
	if (size == 1)
		return v->gpr[reg & 3] >> (reg & 4 ? 8 : 0) & 0xff;
	return size == 2 ? v->gpr[reg] & 0xffff : v->gpr[reg];
}

void reg_set(struct vcpu *v, unsigned reg, unsigned size, uint32_t value)
{
	uint32_t mask = 0xffffffff;
	unsigned shift = 0;

	if (size == 1) {
		mask = 0xff;
		shift = reg & 4 ? 8 : 0;
		reg &= 3;
	} else if (size == 2) {
		mask = 0xffff;
	}
	v->gpr[reg] = (v->gpr[reg] & ~(mask << shift)) | (value & mask) << shift;
}

uint32_t operand_offset(const struct vcpu *v, const struct insn *in, const struct operand *op)
{
	uint32_t offset = op->imm;

	if (op->base >= 0)
		offset += v->gpr[op->base];
	if (op->index >= 0)
		offset += v->gpr[op->index] * op->scale;
	return in->adsize == 2 ? offset & 0xffff : offset;
}

uint32_t emu_offset(const struct emu *e, unsigned n)
{
	return operand_offset(e->v, e->in, &e->in->op[n]);
}

bool emu_get(struct emu *e, unsigned n, uint32_t *value)
{
	const struct operand *op = &e->in->op[n];

	*value = 0;
	switch (op->type) {
	case OP_REG:
		*value = reg_get(e->v, op->reg, op->size);
		return true;
	case OP_SEG:
		*value = e->v->seg[op->reg].sel;
		return true;
	case OP_IMM:
		*value = op->imm;
		return true;
	case OP_MEM:
		return access_read(e->v, op->seg, emu_offset(e, n), value,
				   op->size < 4 ? op->size : 4);
	default:
		e->unsupported = true;
		return false;
	}
}

bool emu_check_set(struct emu *e, unsigned n)
{
	const struct operand *op = &e->in->op[n];

	return op->type != OP_MEM || access_check_write(e->v, op->seg, emu_offset(e, n), op->size);
}

bool emu_set(struct emu *e, unsigned n, uint32_t value)
{
	const struct operand *op = &e->in->op[n];

	switch (op->type) {
	case OP_REG:
		reg_set(e->v, op->reg, op->size, value);
		return true;
	case OP_MEM:
		return access_write(e->v, op->seg, emu_offset(e, n), &value,
				    op->size < 4 ? op->size : 4);
	default:
		e->unsupported = true;
		return false;
	}
}

bool emu_far_pointer(struct emu *e, unsigned n, uint16_t *sel, uint32_t *offset)
{
	const struct operand *op = &e->in->op[n];
	uint64_t pointer = 0;
	unsigned opsize = e->in->opsize;

	if (op->type == OP_FAR) {
		*sel = op->far_sel;
		*offset = op->imm;
		return true;
	}
	if (!access_read(e->v, op->seg, emu_offset(e, n), &pointer, opsize + 2))
		return false;
	*offset = (uint32_t)(opsize == 2 ? pointer & 0xffff : pointer);
	*sel = (uint16_t)(pointer >> opsize * 8);
	return true;
}

void stack_move(struct vcpu *v, uint32_t by)
{
	uint32_t mask = stack_mask(v);

	v->gpr[R_ESP] = (v->gpr[R_ESP] & ~mask) | ((v->gpr[R_ESP] + by) & mask);
}

bool emu_push(struct vcpu *v, uint32_t value, unsigned size)
{
	uint32_t at = (v->gpr[R_ESP] - size) & stack_mask(v);

	if (!access_write(v, SEG_SS, at, &value, size))
		return false;
	stack_move(v, -size);
	return true;
}

bool stack_peek(struct vcpu *v, uint32_t depth, void *out, unsigned size)
{
	return access_read(v, SEG_SS, (v->gpr[R_ESP] + depth) & stack_mask(v), out, size);
}

bool raise_gp(struct emu *e)
{
	return vcpu_raise(e->v, VEC_GP, 0);
}

bool raise_ud(struct emu *e)
{
	return vcpu_raise(e->v, VEC_UD, 0);
}

bool need_cpl0(struct emu *e)
{
	return e->v->cpl == 0 || raise_gp(e);
}

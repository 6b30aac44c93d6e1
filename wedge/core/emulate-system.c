/* SPDX-License-Identifier: MIT */
/* Ports, control registers, model-specific registers and the rest of ring 0. */
#include "wedge/core/control.h"
#include "wedge/core/emulate-ops.h"
#include "wedge/core/mmu.h"

#define TSS_IOMAP 0x66 /* offset of the I/O map base, SDM vol. 3, 7.2.1 */

/* The I/O permission bitmap, SDM vol. 1, 19.5.2: two bytes are read, so the map ends with one more.
 */
static bool bitmap_permits(struct vcpu *v, uint16_t port, unsigned size)
{
	uint16_t map, bits;
	uint32_t at;

	/* A 16-bit TSS has none. */
	if (!v->tr.usable || !(desc_type(v->tr.desc) & 8) || v->tr.limit < TSS_IOMAP + 1)
		return false;
	if (!mmu_read(v, v->tr.base + TSS_IOMAP, &map, 2, 0))
		return false;
	at = map + port / 8u;
	if (at + 1 > v->tr.limit || !mmu_read(v, v->tr.base + at, &bits, 2, 0))
		return false;
	return !(bits >> port % 8 & ((1u << size) - 1));
}

bool port_permitted(struct emu *e, uint16_t port, unsigned size)
{
	struct vcpu *v = e->v;

	if (v->cpl <= (v->eflags & FLAG_IOPL) >> 12 || bitmap_permits(v, port, size))
		return true;
	return v->fault.raised ? false : raise_gp(e);
}

/* The port operand: dx or an unsigned byte. */
static uint16_t port_operand(const struct emu *e, unsigned n)
{
	const struct operand *op = &e->in->op[n];

	return op->type == OP_IMM ? op->imm & 0xff : (uint16_t)e->v->gpr[R_EDX];
}

bool run_in(struct emu *e)
{
	unsigned size = e->in->op[0].size;
	uint16_t port = port_operand(e, 1);

	return port_permitted(e, port, size) &&
	       emu_set(e, 0, bus_in(&e->v->machine->bus, port, size));
}

bool run_out(struct emu *e)
{
	unsigned size = e->in->op[1].size;
	uint16_t port = port_operand(e, 0);

	if (!port_permitted(e, port, size))
		return false;
	bus_out(&e->v->machine->bus, port, size, reg_get(e->v, R_EAX, size));
	return true;
}

bool run_hlt(struct emu *e)
{
	if (!need_cpl0(e))
		return false;
	e->v->halted = true;
	return true;
}

bool run_clts(struct emu *e)
{
	return need_cpl0(e) && control_write_cr(e->v, 0, e->v->cr0 & ~CR0_TS);
}

/* The low four bits of CR0, of which PE can only be set. */
bool run_lmsw(struct emu *e)
{
	uint32_t value, low = CR0_MP | CR0_EM | CR0_TS;

	if (!need_cpl0(e) || !emu_get(e, 0, &value))
		return false;
	return control_write_cr(e->v, 0, (e->v->cr0 & ~low) | (value & (low | CR0_PE)));
}

bool run_smsw(struct emu *e)
{
	return emu_set(e, 0, e->v->cr0);
}

/* The address is not checked against the segment's limit, SDM vol. 2, INVLPG. */
bool run_invlpg(struct emu *e)
{
	if (!need_cpl0(e))
		return false;
	shadow_flush_page(e->v, e->v->seg[e->in->op[0].seg].base + emu_offset(e, 0));
	return true;
}

/* invd, wbinvd: caches are the host's business. */
bool run_privileged_nop(struct emu *e)
{
	return need_cpl0(e);
}

static void set_edx_eax(struct vcpu *v, uint64_t value)
{
	v->gpr[R_EAX] = (uint32_t)value;
	v->gpr[R_EDX] = (uint32_t)(value >> 32);
}

static uint64_t edx_eax(const struct vcpu *v)
{
	return (uint64_t)v->gpr[R_EDX] << 32 | v->gpr[R_EAX];
}

bool run_rdmsr(struct emu *e)
{
	uint64_t value;

	if (!need_cpl0(e) || !control_rdmsr(e->v, e->v->gpr[R_ECX], &value))
		return false;
	set_edx_eax(e->v, value);
	return true;
}

bool run_wrmsr(struct emu *e)
{
	return need_cpl0(e) && control_wrmsr(e->v, e->v->gpr[R_ECX], edx_eax(e->v));
}

bool run_rdtsc(struct emu *e)
{
	if ((e->v->cr4 & CR4_TSD) && e->v->cpl)
		return raise_gp(e);
	set_edx_eax(e->v, control_tsc(e->v));
	return true;
}

bool run_rdtscp(struct emu *e)
{
	if (!run_rdtsc(e))
		return false;
	e->v->gpr[R_ECX] = (uint32_t)e->v->msr.tsc_aux;
	return true;
}

/* TSC_AUX, where CPUID leaf 7 announces the instruction (ECX bit 22). */
bool run_rdpid(struct emu *e)
{
	uint32_t regs[4];

	control_cpuid(e->v, 7, 0, regs);
	if (!(regs[2] & 1u << 22))
		return raise_ud(e);
	e->v->gpr[e->in->op[0].reg] = (uint32_t)e->v->msr.tsc_aux;
	return true;
}

/* No performance counter is offered, so every index is invalid, whatever CR4.PCE says. */
bool run_rdpmc(struct emu *e)
{
	return raise_gp(e);
}

bool run_cpuid(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t regs[4];

	control_cpuid(v, v->gpr[R_EAX], v->gpr[R_ECX], regs);
	v->gpr[R_EAX] = regs[0];
	v->gpr[R_EBX] = regs[1];
	v->gpr[R_ECX] = regs[2];
	v->gpr[R_EDX] = regs[3];
	return true;
}

/* XCR0 only; XINUSE (ecx 1) is not offered. */
bool run_xgetbv(struct emu *e)
{
	if (!(e->v->cr4 & CR4_OSXSAVE))
		return raise_ud(e);
	if (e->v->gpr[R_ECX])
		return raise_gp(e);
	set_edx_eax(e->v, e->v->msr.xcr0);
	return true;
}

bool run_xsetbv(struct emu *e)
{
	if (!(e->v->cr4 & CR4_OSXSAVE))
		return raise_ud(e);
	return need_cpl0(e) && control_xsetbv(e->v, e->v->gpr[R_ECX], edx_eax(e->v));
}

static bool read_control(struct emu *e, const struct operand *op, uint32_t *value)
{
	return op->type == OP_CR ? control_read_cr(e->v, op->reg, value)
				 : control_read_dr(e->v, op->reg, value);
}

static bool write_control(struct emu *e, const struct operand *op, uint32_t value)
{
	return op->type == OP_CR ? control_write_cr(e->v, op->reg, value)
				 : control_write_dr(e->v, op->reg, value);
}

/* mov with a control or debug register: 32 bits whatever the prefix. */
bool mov_control(struct emu *e)
{
	const struct operand *op = e->in->op;
	uint32_t value;

	if (!need_cpl0(e))
		return false;
	if (op[0].type != OP_REG)
		return write_control(e, &op[0], e->v->gpr[op[1].reg]);
	if (!read_control(e, &op[1], &value))
		return false;
	e->v->gpr[op[0].reg] = value;
	return true;
}

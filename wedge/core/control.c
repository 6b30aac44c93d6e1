/* SPDX-License-Identifier: MIT */
/* Control registers, debug registers and XCR0: SDM vol. 3, 2.5, 17.2, 13.3; vol. 2, MOV. */
#include "wedge/core/control.h"
#include "wedge/core/cpuid.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/machine.h"
#include "wedge/core/mmu.h"
#include "wedge/platform.h"

#define CR0_KNOWN                                                                                  \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
#define CR0_FLUSH (CR0_PE | CR0_PG | CR0_WP)
#define CR4_FLUSH (CR4_PSE | CR4_PAE | CR4_PGE)
#define CR3_PAE_BASE 0xffffffe0u
#define PDPTE_P 1u
/* Reserved in a PAE PDPTE: bits 1, 2, 5-8 and those above the physical addresses (SDM vol. 3, table
 * 4-8). */
#define PDPTE_RESERVED (0x1e6ull | ~((1ull << CPU_PHYS_BITS) - 1))

#define DR6_ONES 0xffff0ff0u
#define DR6_BITS 0x0000e00fu
#define DR7_ONES 0x400u
#define DR7_BITS 0xffff23ffu
#define DR7_GD 0x2000u
#define DR6_BD 0x2000u

/* The four PDPTEs that PAE paging keeps in registers: SDM vol. 3, 4.4.1. */
static bool load_pdptes(struct vcpu *v, uint32_t cr3)
{
	uint64_t pdpte[4];

	phys_read(v->machine, cr3 & CR3_PAE_BASE, pdpte, sizeof(pdpte));
	for (unsigned i = 0; i < 4; i++)
		if ((pdpte[i] & PDPTE_P) && (pdpte[i] & PDPTE_RESERVED))
			return vcpu_raise(v, VEC_GP, 0);
	for (unsigned i = 0; i < 4; i++)
		v->pdpte[i] = pdpte[i];
	return true;
}

static bool write_cr0(struct vcpu *v, uint32_t value)
{
	uint32_t changed;

	value = (value & CR0_KNOWN) | CR0_ET;
	if ((value & CR0_PG) && !(value & CR0_PE))
		return vcpu_raise(v, VEC_GP, 0);
	if ((value & CR0_NW) && !(value & CR0_CD))
		return vcpu_raise(v, VEC_GP, 0);
	if (!(value & CR0_PE) && (v->cr0 & CR0_PE))
		guest_unsupported(v, "real mode (CR0.PE cleared)");
	changed = v->cr0 ^ value;
	if ((value & CR0_PG) && (v->cr4 & CR4_PAE) && (changed & (CR0_PG | CR0_CD | CR0_NW)) &&
	    !load_pdptes(v, v->cr3))
		return false;
	v->cr0 = value;
	if (changed & CR0_FLUSH)
		shadow_flush(v);
	return true;
}

static bool write_cr3(struct vcpu *v, uint32_t value)
{
	if (paging(v) && (v->cr4 & CR4_PAE) && !load_pdptes(v, value))
		return false;
	v->cr3 = value;
	shadow_switch(v);
	return true;
}

static bool write_cr4(struct vcpu *v, uint32_t value)
{
	uint32_t changed = v->cr4 ^ value;

	if (value & ~cpuid_cr4_bits())
		return vcpu_raise(v, VEC_GP, 0);
	if (paging(v) && (value & CR4_PAE) && (changed & CR4_FLUSH) && !load_pdptes(v, v->cr3))
		return false;
	v->cr4 = value;
	if (changed & CR4_FLUSH & ~CR4_PGE)
		shadow_flush(v);
	else if (changed & CR4_PGE)
		shadow_flush_global(v);
	return true;
}

bool control_read_cr(struct vcpu *v, unsigned n, uint32_t *value)
{
	switch (n) {
	case 0:
		*value = v->cr0;
		return true;
	case 2:
		*value = v->cr2;
		return true;
	case 3:
		*value = v->cr3;
		return true;
	case 4:
		*value = v->cr4;
		return true;
	default:
		return vcpu_raise(v, VEC_UD, 0);
	}
}

bool control_write_cr(struct vcpu *v, unsigned n, uint32_t value)
{
	switch (n) {
	case 0:
		return write_cr0(v, value);
	case 2:
		v->cr2 = value;
		return true;
	case 3:
		return write_cr3(v, value);
	case 4:
		return write_cr4(v, value);
	default:
		return vcpu_raise(v, VEC_UD, 0);
	}
}

/*
 * DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them undefined; with DR7.GD any access is a #DB
 * before the instruction (SDM vol. 3, 17.2.2, 17.2.4). Breakpoints are held here and never armed:
 * the host's debug registers belong to its debugger.
 */
static bool debug_register(struct vcpu *v, unsigned *n)
{
	if (*n > 7)
		return vcpu_raise(v, VEC_UD, 0);
	if (*n == 4 || *n == 5) {
		if (v->cr4 & CR4_DE)
			return vcpu_raise(v, VEC_UD, 0);
		*n += 2;
	}
	if (v->dr[7] & DR7_GD) {
		v->dr[6] |= DR6_BD;
		return vcpu_raise(v, VEC_DB, 0);
	}
	return true;
}

bool control_read_dr(struct vcpu *v, unsigned n, uint32_t *value)
{
	if (!debug_register(v, &n))
		return false;
	*value = v->dr[n];
	return true;
}

bool control_write_dr(struct vcpu *v, unsigned n, uint32_t value)
{
	if (!debug_register(v, &n))
		return false;
	if (n == 6)
		value = (value & DR6_BITS) | DR6_ONES;
	else if (n == 7)
		value = (value & DR7_BITS) | DR7_ONES;
	v->dr[n] = value;
	return true;
}

bool control_xsetbv(struct vcpu *v, uint32_t n, uint64_t value)
{
	if (!(v->cr4 & CR4_OSXSAVE))
		return vcpu_raise(v, VEC_UD, 0);
	if (v->cpl || n || !cpuid_xcr0_valid(value) || !platform_xsetbv(value))
		return vcpu_raise(v, VEC_GP, 0);
	v->msr.xcr0 = value;
	return true;
}

uint64_t control_tsc(struct vcpu *v)
{
	return platform_tsc() + v->tsc_offset;
}

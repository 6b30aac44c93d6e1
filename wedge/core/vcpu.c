/* SPDX-License-Identifier: MIT */
/* The virtual CPU after reset, and its privilege level. */
#include "wedge/core/interrupt.h"
#include "wedge/core/machine.h"
#include "wedge/core/mmu.h"
#include "wedge/platform.h"

/* Present, writable, accessed data / code of 64 KiB: what the caches hold after reset, SDM vol.
 * 3, 9.1.4. */
#define RESET_DATA 0x000093000000ffffull
#define RESET_CODE 0xff009b00ffff0000ull
#define RESET_LDT 0x000082000000ffffull
#define RESET_TSS 0x00008b000000ffffull

static void reset_segment(struct segment *s, uint16_t sel, uint32_t base, uint64_t desc)
{
	*s = (struct segment){
	    .sel = sel, .base = base, .limit = 0xffff, .desc = desc, .usable = true};
}

void vcpu_reset(struct vcpu *v)
{
	struct machine *m = v->machine;
	uint32_t id[4];

	*v = (struct vcpu){
	    .machine = m,
	    .eip = 0xfff0,
	    .eflags = FLAG_1,
	    .cr0 = CR0_CD | CR0_NW | CR0_ET,
	    .dr = {[6] = 0xffff0ff0, [7] = 0x400},
	    .gdtr = {0, 0xffff},
	    .idtr = {0, 0xffff},
	    .msr = {.pat = 0x0007040600070406,
		    .misc_enable = 1,
		    .apic_base = 0xfee00900,
		    .xcr0 = 1},
	};
	for (unsigned s = 0; s < NR_SEGS; s++)
		reset_segment(&v->seg[s], 0, 0, RESET_DATA);
	reset_segment(&v->seg[SEG_CS], 0xf000, 0xffff0000, RESET_CODE);
	reset_segment(&v->ldtr, 0, 0, RESET_LDT);
	reset_segment(&v->tr, 0, 0, RESET_TSS);
	platform_cpuid(1, 0, id);
	v->gpr[R_EDX] = id[0]; /* family, model, stepping */
	shadow_reset(m);
}

void vcpu_set_cpl(struct vcpu *v, unsigned cpl)
{
	bool enter_user = cpl == 3 && v->cpl != 3, leave_user = cpl != 3 && v->cpl == 3;

	if (cpl == 1 || cpl == 2)
		guest_unsupported(v, "code in ring %u", cpl);
	v->cpl = cpl;
	if (enter_user)
		shadow_enter_user(v);
	if (leave_user)
		shadow_enter_kernel(v);
}

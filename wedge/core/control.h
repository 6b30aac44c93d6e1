/* SPDX-License-Identifier: MIT */
/* Control, debug and model-specific registers, CPUID. */
#ifndef WEDGE_CORE_CONTROL_H
#define WEDGE_CORE_CONTROL_H

#include "wedge/core/vcpu.h"

/* Physical address bits: 36 with PAE, as CPUID 0x80000008 says and reserved-bit checks enforce. */
#define CPU_PHYS_BITS 36

#define MSR_EFER_NXE 0x800u

/* All return false with v->fault set (#GP, #UD) when the manual says so. */
bool control_read_cr(struct vcpu *v, unsigned n, uint32_t *value);
bool control_write_cr(struct vcpu *v, unsigned n, uint32_t value);
bool control_read_dr(struct vcpu *v, unsigned n, uint32_t *value);
bool control_write_dr(struct vcpu *v, unsigned n, uint32_t value);
bool control_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
bool control_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
bool control_xsetbv(struct vcpu *v, uint32_t n, uint64_t value);
/* The CPUID policy: the host's leaves (platform_cpuid) less what the wedge does not offer. Not with
 * side effects; regs are eax ebx ecx edx. */
void control_cpuid(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
uint64_t control_tsc(struct vcpu *v);
/* The processor state that XCR0 may enable: what the host has and the wedge offers. */
uint64_t control_xcr0_supported(void);

#endif

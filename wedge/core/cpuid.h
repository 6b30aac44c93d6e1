/* SPDX-License-Identifier: MIT */
/* What follows from the CPUID policy (control_cpuid in control.h) elsewhere. */
#ifndef WEDGE_CORE_CPUID_H
#define WEDGE_CORE_CPUID_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* The bits of CR4 and EFER that may be set. */
uint32_t cpuid_cr4_bits(void);
uint32_t cpuid_efer_bits(void);
/* Is there an IA32_ARCH_CAPABILITIES? */
bool cpuid_arch_capabilities(const struct vcpu *v);
/* May XCR0 have this value: nothing unsupported, and the dependencies of SDM vol. 1, 13.3 kept? */
bool cpuid_xcr0_valid(uint64_t value);

#endif

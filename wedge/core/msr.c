/* SPDX-License-Identifier: MIT */
/* Model-specific registers: the architectural ones that go with what CPUID offers, SDM vol. 4. */
#include "wedge/core/control.h"
#include "wedge/core/cpuid.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/platform.h"

enum {
	MSR_TSC = 0x10,
	MSR_PLATFORM_ID = 0x17,
	MSR_APIC_BASE = 0x1b,
	MSR_TSC_ADJUST = 0x3b,
	MSR_UCODE_REV = 0x8b,
	MSR_ARCH_CAPABILITIES = 0x10a,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_PAT = 0x277,
	MSR_EFER = 0xc0000080,
	MSR_TSC_AUX = 0xc0000103,
	MSR_AMD_NB_CFG = 0xc001001f,
	MSR_HWCR = 0xc0010015,
};

#define APIC_BASE_ENABLE 0x800u
#define EXT1_EDX_RDTSCP (1u << 27)
#define POWER_EDX_INVARIANT (1u << 8)
#define HWCR_TSC_FREQ (1u << 24)

static bool has_rdtscp(struct vcpu *v)
{
	uint32_t r[4];

	control_cpuid(v, 0x80000001, 0, r);
	return r[3] & EXT1_EDX_RDTSCP;
}

/*
 * AMD's hardware configuration (APM vol. 2, 3.2.10): where the TSC is invariant, it counts at the
 * frequency of P-state 0. Everything else is as after reset, and stays so.
 */
static bool read_hwcr(uint64_t *value)
{
	static const uint32_t amd[3] = {0x68747541, 0x69746e65, 0x444d4163}; /* ebx, edx, ecx */
	uint32_t r[4], power[4];

	platform_cpuid(0, 0, r);
	platform_cpuid(0x80000007, 0, power);
	*value = (power[3] & POWER_EDX_INVARIANT) && platform_tsc_stable() ? HWCR_TSC_FREQ : 0;
	return r[1] == amd[0] && r[3] == amd[1] && r[2] == amd[2];
}

/* Kernels write the northbridge's configuration on every CPU of AMD's since family 0x10. */
static bool is_amd(void)
{
	uint32_t r[4];

	platform_cpuid(0, 0, r);
	return r[1] == 0x68747541 /* Auth */ || r[1] == 0x6f677948 /* Hygo */;
}

bool control_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_TSC:
		*value = control_tsc(v);
		return true;
	case MSR_TSC_ADJUST: /* after reset the guest's counter is the host's */
		*value = v->tsc_offset;
		return true;
	case MSR_HWCR:
		if (!read_hwcr(value))
			break;
		return true;
	case MSR_PLATFORM_ID:
	case MSR_UCODE_REV:
		*value = 0;
		return true;
	case MSR_ARCH_CAPABILITIES:
		if (!cpuid_arch_capabilities(v))
			break;
		*value = v->machine->arch_capabilities;
		return true;
	case MSR_SYSENTER_CS:
		*value = v->msr.sysenter_cs;
		return true;
	case MSR_SYSENTER_ESP:
		*value = v->msr.sysenter_esp;
		return true;
	case MSR_SYSENTER_EIP:
		*value = v->msr.sysenter_eip;
		return true;
	case MSR_APIC_BASE: /* the bootstrap CPU, its APIC absent */
		*value = v->msr.apic_base & ~(uint64_t)APIC_BASE_ENABLE;
		return true;
	case MSR_MISC_ENABLE:
		*value = v->msr.misc_enable;
		return true;
	case MSR_PAT:
		*value = v->msr.pat;
		return true;
	case MSR_AMD_NB_CFG: /* there is no PCI that it could configure */
		if (!is_amd())
			break;
		*value = 0;
		return true;
	case MSR_EFER:
		if (!cpuid_efer_bits())
			break;
		*value = v->msr.efer;
		return true;
	case MSR_TSC_AUX:
		if (!has_rdtscp(v))
			break;
		*value = v->msr.tsc_aux;
		return true;
	}
	return vcpu_raise(v, VEC_GP, 0);
}

static bool write_efer(struct vcpu *v, uint64_t value)
{
	uint64_t changed = v->msr.efer ^ value;

	if (!cpuid_efer_bits() || (value & ~(uint64_t)cpuid_efer_bits()))
		return vcpu_raise(v, VEC_GP, 0);
	v->msr.efer = value;
	if (changed & MSR_EFER_NXE)
		shadow_flush(v);
	return true;
}

/* Memory types 2, 3 and above 7 are reserved in each byte of the PAT (SDM vol. 3, table 11-10). */
static bool pat_valid(uint64_t value)
{
	for (unsigned i = 0; i < 8; i++, value >>= 8)
		if ((value & 0xff) > 7 || (value & 0xfe) == 2)
			return false;
	return true;
}

bool control_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_TSC:
		v->tsc_offset = value - platform_tsc();
		return true;
	case MSR_TSC_ADJUST: /* SDM vol. 3, 18.17.3: what is added here is added there */
		v->tsc_offset = value;
		return true;
	case MSR_UCODE_REV: /* cleared before CPUID leaves the revision in it */
		return true;
	case MSR_SYSENTER_CS:
		v->msr.sysenter_cs = value & 0xffff; /* a selector */
		return true;
	case MSR_SYSENTER_ESP:
		v->msr.sysenter_esp = value;
		return true;
	case MSR_SYSENTER_EIP:
		v->msr.sysenter_eip = value;
		return true;
	case MSR_MISC_ENABLE:
		v->msr.misc_enable = value;
		return true;
	case MSR_PAT:
		if (!pat_valid(value))
			break;
		v->msr.pat = value;
		return true;
	case MSR_AMD_NB_CFG:
		if (!is_amd())
			break;
		return true;
	case MSR_EFER:
		return write_efer(v, value);
	case MSR_TSC_AUX:
		if (!has_rdtscp(v) || value >> 32)
			break;
		v->msr.tsc_aux = value;
		return true;
	}
	return vcpu_raise(v, VEC_GP, 0);
}

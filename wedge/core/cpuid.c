/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy: the host's leaves less what the wedge does not offer. Masks are lists of what
 * is let through, so that a bit which a future CPU defines stays hidden.
 *
 * Left out on purpose: what needs devices that a plain PC of this kind lacks (APIC, x2APIC, TSC
 * deadline), what the monitor does not virtualize (VME, SEP, MCE, MTRR, PAT, PMU, MPX, CET, SGX,
 * VMX, SVM, PCID, SMEP, SMAP, UMIP, PKU, FSGSBASE, XSAVES), what ring 3 could not be kept from
 * (MONITOR, TSX) and what has no meaning in 32-bit code (LM, SYSCALL on Intel).
 */
#include "wedge/core/cpuid.h"
#include "wedge/core/control.h"
#include "wedge/platform.h"

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1u << (n))
#define BITS(first, last) ((0xffffffffu >> (31 - (last))) & ~(BIT(first) - 1))

/* Leaf 1 and 0x80000001: SDM vol. 2, tables 3-10 and 3-11, AMD APM vol. 3, E.3.2 and E.4. */
#define EDX_FPU_TO_PAE (BIT(0) | BITS(2, 6)) /* FPU DE PSE TSC MSR PAE */
#define LEAF1_EDX                                                                                  \
	(EDX_FPU_TO_PAE | BIT(8) /* CX8 */ | BIT(13) /* PGE */ | BIT(15) /* CMOV */ |              \
	 BIT(19) /* CLFSH */ | BITS(23, 27) /* MMX FXSR SSE SSE2 SS */)
#define LEAF1_ECX                                                                                  \
	(BIT(0) /* SSE3 */ | BIT(1) /* PCLMUL */ | BIT(9) /* SSSE3 */ | BIT(12) /* FMA */ |        \
	 BITS(19, 20) /* SSE4 */ | BITS(22, 23) /* MOVBE POPCNT */ |                               \
	 BITS(25, 26) /* AES XSAVE */ | BITS(28, 30) /* AVX F16C RDRAND */)
#define LEAF1_ECX_XSAVE BIT(26)
#define LEAF1_ECX_OSXSAVE BIT(27)
#define LEAF1_ECX_AVX (BIT(12) | BIT(28) | BIT(29))
#define LEAF1_ECX_HYPERVISOR BIT(31)

#define EXT1_EDX                                                                                   \
	(EDX_FPU_TO_PAE | BIT(8) | BIT(13) | BIT(15) | BIT(20) /* NX */ | BIT(22) /* MMXEXT */ |   \
	 BITS(23, 24) | BIT(27) /* RDTSCP */ | BITS(30, 31) /* 3DNow */)
#define EXT1_EDX_NX BIT(20)
#define EXT1_ECX                                                                                   \
	(BIT(0) /* LAHF */ | BITS(5, 8) /* LZCNT SSE4A MISALIGN PREFETCHW */ | BIT(11) /* XOP */ | \
	 BIT(16) /* FMA4 */ | BIT(21) /* TBM */)
#define EXT1_ECX_AVX (BIT(11) | BIT(16))

/* Leaf 7, SDM vol. 2, table 3-8. */
#define LEAF7_EBX                                                                                  \
	(BIT(1) /* TSC_ADJUST, always there: control_rdmsr */ | BIT(3) /* BMI1 */ |                \
	 BIT(5) /* AVX2 */ | BIT(6) /* FDP */ | BIT(8) /* BMI2 */ | BIT(9) /* ERMS */ |            \
	 BIT(13) /* no FCS/FDS */ | BITS(16, 19) /* AVX512F DQ RDSEED ADX */ |                     \
	 BIT(21) /* IFMA */ | BITS(23, 24) /* CLFLUSHOPT CLWB */ | BITS(26, 31) /* AVX512 SHA */)
#define LEAF7_EBX_TSC_ADJUST BIT(1)
#define LEAF7_EBX_AVX BIT(5)
#define LEAF7_EBX_AVX512 (BITS(16, 17) | BIT(21) | BITS(26, 28) | BITS(30, 31))
#define LEAF7_ECX                                                                                  \
	(BITS(0, 1) /* PREFETCHWT1 VBMI */ | BIT(6) /* VBMI2 */ |                                  \
	 BITS(8, 12) /* GFNI VAES ... */ | BIT(14) /* VPOPCNTDQ */ | BIT(22) /* RDPID */ |         \
	 BIT(25) /* CLDEMOTE */ | BITS(27, 28) /* MOVDIR */)
#define LEAF7_ECX_AVX (BIT(9) | BIT(10))
#define LEAF7_ECX_AVX512 (BIT(1) | BIT(6) | BITS(11, 12) | BIT(14))
#define LEAF7_EDX                                                                                  \
	(BITS(2, 4) /* 4VNNIW 4FMAPS FSRM */ | BIT(8) /* VP2INTERSECT */ |                         \
	 BIT(14) /* SERIALIZE */ | BIT(23) /* FP16 */)
#define LEAF7_EDX_ARCH_CAPABILITIES BIT(29)
#define LEAF7_EDX_AVX512 (BITS(2, 3) | BIT(8) | BIT(23))
#define LEAF7_1_EAX (BIT(4) /* AVX-VNNI */ | BIT(5) /* BF16 */)

/* XCR0, SDM vol. 1, 13.3. */
#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u
#define XCR0_AVX512 0xe0u
#define XCR0_OFFERED (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)
#define XSAVE_LEGACY 576u /* the legacy region and the header */

#define MAX_LEAF 0xdu
#define MAX_EXT_LEAF 0x80000008u
#define HYPERVISOR_LEAF 0x40000000u
#define HYPERVISOR_LAST 0x400000ffu

uint64_t control_xcr0_supported(void)
{
	uint64_t x = platform_xcr0() & XCR0_OFFERED;

	if (!(x & XCR0_AVX) || (x & XCR0_AVX512) != XCR0_AVX512)
		x &= ~(uint64_t)XCR0_AVX512;
	return x;
}

bool cpuid_xcr0_valid(uint64_t x)
{
	if (!(x & XCR0_X87) || (x & ~control_xcr0_supported()))
		return false;
	if ((x & XCR0_AVX) && !(x & XCR0_SSE))
		return false;
	if ((x & XCR0_AVX512) && ((x & XCR0_AVX512) != XCR0_AVX512 || !(x & XCR0_AVX)))
		return false;
	return true;
}

static bool has_avx(void)
{
	return control_xcr0_supported() & XCR0_AVX;
}

static bool has_avx512(void)
{
	return control_xcr0_supported() & XCR0_AVX512;
}

static bool has_xsave(void)
{
	uint32_t r[4];

	platform_cpuid(1, 0, r);
	return (r[ECX] & LEAF1_ECX_XSAVE) && (control_xcr0_supported() & XCR0_X87);
}

static bool has_nx(void)
{
	uint32_t r[4];

	platform_cpuid(0x80000001, 0, r);
	return r[EDX] & EXT1_EDX_NX;
}

uint32_t cpuid_cr4_bits(void)
{
	return CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE | CR4_OSFXSR |
	       CR4_OSXMMEXCPT | (has_xsave() ? CR4_OSXSAVE : 0);
}

uint32_t cpuid_efer_bits(void)
{
	return has_nx() ? MSR_EFER_NXE : 0;
}

static void leaf_1(const struct vcpu *v, uint32_t r[4])
{
	r[EBX] &= 0xff00; /* CLFLUSH line size; APIC id 0, one logical CPU, no brand index */
	r[ECX] &= LEAF1_ECX;
	r[EDX] &= LEAF1_EDX;
	if (!has_xsave())
		r[ECX] &= ~LEAF1_ECX_XSAVE;
	if (!has_avx())
		r[ECX] &= ~LEAF1_ECX_AVX;
	if (v->cr4 & CR4_OSXSAVE)
		r[ECX] |= LEAF1_ECX_OSXSAVE;
	r[ECX] |= LEAF1_ECX_HYPERVISOR;
}

/* Caches: as the host has them, shared by one logical CPU, one core in the package. */
static void leaf_4(uint32_t r[4])
{
	r[EAX] &= 0x3ff;
}

/* Without it a kernel believes the worst of an Intel CPU, and isolates its page tables. */
bool cpuid_arch_capabilities(const struct vcpu *v)
{
	uint32_t r[4];

	platform_cpuid(7, 0, r);
	return (r[EDX] & LEAF7_EDX_ARCH_CAPABILITIES) && v->machine->arch_capabilities;
}

static void leaf_7(const struct vcpu *v, uint32_t subleaf, uint32_t r[4])
{
	if (subleaf == 1) {
		r[EAX] &= has_avx() ? LEAF7_1_EAX : 0;
		if (!has_avx512())
			r[EAX] &= ~BIT(5);
		r[EBX] = r[ECX] = r[EDX] = 0;
		return;
	}
	r[EAX] = r[EAX] ? 1 : 0;
	r[EBX] = (r[EBX] | LEAF7_EBX_TSC_ADJUST) & LEAF7_EBX;
	r[ECX] &= LEAF7_ECX;
	r[EDX] &= LEAF7_EDX | (cpuid_arch_capabilities(v) ? LEAF7_EDX_ARCH_CAPABILITIES : 0);
	if (!has_avx()) {
		r[EBX] &= ~LEAF7_EBX_AVX;
		r[ECX] &= ~LEAF7_ECX_AVX;
	}
	if (!has_avx512()) {
		r[EBX] &= ~LEAF7_EBX_AVX512;
		r[ECX] &= ~LEAF7_ECX_AVX512;
		r[EDX] &= ~LEAF7_EDX_AVX512;
	}
}

/* How large an XSAVE area of these states is: SDM vol. 1, 13.4.3. */
static uint32_t xsave_size(uint64_t states)
{
	uint32_t size = XSAVE_LEGACY, r[4];

	for (unsigned i = 2; i < 32; i++) {
		if (!(states >> i & 1))
			continue;
		platform_cpuid(0xd, i, r);
		if (r[EBX] + r[EAX] > size)
			size = r[EBX] + r[EAX];
	}
	return size;
}

static void leaf_d(const struct vcpu *v, uint32_t subleaf, uint32_t r[4])
{
	uint64_t states = has_xsave() ? control_xcr0_supported() : 0;

	if (subleaf == 0 && states) {
		r[EAX] = states;
		r[EBX] = xsave_size(v->msr.xcr0);
		r[ECX] = xsave_size(states);
		r[EDX] = 0;
	} else if (subleaf == 1 && states) {
		r[EAX] &= BIT(0); /* XSAVEOPT */
		r[EBX] = r[ECX] = r[EDX] = 0;
	} else if (subleaf < 2 || subleaf > 31 || !(states >> subleaf & 1)) {
		r[EAX] = r[EBX] = r[ECX] = r[EDX] = 0;
	}
}

/* Topology: one thread in one core in one package. */
static void leaf_b(uint32_t subleaf, uint32_t r[4])
{
	r[EAX] = 0;
	r[EBX] = subleaf < 2 ? 1 : 0;
	r[ECX] = subleaf < 2 ? (subleaf + 1) << 8 | subleaf : subleaf & 0xff;
	r[EDX] = 0;
}

static void leaf_hypervisor(uint32_t leaf, uint32_t r[4])
{
	static const char name[12] = "Afterburner";

	r[EAX] = r[EBX] = r[ECX] = r[EDX] = 0;
	if (leaf != HYPERVISOR_LEAF)
		return;
	r[EAX] = HYPERVISOR_LEAF;
	for (unsigned i = 0; i < 12; i++)
		r[EBX + i / 4] |= (uint32_t)(uint8_t)name[i] << (i % 4 * 8);
}

static void leaf_ext_1(uint32_t r[4])
{
	r[EBX] = 0;
	r[ECX] &= EXT1_ECX;
	r[EDX] &= EXT1_EDX;
	if (!has_avx())
		r[ECX] &= ~EXT1_ECX_AVX;
}

static void basic_leaf(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	switch (leaf) {
	case 0:
		if (r[EAX] > MAX_LEAF)
			r[EAX] = MAX_LEAF;
		break;
	case 1:
		leaf_1(v, r);
		break;
	case 2: /* cache and TLB descriptors */
		break;
	case 4:
		leaf_4(r);
		break;
	case 7:
		leaf_7(v, subleaf, r);
		break;
	case 0xb:
		if (r[EBX]) /* the host has the leaf */
			leaf_b(subleaf, r);
		break;
	case 0xd:
		leaf_d(v, subleaf, r);
		break;
	default:
		r[EAX] = r[EBX] = r[ECX] = r[EDX] = 0;
	}
}

static void extended_leaf(uint32_t leaf, uint32_t r[4])
{
	switch (leaf) {
	case 0x80000000:
		if (r[EAX] > MAX_EXT_LEAF)
			r[EAX] = MAX_EXT_LEAF;
		break;
	case 0x80000001:
		leaf_ext_1(r);
		break;
	case 0x80000002: /* the brand string */
	case 0x80000003:
	case 0x80000004:
	case 0x80000005: /* caches */
	case 0x80000006:
		break;
	case 0x80000007:
		r[EAX] = r[EBX] = r[ECX] = 0;
		r[EDX] &= platform_tsc_stable() ? BIT(8) : 0; /* invariant TSC */
		break;
	case 0x80000008:
		r[EAX] = 32u << 8 | CPU_PHYS_BITS;
		r[EBX] = r[ECX] = r[EDX] = 0;
		break;
	default:
		r[EAX] = r[EBX] = r[ECX] = r[EDX] = 0;
	}
}

void control_cpuid(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	uint32_t max[4];

	if (leaf >= HYPERVISOR_LEAF && leaf <= HYPERVISOR_LAST) {
		leaf_hypervisor(leaf, r);
		return;
	}
	/* Beyond the last leaf Intel's CPUs answer as the last basic leaf, AMD's with zeroes. */
	platform_cpuid(leaf & 0x80000000, 0, max);
	if (leaf > max[EAX]) {
		r[EAX] = r[EBX] = r[ECX] = r[EDX] = 0;
		return;
	}
	platform_cpuid(leaf, subleaf, r);
	if (leaf & 0x80000000)
		extended_leaf(leaf, r);
	else
		basic_leaf(v, leaf, subleaf, r);
}

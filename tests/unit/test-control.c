/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control and debug registers, MSRs, XCR0 and the CPUID policy: SDM vol. 3, 2.5, 17.2; vol. 2,
 * CPUID. */
#include "tests/unit/cpu.h"

#define NONE 0xff

struct write_case {
	unsigned cr;
	uint32_t value;
	uint8_t vector;
	uint32_t reads;
};

static const struct write_case write_cases[] = {
    {0, CR0_PE, NONE, CR0_PE | CR0_ET}, /* ET is fixed */
    {0, CR0_PE | CR0_TS | CR0_EM | CR0_MP | CR0_NE | CR0_WP | CR0_AM, NONE,
     CR0_PE | CR0_TS | CR0_EM | CR0_MP | CR0_NE | CR0_WP | CR0_AM | CR0_ET},
    {0, CR0_PE | 0x1000ff00, NONE, CR0_PE | CR0_ET}, /* reserved bits do not stick */
    {0, CR0_PE | CR0_NW, VEC_GP, 0},
    {0, CR0_PE | CR0_CD, NONE, CR0_PE | CR0_ET | CR0_CD},
    {0, CR0_PE | CR0_CD | CR0_NW, NONE, CR0_PE | CR0_ET | CR0_CD | CR0_NW},
    {0, CR0_PG, VEC_GP, 0},
    {1, 0, VEC_UD, 0},
    {2, 0x12345678, NONE, 0x12345678},
    {3, 0x12345fff, NONE, 0x12345fff},
    {4, CR4_PSE | CR4_PAE | CR4_PGE | CR4_DE | CR4_TSD, NONE,
     CR4_PSE | CR4_PAE | CR4_PGE | CR4_DE | CR4_TSD},
    {4, CR4_VME, VEC_GP, 0},
    {4, CR4_PVI, VEC_GP, 0},
    {4, CR4_MCE, VEC_GP, 0},
    {4, 1u << 11, VEC_GP, 0}, /* UMIP */
    {4, 1u << 17, VEC_GP, 0}, /* PCIDE */
    {4, 1u << 20, VEC_GP, 0}, /* SMEP */
    {5, 0, VEC_UD, 0},
    {8, 0, VEC_UD, 0},
};

START_TEST(test_cr)
{
	for (size_t i = 0; i < sizeof(write_cases) / sizeof(*write_cases); i++) {
		const struct write_case *c = &write_cases[i];
		struct vcpu *v = cpu_new();
		uint32_t value = 0;

		ck_assert_msg(control_write_cr(v, c->cr, c->value) == (c->vector == NONE),
			      "case %zu", i);
		if (c->vector != NONE) {
			ck_fault(v, c->vector, 0);
		} else {
			ck_assert(control_read_cr(v, c->cr, &value));
			ck_assert_msg(value == c->reads, "case %zu: %x", i, value);
		}
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_real_mode)
{
	struct vcpu *v = cpu_new();

	ck_assert_int_eq(stub_catch(control_write_cr(v, 0, 0)), WEDGE_EXIT_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(stub.messages, "real mode"));
	stub_machine_free(v->machine);
}
END_TEST

static void poke64(struct vcpu *v, uint32_t address, uint64_t value)
{
	poke32(v, address, value);
	poke32(v, address + 4, value >> 32);
}

START_TEST(test_pdptes)
{
	static const uint64_t bad[] = {0x2, 0x4, 0x20, 0x100, 1ull << CPU_PHYS_BITS, 1ull << 63};
	struct vcpu *v = cpu_new();

	ck_assert(control_write_cr(v, 4, CR4_PAE));
	poke64(v, 0x6020, 0x7001);
	poke64(v, 0x6028, 0xfff000000000fffeull & ~1ull); /* absent: anything goes */
	ck_assert(control_write_cr(v, 3, 0x6020));
	ck_assert_uint_eq(v->pdpte[0], 0); /* paging is off */
	ck_assert(control_write_cr(v, 0, v->cr0 | CR0_PG));
	ck_assert_uint_eq(v->pdpte[0], 0x7001);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		poke64(v, 0x6060, 1 | bad[i]);
		ck_assert_msg(!control_write_cr(v, 3, 0x6060), "bit %zu", i);
		ck_fault(v, VEC_GP, 0);
		ck_assert_uint_eq(v->cr3, 0x6020);
		ck_assert_uint_eq(v->pdpte[0], 0x7001);
	}
	poke64(v, 0x6060, 0x8019); /* PWT and PCD are not reserved */
	ck_assert(control_write_cr(v, 3, 0x6060));
	ck_assert_uint_eq(v->pdpte[0], 0x8019);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_flush)
{
	struct vcpu *v = cpu_new();

	poke32(v, 0x6000, 0x83); /* 4 MiB, writable */
	ck_assert(control_write_cr(v, 4, CR4_PSE));
	ck_assert(control_write_cr(v, 3, 0x6000));
	ck_assert(control_write_cr(v, 0, v->cr0 | CR0_PG));
	ck_assert_int_eq(shadow_fault(v, 0x5000, ACCESS_READ), SHADOW_FILLED);
	ck_assert(stub_mapped(0x5000, NULL, NULL));
	ck_assert(control_write_cr(v, 0, v->cr0 | CR0_TS)); /* not one that flushes */
	ck_assert(stub_mapped(0x5000, NULL, NULL));
	ck_assert(control_write_cr(v, 3, 0x6000)); /* the same tables, as they were */
	ck_assert(stub_mapped(0x5000, NULL, NULL));
	poke32(v, 0x6000, 0x82);
	ck_assert(control_write_cr(v, 3, 0x6000));
	ck_assert(!stub_mapped(0x5000, NULL, NULL));
	poke32(v, 0x6000, 0x83);
	ck_assert_int_eq(shadow_fault(v, 0x5000, ACCESS_READ), SHADOW_FILLED);
	ck_assert(control_write_cr(v, 0, v->cr0 | CR0_WP));
	ck_assert(!stub_mapped(0x5000, NULL, NULL));
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_dr)
{
	struct vcpu *v = cpu_new();
	uint32_t value;

	ck_assert(control_write_dr(v, 6, 0));
	ck_assert(control_read_dr(v, 6, &value));
	ck_assert_uint_eq(value, 0xffff0ff0);
	ck_assert(control_write_dr(v, 5, 0xffffdc00)); /* DR7 */
	ck_assert(control_read_dr(v, 7, &value));
	ck_assert_uint_eq(value, 0xffff0400);
	ck_assert(control_write_dr(v, 3, 0x1234));
	ck_assert(control_read_dr(v, 3, &value));
	ck_assert_uint_eq(value, 0x1234);
	v->cr4 |= CR4_DE;
	ck_assert(!control_read_dr(v, 4, &value));
	ck_fault(v, VEC_UD, 0);
	ck_assert(!control_write_dr(v, 5, 0));
	ck_fault(v, VEC_UD, 0);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_dr_general_detect)
{
	struct vcpu *v = cpu_new();
	uint32_t value;

	ck_assert(control_write_dr(v, 7, 0x2000));
	ck_assert(!control_read_dr(v, 0, &value));
	ck_assert_uint_eq(v->fault.vector, VEC_DB);
	ck_assert(v->dr[6] & 0x2000);
	interrupt_fault(v);
	ck_assert_uint_eq(v->eip, HANDLER + 16);
	ck_assert(control_read_dr(v, 7, &value)); /* GD is off in the handler */
	ck_assert_uint_eq(value, 0x400);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_msr)
{
	static const uint32_t unknown[] = {0,          0x1b0,      0x2ff,     0x800,
					   0xc0000081, 0xc0000100, 0x12345678};
	struct vcpu *v = cpu_new();
	uint64_t value;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		ck_assert_msg(!control_rdmsr(v, unknown[i], &value), "%x", unknown[i]);
		ck_fault(v, VEC_GP, 0);
		ck_assert_msg(!control_wrmsr(v, unknown[i], 0), "%x", unknown[i]);
		ck_fault(v, VEC_GP, 0);
	}
	for (uint32_t msr = 0x174; msr <= 0x176; msr++) {
		ck_assert(control_wrmsr(v, msr, 0x1230 + msr));
		ck_assert(control_rdmsr(v, msr, &value));
		ck_assert_uint_eq(value, 0x1230 + msr);
	}
	ck_assert(!control_wrmsr(v, 0x277, 2)); /* a reserved memory type */
	ck_fault(v, VEC_GP, 0);
	stub.tsc = 1000;
	ck_assert(control_wrmsr(v, 0x10, 5));
	stub.tsc = 1010;
	ck_assert(control_rdmsr(v, 0x10, &value));
	ck_assert_uint_eq(value, 15);
	ck_assert_uint_eq(control_tsc(v), 15);
	/* TSC_ADJUST is what the counter was moved by since reset, and moves it. */
	ck_assert(control_rdmsr(v, 0x3b, &value));
	ck_assert_uint_eq(value, (uint64_t)-995);
	ck_assert(control_wrmsr(v, 0x3b, value + 100));
	ck_assert_uint_eq(control_tsc(v), 115);
	ck_assert(control_wrmsr(v, 0x3b, 0));
	ck_assert_uint_eq(control_tsc(v), 1010);
	stub_machine_free(v->machine);
}
END_TEST

/* There only where the host's CPU has it, and something to say. */
START_TEST(test_arch_capabilities)
{
	struct vcpu *v = cpu_new();
	uint32_t r[4], host[4];
	uint64_t value;

	platform_cpuid(7, 0, host);
	for (uint64_t bits = 0; bits < 2; bits++) {
		v->machine->arch_capabilities = bits;
		control_cpuid(v, 7, 0, r);
		ck_assert_uint_eq(r[3] & 1u << 29, bits ? host[3] & 1u << 29 : 0);
		if (r[3] & 1u << 29) {
			ck_assert(control_rdmsr(v, 0x10a, &value));
			ck_assert_uint_eq(value, bits);
		} else {
			ck_assert(!control_rdmsr(v, 0x10a, &value));
			ck_fault(v, VEC_GP, 0);
		}
		ck_assert(!control_wrmsr(v, 0x10a, 0));
		ck_fault(v, VEC_GP, 0);
	}
	stub_machine_free(v->machine);
}
END_TEST

/* The northbridge's configuration exists on AMD's CPUs, and keeps nothing. */
START_TEST(test_nb_cfg)
{
	struct vcpu *v = cpu_new();
	uint32_t host[4];
	uint64_t value = 1;
	bool amd;

	platform_cpuid(0, 0, host);
	amd = !memcmp(&host[1], "Auth", 4) || !memcmp(&host[1], "Hygo", 4);
	ck_assert_int_eq(control_wrmsr(v, 0xc001001f, 1ull << 46), amd);
	ck_assert_int_eq(control_rdmsr(v, 0xc001001f, &value), amd);
	ck_assert_uint_eq(value, !amd);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_efer)
{
	struct vcpu *v = cpu_new();
	uint32_t r[4];
	uint64_t value;

	control_cpuid(v, 0x80000001, 0, r);
	if (r[3] & 1u << 20) {
		ck_assert(control_wrmsr(v, 0xc0000080, MSR_EFER_NXE));
		ck_assert(control_rdmsr(v, 0xc0000080, &value));
		ck_assert_uint_eq(value, MSR_EFER_NXE);
	}
	ck_assert(!control_wrmsr(v, 0xc0000080, 0x100)); /* LME */
	ck_fault(v, VEC_GP, 0);
	ck_assert(!control_wrmsr(v, 0xc0000080, 1)); /* SCE */
	ck_fault(v, VEC_GP, 0);
	stub_machine_free(v->machine);
}
END_TEST

/* Bits that must be clear whatever the host has: leaf, register, mask. */
struct hidden {
	uint32_t leaf;
	unsigned reg;
	uint32_t mask;
};

static const struct hidden hidden[] = {
    {1, 3,
     1u << 1 | 1u << 7 | 1u << 9 | 1u << 11 | 1u << 12 | 1u << 14 | 1u << 16 | 1u << 17 | 1u << 28},
    {1, 2, 1u << 3 | 1u << 5 | 1u << 6 | 1u << 15 | 1u << 17 | 1u << 21 | 1u << 24},
    {1, 1, 0xffff00ff},
    {4, 0, 0xfffffc00},
    {5, 0, 0xffffffff},
    {6, 0, 0xffffffff},
    {7, 1, 1u << 0 | 1u << 2 | 1u << 4 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 14 | 1u << 20},
    {7, 2, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 7},
    {7, 3, 1u << 20 | 0xfc000000},
    {0xa, 0, 0xffffffff},
    {0x80000001, 3, 1u << 11 | 1u << 29},
    {0x80000001, 2, 1u << 2 | 1u << 12},
};

START_TEST(test_cpuid_hides)
{
	struct vcpu *v = cpu_new();
	uint32_t r[4];

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		control_cpuid(v, hidden[i].leaf, 0, r);
		ck_assert_msg(!(r[hidden[i].reg] & hidden[i].mask), "case %zu: %x", i,
			      r[hidden[i].reg]);
	}
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_cpuid_shows)
{
	struct vcpu *v = cpu_new();
	uint32_t r[4], host[4];

	control_cpuid(v, 0, 0, r);
	platform_cpuid(0, 0, host);
	ck_assert(!memcmp(r + 1, host + 1, 12)); /* the host's vendor */
	ck_assert_uint_le(r[0], 0xd);
	control_cpuid(v, 1, 0, r);
	ck_assert_uint_eq(r[3] & 0x06008111, 0x06008111); /* FPU TSC CX8 CMOV SSE SSE2 */
	ck_assert(r[2] & 1u << 31);
	ck_assert(!(r[2] & 1u << 28)); /* the stub has no AVX state */
	control_cpuid(v, 7, 0, r);
	ck_assert(r[1] & 1u << 1); /* TSC_ADJUST */
	control_cpuid(v, 0x40000000, 0, r);
	ck_assert(!memcmp(r + 1, "Afterburner", 12));
	control_cpuid(v, 0x7fffffff, 0, r);
	ck_assert_uint_eq(r[0] | r[1] | r[2] | r[3], 0);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_xsave)
{
	struct vcpu *v = cpu_new();
	uint32_t r[4];

	ck_assert(!control_xsetbv(v, 0, 1));
	ck_fault(v, VEC_UD, 0);
	control_cpuid(v, 1, 0, r);
	ck_assert(!(r[2] & 1u << 27));
	if (!(r[2] & 1u << 26)) {
		ck_assert(!control_write_cr(v, 4, CR4_OSXSAVE));
		return;
	}
	ck_assert(control_write_cr(v, 4, CR4_OSXSAVE));
	control_cpuid(v, 1, 0, r);
	ck_assert(r[2] & 1u << 27);
	ck_assert(control_xsetbv(v, 0, 3));
	ck_assert_uint_eq(v->msr.xcr0, 3);
	control_cpuid(v, 0xd, 0, r);
	ck_assert_uint_eq(r[0], 3);
	ck_assert_uint_eq(r[1], 576);
	ck_assert_uint_eq(r[2], 576);
	ck_assert(!control_xsetbv(v, 0, 2)); /* x87 is always on */
	ck_fault(v, VEC_GP, 0);
	ck_assert(!control_xsetbv(v, 0, 7)); /* not offered */
	ck_fault(v, VEC_GP, 0);
	ck_assert(!control_xsetbv(v, 1, 3));
	ck_fault(v, VEC_GP, 0);
	stub_machine_free(v->machine);
}
END_TEST

UNIT_MAIN("control", test_cr, test_real_mode, test_pdptes, test_flush, test_dr,
	  test_dr_general_detect, test_msr, test_arch_capabilities, test_nb_cfg, test_efer,
	  test_cpuid_hides, test_cpuid_shows, test_xsave)

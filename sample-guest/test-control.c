/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control, debug and model-specific registers, CPUID, time-stamp counter: SDM vol. 3, 2.5, 17.2;
 * vol. 4. */
#include "test.h"

#define CPUID_FPU 0x1u /* leaf 1, edx */
#define CPUID_PSE 0x8u
#define CPUID_TSC 0x10u
#define CPUID_CX8 0x100u
#define CPUID_SEP 0x800u
#define CPUID_PGE 0x2000u
#define CPUID_CMOV 0x8000u
#define CPUID_PAT 0x10000u
#define CPUID_FXSR 0x1000000u
#define CPUID_SSE2 0x4000000u
#define CPUID_XSAVE 0x4000000u /* leaf 1, ecx */
#define CPUID_OSXSAVE 0x8000000u
#define CPUID_NX 0x100000u /* leaf 0x80000001, edx */
#define CPUID_RDTSCP 0x8000000u

static uint32_t cpuid_edx(uint32_t leaf)
{
	uint32_t r[4];

	cpuid(leaf, 0, r);
	return r[3];
}

static uint32_t cpuid_ecx(uint32_t leaf)
{
	uint32_t r[4];

	cpuid(leaf, 0, r);
	return r[2];
}

static bool t_cr0(void)
{
	static const uint32_t bits[] = {CR0_MP, CR0_TS, CR0_AM, CR0_WP};
	uint32_t before = read_cr0(), seen;
	unsigned i;

	CHECK((before & (CR0_PE | CR0_PG | CR0_ET)) == (CR0_PE | CR0_PG | CR0_ET));
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		write_cr0(before ^ bits[i]);
		seen = read_cr0();
		write_cr0(before);
		CHECK(seen == (before ^ bits[i]));
	}
	CHECK(read_cr0() == before);
	return true;
}

static bool t_clts(void)
{
	uint32_t before = read_cr0(), cleared;

	write_cr0(before | CR0_TS);
	clts();
	cleared = read_cr0();
	write_cr0(before);
	CHECK(cleared == (before & ~CR0_TS));
	return true;
}

static bool t_cr2(void)
{
	write_cr2(0x12345678);
	CHECK(read_cr2() == 0x12345678);
	write_cr2(0);
	CHECK(read_cr2() == 0);
	return true;
}

static bool t_cr3(void)
{
	uint32_t before = read_cr3();

	CHECK(before && !(before & 0xfff));
	write_cr3(before);
	CHECK(read_cr3() == before);
	return true;
}

static bool t_cr4(void)
{
	uint32_t before = read_cr4(), seen;

	CHECK(before & CR4_PSE);
	write_cr4(before ^ CR4_DE);
	seen = read_cr4();
	write_cr4(before);
	CHECK(seen == (before ^ CR4_DE));
	CHECK(read_cr4() == before);
	return true;
}

static bool t_cr_registers(void)
{
	uint32_t cr0 = read_cr0(), a, b, c, d, si, di;

	/* The same by every general register. */
	asm volatile("movl %%cr0, %%eax; movl %%cr0, %%ebx; movl %%cr0, %%ecx; movl %%cr0, %%edx; "
		     "movl %%cr0, %%esi; movl %%cr0, %%edi"
		     : "=a"(a), "=b"(b), "=c"(c), "=d"(d), "=S"(si), "=D"(di));
	CHECK(a == cr0 && b == cr0 && c == cr0 && d == cr0 && si == cr0 && di == cr0);
	return true;
}

#define DR_TEST(n)                                                                                 \
	static bool t_dr##n(void)                                                                  \
	{                                                                                          \
		uint32_t value, zero;                                                              \
                                                                                                   \
		asm volatile("movl %2, %%db" #n "; movl %%db" #n ", %0; movl %3, %%db" #n          \
			     "; movl %%db" #n ", %1"                                               \
			     : "=&r"(value), "=&r"(zero)                                           \
			     : "r"(0xdeadbee0 + n), "r"(0));                                       \
		CHECK(value == 0xdeadbee0 + n && zero == 0);                                       \
		return true;                                                                       \
	}
DR_TEST(0)
DR_TEST(1)
DR_TEST(2)
DR_TEST(3)

static bool t_dr6(void)
{
	uint32_t value;

	asm volatile("movl %1, %%db6; movl %%db6, %0" : "=&r"(value) : "r"(0));
	CHECK(value == 0xffff0ff0); /* the reserved bits read as fixed */
	asm volatile("movl %1, %%db6; movl %%db6, %0" : "=&r"(value) : "r"(0x4003));
	CHECK((value & 0xe00f) == 0x4003);
	asm volatile("movl %0, %%db6" ::"r"(0));
	return true;
}

static bool t_dr7(void)
{
	uint32_t value;

	asm volatile("movl %1, %%db7; movl %%db7, %0" : "=&r"(value) : "r"(0));
	CHECK(value == 0x400); /* bit 10 reads as one */
	return true;
}

static bool t_dr4_dr5(void)
{
	uint32_t cr4 = read_cr4(), alias;

	write_cr4(cr4 & ~CR4_DE);
	asm volatile("movl %%db5, %0" : "=r"(alias));
	write_cr4(cr4 | CR4_DE);
	TRY("movl %%db4, %%eax", ::: "eax");
	write_cr4(cr4);
	CHECK(alias == 0x400); /* DR5 means DR7 */
	CHECK(faulted(VEC_UD, 0));
	return true;
}

static bool holds(uint32_t msr, uint64_t value)
{
	uint64_t before = rdmsr(msr), seen;

	wrmsr(msr, value);
	seen = rdmsr(msr);
	wrmsr(msr, before);
	return seen == value && rdmsr(msr) == before;
}

static bool t_msr(void)
{
	uint32_t edx = cpuid_edx(1);

	/* Only what CPUID announces. */
	if (edx & CPUID_SEP)
		CHECK(holds(0x174, KERNEL_CS) && holds(0x175, 0xc0001000) &&
		      holds(0x176, 0xc0002000));
	if (edx & CPUID_PAT)
		CHECK(holds(0x277, 0x0007040600070406ull));
	if (cpuid_edx(0x80000000 | 1) & CPUID_NX)
		CHECK(holds(0xc0000080, 0x800)); /* EFER.NXE */
	return true;
}

static bool t_cpuid(void)
{
	uint32_t need =
	    CPUID_FPU | CPUID_PSE | CPUID_TSC | CPUID_CX8 | CPUID_CMOV | CPUID_FXSR | CPUID_SSE2;
	uint32_t a[4], b[4];

	cpuid(0, 0, a);
	CHECK(a[0] >= 1);
	cpuid(1, 0, a);
	cpuid(1, 0, b);
	CHECK(!memcmp(a, b, sizeof(a)));
	CHECK((a[3] & need) == need);
	cpuid(0x80000000, 0, a);
	CHECK(a[0] >= 0x80000001);
	return true;
}

static bool t_cpuid_flags(void)
{
	uint32_t mask = FLAGS_ARITHMETIC, flags;

	asm volatile("pushl %1; popfl; xchgl %%eax, %%esi; cpuid; pushfl; popl %0; sti"
		     : "=&D"(flags)
		     : "r"(mask), "S"(0)
		     : "eax", "ebx", "ecx", "edx", "memory", "cc");
	CHECK((flags & mask) == mask);
	return true;
}

static bool t_rdtsc(void)
{
	uint64_t a = rdtsc(), b;

	do
		b = rdtsc();
	while (b == a);
	CHECK(b > a);
	return true;
}

static bool t_rdtscp(void)
{
	bool has = cpuid_edx(0x80000001) & CPUID_RDTSCP;
	uint64_t before = rdtsc();
	uint32_t low = 0, high = 0;

	TRY("rdtscp", : "+a"(low), "+d"(high)::"ecx");
	if (has)
		CHECK(no_fault() && ((uint64_t)high << 32 | low) >= before);
	else
		CHECK(faulted(VEC_UD, 0));
	return true;
}

static bool t_xgetbv(void)
{
	bool has = cpuid_ecx(1) & CPUID_XSAVE;
	uint32_t cr4 = read_cr4(), announced = 0, low = 0;

	TRY("xgetbv", : "+a"(low) : "c"(0) : "edx");
	CHECK(faulted(VEC_UD, 0)); /* CR4.OSXSAVE is clear */
	if (!has)
		return true;
	write_cr4(cr4 | CR4_OSXSAVE);
	announced = cpuid_ecx(1) & CPUID_OSXSAVE;
	TRY("xgetbv", : "+a"(low) : "c"(0) : "edx");
	write_cr4(cr4);
	CHECK(no_fault() && (low & 1)); /* x87 state is always on */
	CHECK(announced && !(cpuid_ecx(1) & CPUID_OSXSAVE));
	return true;
}

static bool t_xsetbv(void)
{
	uint32_t cr4 = read_cr4(), after = 0;
	bool bad, good;

	TRY("xsetbv", ::"a"(1), "d"(0), "c"(0));
	CHECK(faulted(VEC_UD, 0));
	if (!(cpuid_ecx(1) & CPUID_XSAVE))
		return true;
	write_cr4(cr4 | CR4_OSXSAVE);
	TRY("xsetbv", ::"a"(2), "d"(0), "c"(0));
	bad = faulted(VEC_GP, 0); /* SSE without x87 */
	TRY("xsetbv; xgetbv", : "=a"(after) : "0"(3), "d"(0), "c"(0));
	good = no_fault() && after == 3;
	TRY("xsetbv", ::"a"(1), "d"(0), "c"(0));
	write_cr4(cr4);
	CHECK(bad && good && no_fault());
	return true;
}

static bool t_wbinvd(void)
{
	static volatile uint32_t memory;

	memory = 0x600d;
	asm volatile("wbinvd" ::: "memory");
	CHECK(memory == 0x600d);
	return true;
}

/* invd forgets what the caches hold: only directly behind wbinvd is there nothing to lose. */
static bool t_invd(void)
{
	static volatile uint32_t memory;

	memory = 0xcace;
	asm volatile("pushf; cli; wbinvd; invd; popf" ::: "memory");
	CHECK(memory == 0xcace);
	return true;
}

static bool t_hlt(void)
{
	uint32_t before;

	await_pending_tick();
	before = ticks;
	wait_for_interrupt(); /* one is there already */
	CHECK(ticks != before);
	before = ticks;
	wait_for_interrupt();
	CHECK(ticks != before);
	return true;
}

const struct test control_tests[] = {
    {"CR0 holds what is written", t_cr0},
    {"clts clears CR0.TS alone", t_clts},
    {"CR2 holds what is written", t_cr2},
    {"CR3 holds what is written", t_cr3},
    {"CR4 holds what is written", t_cr4},
    {"mov from CR0 to every general register", t_cr_registers},
    {"DR0 holds what is written", t_dr0},
    {"DR1 holds what is written", t_dr1},
    {"DR2 holds what is written", t_dr2},
    {"DR3 holds what is written", t_dr3},
    {"DR6 holds what is written", t_dr6},
    {"DR7 holds what is written", t_dr7},
    {"DR4 and DR5 are aliases, or #UD with CR4.DE", t_dr4_dr5},
    {"rdmsr and wrmsr of what CPUID announces", t_msr},
    {"cpuid gives the same twice, and what this kernel needs", t_cpuid},
    {"cpuid keeps the flags", t_cpuid_flags},
    {"rdtsc counts up", t_rdtsc},
    {"rdtscp as CPUID announces it", t_rdtscp},
    {"xgetbv as CPUID announces it", t_xgetbv},
    {"xsetbv as CPUID announces it", t_xsetbv},
    {"wbinvd keeps memory", t_wbinvd},
    {"invd behind wbinvd keeps memory", t_invd},
    {"hlt waits for an interrupt", t_hlt},
    {0},
};

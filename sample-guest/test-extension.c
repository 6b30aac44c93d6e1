/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Instructions that came later. Whether a CPU has them is for CPUID to say, and what it denies must
 * raise #UD; so these tests have the same names and the same results everywhere.
 */
#include "test.h"

#define LEAF1_EDX_SEP 0x800u
#define LEAF1_ECX_MONITOR 0x8u
#define LEAF7_EBX_INVPCID 0x400u
#define LEAF7_EBX_SMAP 0x100000u
#define LEAF7_ECX_RDPID 0x400000u
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

enum { EAX, EBX, ECX, EDX };

static bool announced(uint32_t leaf, unsigned reg, uint32_t bit)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (leaf > r[EAX])
		return false;
	cpuid(leaf, 0, r);
	return r[reg] & bit;
}

static bool t_clac_stac(void)
{
	uint32_t set = 0, cleared = 0;

	TRY("stac; pushfl; popl %0; clac; pushfl; popl %1",
	    : "=&r"(set), "=&r"(cleared)::"memory", "cc");
	if (!announced(7, EBX, LEAF7_EBX_SMAP)) {
		CHECK(faulted(VEC_UD, 0));
		TRY("clac", ::: "cc");
		CHECK(faulted(VEC_UD, 0));
		return true;
	}
	CHECK(no_fault() && (set & FLAG_AC) && !(cleared & FLAG_AC));
	return true;
}

static bool t_monitor_mwait(void)
{
	static uint32_t watched;

	if (!announced(1, ECX, LEAF1_ECX_MONITOR)) {
		TRY("monitor", ::"a"(&watched), "c"(0), "d"(0));
		CHECK(faulted(VEC_UD, 0));
		TRY("mwait", ::"a"(0), "c"(0));
		CHECK(faulted(VEC_UD, 0));
		return true;
	}
	await_pending_tick();
	TRY("monitor", ::"a"(&watched), "c"(0), "d"(0) : "memory");
	asm volatile("sti; mwait" ::"a"(0), "c"(0) : "memory");
	CHECK(no_fault());
	return true;
}

static bool t_invpcid(void)
{
	static const uint64_t descriptor[2];

	TRY("invpcid %0, %1", ::"m"(descriptor), "r"(2) : "memory");
	CHECK(announced(7, EBX, LEAF7_EBX_INVPCID) ? no_fault() : faulted(VEC_UD, 0));
	return true;
}

static bool t_rdpid(void)
{
	uint32_t id = 0, aux = 0;

	TRY("rdpid %0", : "+r"(id));
	if (!announced(7, ECX, LEAF7_ECX_RDPID)) {
		CHECK(faulted(VEC_UD, 0));
		return true;
	}
	CHECK(no_fault());
	TRY("rdtscp", : "=c"(aux)::"eax", "edx");
	CHECK(no_fault() && id == aux);
	return true;
}

static bool t_rdpkru(void)
{
	/* Without CR4.PKE these are undefined, whether or not the CPU has protection keys. */
	TRY("rdpkru", ::"c"(0) : "eax", "edx");
	CHECK(faulted(VEC_UD, 0));
	TRY("wrpkru", ::"a"(0), "c"(0), "d"(0));
	CHECK(faulted(VEC_UD, 0));
	return true;
}

static bool t_xsaves(void)
{
	static uint8_t area[1024] __attribute__((aligned(64)));

	/* Likewise without CR4.OSXSAVE. */
	TRY("xsaves %0", : "+m"(area) : "a"(1), "d"(0) : "memory");
	CHECK(faulted(VEC_UD, 0));
	TRY("xrstors %0", ::"m"(area), "a"(1), "d"(0) : "memory");
	CHECK(faulted(VEC_UD, 0));
	return true;
}

static bool t_rdpmc(void)
{
	TRY("rdpmc", ::"c"(0x3fffffff) : "eax", "edx"); /* no CPU has that many counters */
	CHECK(caught.count == 1 && (caught.vector == VEC_GP || caught.vector == VEC_UD));
	return true;
}

static bool t_sysenter(void)
{
	uint32_t esp = 0, cs = 0;
	extern char sysenter_target[];

	if (!announced(1, EDX, LEAF1_EDX_SEP)) {
		TRY("sysenter", ::: "memory");
		CHECK(caught.count == 1 && (caught.vector == VEC_GP || caught.vector == VEC_UD));
		return true;
	}
	wrmsr(MSR_SYSENTER_CS, KERNEL_CS);
	wrmsr(MSR_SYSENTER_ESP, 0xc0001234);
	wrmsr(MSR_SYSENTER_EIP, (uint32_t)sysenter_target);
	cli(); /* the stack that it loads is none */
	asm volatile("movl %%esp, %%ebx; sysenter; ud2\n"
		     "sysenter_target: movl %%esp, %0; movl %%ebx, %%esp; movl %%cs, %1"
		     : "=&r"(esp), "=&r"(cs)::"ebx", "memory");
	sti();
	wrmsr(MSR_SYSENTER_CS, 0);
	CHECK(esp == 0xc0001234 && cs == KERNEL_CS);
	return true;
}

static bool t_sysexit(void)
{
	TRY("sysexit", ::"c"(0), "d"(0) : "memory"); /* SYSENTER_CS is 0 */
	CHECK(announced(1, EDX, LEAF1_EDX_SEP)
		  ? faulted(VEC_GP, 0)
		  : caught.vector == VEC_GP || caught.vector == VEC_UD);
	return true;
}

static bool t_syscall(void)
{
	TRY("syscall", ::: "ecx", "memory"); /* EFER.SCE is clear */
	CHECK(faulted(VEC_UD, 0));
	TRY(".byte 0x0f, 0x07", ::: "memory"); /* sysret */
	CHECK(faulted(VEC_UD, 0));
	return true;
}

static bool t_rsm(void)
{
	TRY("rsm", ::: "memory"); /* outside of system-management mode */
	CHECK(faulted(VEC_UD, 0));
	return true;
}

const struct test extension_tests[] = {
    {"clac and stac as CPUID announces them", t_clac_stac},
    {"monitor and mwait as CPUID announces them", t_monitor_mwait},
    {"invpcid as CPUID announces it", t_invpcid},
    {"rdpid as CPUID announces it", t_rdpid},
    {"rdpkru and wrpkru are #UD without CR4.PKE", t_rdpkru},
    {"xsaves and xrstors are #UD without CR4.OSXSAVE", t_xsaves},
    {"rdpmc of a counter that is not there faults", t_rdpmc},
    {"sysenter as CPUID announces it", t_sysenter},
    {"sysexit as CPUID announces it", t_sysexit},
    {"syscall and sysret are #UD without EFER.SCE", t_syscall},
    {"rsm is #UD", t_rsm},
    {0},
};

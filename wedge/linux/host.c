/* SPDX-License-Identifier: MIT */
/* The rest of platform.h: the host's CPU, messages, the end. */
#include <cpuid.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "wedge/linux/debug.h"
#include "wedge/linux/run.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

void platform_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	__cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
}

/*
 * Bits of IA32_ARCH_CAPABILITIES (SDM vol. 4, table 2-2), which only ring 0 can read, by what the
 * host says of it: the names of its files in /sys/devices/system/cpu/vulnerabilities.
 */
static const struct {
	const char *name;
	uint64_t bits;
} immunities[] = {
    {"meltdown", 1u << 0},     {"spec_store_bypass", 1u << 4}, {"mds", 1u << 5},
    {"itlb_multihit", 1 << 6}, {"tsx_async_abort", 1u << 8},   {"mmio_stale_data", 7u << 13},
};

uint64_t host_immunities(void)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof immunities / sizeof *immunities; i++) {
		char text[128] = "";
		FILE *f;

		snprintf(text, sizeof text, "/sys/devices/system/cpu/vulnerabilities/%s",
			 immunities[i].name);
		f = fopen(text, "re");
		if (!f)
			continue;
		if (fgets(text, sizeof text, f) && !strcmp(text, "Not affected\n"))
			bits |= immunities[i].bits;
		fclose(f);
	}
	return bits;
}

uint64_t platform_xcr0(void)
{
	return linux_state.xcr0;
}

/* XCR0 belongs to the host: the guest may name any states the host has, the rest is just not looked
 * at. */
bool platform_xsetbv(uint64_t xcr0)
{
	return !(xcr0 & ~linux_state.xcr0);
}

/* Before power on there is no guest whose state could be lost. */
void platform_fpu_save(void)
{
	if (linux_state.xcr0)
		linux_fpu_save();
}

void platform_fpu_restore(void)
{
	if (linux_state.xcr0)
		linux_fpu_restore();
}

static int format(char *line, size_t size, const char *fmt, va_list ap)
{
	int n;

	platform_fpu_save();
	n = vsnprintf(line, size, fmt, ap);
	platform_fpu_restore();
	return n < (int)size ? n : (int)size - 1;
}

bool platform_random(void *to, size_t size)
{
	uint8_t *t = to;

	while (size) {
		long n = host_syscall(SYS_getrandom, (long)t, (long)size, 0, 0, 0, 0);

		if (n < 0 && n != -EINTR)
			return false;
		if (n > 0) {
			t += n;
			size -= (size_t)n;
		}
	}
	return true;
}

void platform_message(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = format(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	line[n++] = '\n';
	serial_flush();
	host_syscall(SYS_write, STDERR_FILENO, (long)"afterburn: ", 11, 0, 0, 0);
	host_syscall(SYS_write, STDERR_FILENO, (long)line, n, 0, 0, 0);
}

_Noreturn void platform_exit(struct machine *m, int status)
{
	gdb_end(status);
	serial_restore();
	if (m->stats)
		report_stats(m);
	spaces_exit(status);
}

_Noreturn void report_internal(const char *what, uint64_t value)
{
	platform_message("internal error: %s (0x%llx)", what, (unsigned long long)value);
	platform_exit(&linux_machine.m, WEDGE_EXIT_INTERNAL);
}

_Noreturn void report_signal(int sig, const void *context)
{
	const greg_t *g = ((const ucontext_t *)context)->uc_mcontext.gregs;

	platform_message("internal error: %s in the monitor: cs %04llx rip %llx (entry %p) rsp "
			 "%llx trap %lld error %llx "
			 "address %llx; guest at %08x",
			 strsignal(sig), g[REG_CSGSFS] & 0xffffll, g[REG_RIP],
			 (void *)(uintptr_t)linux_gate_entry, g[REG_RSP], g[REG_TRAPNO], g[REG_ERR],
			 g[REG_CR2], linux_machine.m.cpu.eip);
	platform_exit(&linux_machine.m, WEDGE_EXIT_INTERNAL);
}

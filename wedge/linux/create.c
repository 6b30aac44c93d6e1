/* SPDX-License-Identifier: MIT */
/* Making and starting the machine. */
#include <asm/prctl.h>
#include <cpuid.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#include "wedge/core/code.h"
#include "wedge/core/space.h"
#include "wedge/linux/debug.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/platform.h"

#define HWCAP2_FSGSBASE_BIT 2
#define STACK_SIZE 0x40000
#define FPU_SIZE 0x4000  /* more than any XSAVE area without AMX */
#define SHARED_CODE 4096 /* fastpath.c, behind the trampolines */
#define XCR0_AMX 0x60000ull

struct linux_machine linux_machine;
struct state linux_state;
uint8_t linux_fpu[FPU_SIZE] __attribute__((aligned(64)));

/* Stacks are each process's own (spaces.c), unlike static data. */
static void *new_stack(void)
{
	void *stack =
	    mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return stack == MAP_FAILED ? NULL : stack;
}

static uint64_t xgetbv(uint32_t n)
{
	uint32_t lo, hi;

	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(n));
	return (uint64_t)hi << 32 | lo;
}

/* What the host must have. */
static bool check_host(void)
{
	uint32_t a, b, c = 0, d;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT)) {
		platform_message("the host has no FSGSBASE: a Linux kernel of 5.9 or later on a "
				 "CPU with it is needed");
		return false;
	}
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) {
		platform_message("the host CPU has no XSAVE");
		return false;
	}
	return true;
}

/* Bytes of an XSAVE area for what is enabled now: SDM vol. 1, 13.2. */
static size_t xsave_size(void)
{
	uint32_t a, b = 0, c, d;

	__get_cpuid_count(0xd, 0, &a, &b, &c, &d);
	return b < FPU_SIZE ? b : FPU_SIZE;
}

/* All else zero: SDM vol. 1, 13.6. */
void linux_fpu_initial(uint8_t *area)
{
	memset(area, 0, FPU_SIZE);
	area[0] = 0x7f; /* FCW = 0x037f */
	area[1] = 0x03;
	area[24] = 0x80; /* MXCSR = 0x1f80 */
	area[25] = 0x1f;
}

static void init_fpu(void)
{
	linux_fpu_initial(linux_fpu);
	linux_state.xcr0 = xgetbv(0) & ~XCR0_AMX;
	linux_machine.fpu_size = xsave_size();
}

static bool install_signals(void *signal_stack)
{
	static const int signals[] = {SIGSEGV, SIGBUS,  SIGILL, SIGFPE, SIGTRAP, SIGSYS,
				      SIGALRM, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD};
	stack_t stack = {.ss_sp = signal_stack, .ss_size = STACK_SIZE};
	/* A handler does not always return (entry.S), so no signal may be blocked while it runs. */
	struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER};
	bool ok = signal_stack && sigaltstack(&stack, NULL) == 0;

	a.sa_sigaction = (void (*)(int, siginfo_t *, void *))(uintptr_t)linux_signal_entry;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		ok = ok && sigaction(signals[i], &a, NULL) == 0;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a disk image at the limit for files: EFBIG is enough */
	return ok;
}

/* Where the host lets a process map its first page. */
static uint32_t lowest_page(void)
{
	char text[24] = "";
	int fd = open("/proc/sys/vm/mmap_min_addr", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		strcpy(text, "65536"); /* what it is mostly; lower pages are emulated */
	if (fd >= 0)
		close(fd);
	return (uint32_t)((strtoul(text, NULL, 10) + 0xfff) & ~0xffful);
}

struct machine *linux_create(const struct linux_config *c)
{
	struct linux_machine *lm = &linux_machine;
	struct machine *m = &lm->m;

	memset(lm, 0, sizeof *lm);
	lm->config = *c;
	m->ram_size = c->ram_size;
	m->window = c->window ? c->window : LINUX_WINDOW_DEFAULT;
	m->window_size = LINUX_WINDOW_SIZE;
	m->trace = c->trace;
	m->stats = c->stats;
	m->no_reboot = c->no_reboot;
	m->arch_capabilities = host_immunities();
	m->cpu.machine = m;
	m->spaces = spaces_memory(NULL, LINUX_SPACES * sizeof *m->spaces);
	m->nr_spaces = 1;
	lm->isolated = c->isolated;
	if (c->isolated) {
		m->user_spaces = spaces_memory(NULL, LINUX_SPACES * sizeof *m->spaces);
		lm->lowest_page = lowest_page();
	}
	m->code = spaces_memory(NULL, sizeof *m->code);
	m->changes = code_changed;
	if (!check_host() || !memory_create(lm))
		return NULL;
	segments_init();
	if (m->stats)
		m->ran = (uint32_t *)(void *)(lm->window_code + WINDOW_COUNTERS);
	m->nr_ran = WINDOW_MAX_COUNTERS;
	if (!fastpath_init()) {
		platform_message("the host refuses an LDT entry: modify_ldt is needed");
		return NULL;
	}
	vcpu_reset(&m->cpu);
	return m;
}

void linux_trampolines(struct machine *m, uint8_t **code, uint32_t *at, size_t *room)
{
	*code = linux_machine.window_code + WINDOW_TRAMPOLINES;
	*at = m->window + WINDOW_TRAMPOLINES;
	*room = m->window_size - WINDOW_TRAMPOLINES - WINDOW_TAIL - SHARED_CODE;
}

/* State that a reset makes anew. */
static void power_on(struct linux_machine *lm)
{
	if (!memory_map_aliases(lm))
		platform_exit(&lm->m, WEDGE_EXIT_INTERNAL);
	init_fpu();
	gdb_reset();
	lm->entered_user = false;
	lm->m.nr_spaces = 1;
	linux_machine.win->site = SITE_NONE;
	linux_state.reload = 1;
	platform_tables(&lm->m.cpu);
	for (int s = 0; s < NR_SEGS; s++)
		lm->m.cpu.seg[s].host = 0;
	vcpu_exit(&lm->m.cpu, &(struct exit){.kind = EXIT_INTERRUPT});
	state_leave(&lm->m.cpu);
}

_Noreturn void linux_run(struct machine *m, bool (*reload)(struct machine *m, void *arg), void *arg)
{
	struct linux_machine *lm = (struct linux_machine *)m;
	unsigned long fs = 0;
	void *monitor_stack = new_stack();

	lm->reload = reload;
	lm->reload_arg = arg;
	host_syscall(SYS_arch_prctl, ARCH_GET_FS, (long)&fs, 0, 0, 0, 0);
	linux_state.host_fs = fs;
	linux_state.host_rsp = (uintptr_t)monitor_stack + STACK_SIZE;
	if (!monitor_stack || !install_signals(new_stack())) {
		platform_message("the host refuses memory for a stack: see ulimit -v");
		platform_exit(m, WEDGE_EXIT_INTERNAL);
	}
	serial_init(&lm->config);
	if (!gdb_init(&lm->config) || !time_init() || !spaces_create(m))
		platform_exit(m, WEDGE_EXIT_INTERNAL);
	devices_init(m); /* they look at the clock */
	power_on(lm);
	if (lm->config.stopped) {
		gdb_begin(&m->cpu);
		state_leave(&m->cpu);
	}
	linux_resume();
}

_Noreturn void platform_reset(struct machine *m)
{
	struct linux_machine *lm = (struct linux_machine *)m;

	serial_flush();
	if (m->no_reboot || !lm->reload)
		platform_exit(m, WEDGE_EXIT_OK);
	vcpu_reset(&m->cpu);
	memset(&m->bus, 0, sizeof m->bus);
	if (!lm->reload(m, lm->reload_arg))
		platform_exit(m, WEDGE_EXIT_INTERNAL);
	devices_init(m);
	power_on(lm);
	linux_resume();
}

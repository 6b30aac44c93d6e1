/* SPDX-License-Identifier: MIT */
/*
 * From the real CPU's state to the virtual CPU's and back, around every exit: sites by the gate,
 * everything else by a signal.
 */
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include "wedge/linux/debug.h"
#include "wedge/linux/run.h"
#include "wedge/linux/state.h"
#include "wedge/linux/syscall.h"
#include "wedge/linux/userspace.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/platform.h"
#include "wedge/stubs/trampoline.h"

#define HOST_CS64 0x33
#define HOST_CS32 0x23
#define TRAP_DEBUG 1 /* trap numbers in a signal context are the CPU's vectors */

/* Why the real TF is on, beside the guest's own wish. */
static enum step {
	STEP_NONE,
	STEP_OUT,    /* a signal came inside the window: finish the trampoline */
	STEP_SHADOW, /* one instruction: an interrupt waits behind sti or a load of %ss, or gdb */
} step;
static bool tf_after;      /* the guest's TF behind the instruction being stepped */
static bool guest_tf;      /* the guest's TF when it was resumed */
static uint32_t step_from; /* address of the instruction being stepped */
static bool stepped;       /* this exit is the end of a step */

static struct vcpu *cpu(void)
{
	return &linux_machine.m.cpu;
}

/* Is eip in the window or in an alias of it? *delta: how far below the window that is. */
static bool in_window(uint32_t eip, uint32_t *delta)
{
	const struct machine *m = &linux_machine.m;

	*delta = 0;
	for (unsigned i = 0; i <= (linux_machine.aliased ? m->nr_aliases : 0); i++) {
		if (eip + *delta - m->window < m->window_size)
			return true;
		*delta = i < m->nr_aliases ? m->alias_delta[i] : 0;
	}
	return false;
}

void state_enter(struct vcpu *v)
{
	const struct window *win = linux_machine.win;
	uint32_t flags = linux_state.eflags & ~(FLAG_IF | FLAG_IOPL | FLAG_RF);

	__builtin_memcpy(v->gpr, linux_state.gpr, sizeof v->gpr);
	v->eip = linux_state.eip;
	segments_enter(v);
	if (step != STEP_NONE)
		flags = (flags & ~FLAG_TF) | (tf_after ? FLAG_TF : 0);
	if (win->if_delta == 0)
		flags |= FLAG_IF;
	if (v->cpl == 0)
		flags &= ~(FLAG_AC | FLAG_NT);
	v->eflags = (flags | win->flags_extra) & ~(v->cpl == 3 ? FLAG_NT & ~flags : 0);
}

/* Bits of EFLAGS that the guest's kernel has virtually: the real ones would fault or not stick. */
static uint32_t flags_extra(const struct vcpu *v)
{
	return v->eflags & (v->cpl == 0 ? FLAG_IOPL | FLAG_AC | FLAG_NT : FLAG_IOPL);
}

void state_leave(struct vcpu *v)
{
	struct window *win = linux_machine.win;
	uint32_t flags;

	if (v->cpl == 3 && !linux_machine.entered_user) {
		linux_machine.entered_user = true;
		memory_drop_aliases(&linux_machine);
		spaces_open(&linux_machine.m);
	}
	segments_leave(v);
	__builtin_memcpy(linux_state.gpr, v->gpr, sizeof v->gpr);
	linux_state.eip = v->eip;
	guest_tf = v->eflags & FLAG_TF;
	fastpath_leave(v);
	win->cr[0] = v->cr0;
	win->cr[2] = v->cr2;
	win->cr[3] = v->cr3;
	win->cr[4] = v->cr4;
	win->tsc_offset[0] = (uint32_t)v->tsc_offset;
	win->tsc_offset[1] = (uint32_t)(v->tsc_offset >> 32);
	win->flags_extra = flags_extra(v);
	win->if_delta = v->eflags & FLAG_IF ? 0 : (uint32_t)-FLAG_IF;
	win->pending = irq_pending(&v->machine->bus);
	flags = (v->eflags & ~(win->flags_extra | FLAG_VM | FLAG_RF | FLAG_VIF | FLAG_VIP)) |
		FLAG_IF | FLAG_1;
	step = STEP_NONE;
	win->site = SITE_NONE;
	win->shadow_eip = v->shadow ? v->eip : ~0u;
	if ((v->shadow && win->pending && (v->eflags & FLAG_IF)) || gdb_stepping()) {
		step = STEP_SHADOW;
		tf_after = guest_tf;
		step_from = v->eip;
		flags |= FLAG_TF;
	}
	linux_state.eflags = flags;
	linux_state.user = linux_machine.isolated && v->cpl == 3;
}

/*
 * Trampolines reach the window through %ss. A kernel whose stack segment cannot do that (Linux: the
 * instructions between its espfix and iret) is emulated until it can.
 */
static bool stack_is_flat(const struct vcpu *v)
{
	const struct segment *ss = &v->seg[SEG_SS];

	return v->cpl == 3 || (ss->usable && ss->base == 0 && ss->limit == UINT32_MAX);
}

/* An exit has been handled: here the guest may stand still for gdb or the console. */
static void debug_point(struct vcpu *v)
{
	while (console_open() || gdb_wanted(v) || v->stop) {
		if (console_open())
			console_run(v);
		if (gdb_wanted(v))
			gdb_stop(v);
		v->stop = false;
		/* Interrupts that waited, or a hlt that is not over. */
		if (!gdb_stepping() || v->halted)
			vcpu_exit(v, &(struct exit){.kind = EXIT_INTERRUPT});
	}
}

/* uc: the signal that led here, whose frame holds the guest's FPU state; null: the registers do. */
static void guest_exit(const struct exit *x, const ucontext_t *uc)
{
	if (!gdb_takes(cpu(), x, stepped))
		vcpu_exit(cpu(), x);
	stepped = false;
	while (!stack_is_flat(cpu()))
		vcpu_exit(cpu(), &(struct exit){.kind = EXIT_EMULATE});
	debug_point(cpu());
	if (spaces_moving()) {
		if (uc)
			__builtin_memcpy(linux_fpu, uc->uc_mcontext.fpregs, linux_machine.fpu_size);
		else
			linux_fpu_save();
		spaces_leave();
	}
	state_leave(cpu());
}

/* linux_state is that behind an `int $0x80` of guest user code. */
static void syscall_exit(const ucontext_t *uc)
{
	state_enter(cpu());
	cpu()->shadow = false;
	guest_exit(&(struct exit){.kind = EXIT_SYSCALL}, uc);
}

/*
 * Ring 3 has jumped into the kernel, or into the window, and its real %cs let it (ldt.c): whatever
 * stopped it there, the fetch should have. What it executed on its way here touched no memory but
 * its own.
 */
static bool strayed(const struct vcpu *v)
{
	return v->cpl == 3 && v->eip + v->seg[SEG_CS].base >= linux_machine.user_limit;
}

static const struct exit *fetch_fault(const struct vcpu *v)
{
	static struct exit x = {
	    .kind = EXIT_EXCEPTION, .vector = VEC_PF, .error = PF_FETCH | PF_USER};

	x.address = v->eip + v->seg[SEG_CS].base;
	return &x;
}

/* Go on to the end of the trampoline by single steps. */
static void step_out(void)
{
	if (step == STEP_NONE) {
		guest_tf = tf_after = linux_state.eflags & FLAG_TF;
		step = STEP_OUT;
	}
	step_from = linux_state.eip;
	linux_state.eflags |= FLAG_TF;
}

/*
 * Code runs where it was linked, with paging: it has left the addresses that it was loaded to, and
 * the window's aliases with them. A kernel prepares the stack of its first program before it ever
 * goes to ring 3, and that may be where they are.
 */
static void leave_aliases(void)
{
	if (linux_machine.aliased && !linux_machine.win->delta && paging(cpu()))
		memory_drop_aliases(&linux_machine);
}

/* A trampoline asked for the monitor: win->site says for which site. */
void linux_gate(void)
{
	struct machine *m = &linux_machine.m;
	uint32_t n = linux_machine.win->site;

	leave_aliases();
	linux_state.attention = 0;
	if (n == SITE_SYSCALL) {
		fastpath_as_syscall();
		syscall_exit(NULL);
		return;
	}
	linux_state.sel[SEG_CS] = linux_machine.win->host[SEG_CS];
	if (n == SITE_NONE && segments_ring3(linux_state.sel[SEG_CS])) {
		linux_state.eip = m->window + WINDOW_GATE;
		state_enter(cpu());
		guest_exit(fetch_fault(cpu()), NULL);
		return;
	}
	if (n >= m->nr_sites + m->nr_late)
		report_internal("a stub named no site", n);
	m->sites[n].calls++;
	linux_state.eip = m->sites[n].slot + m->sites[n].insn_off - linux_machine.win->delta;
	state_enter(cpu());
	cpu()->shadow = false;
	guest_exit(&(struct exit){.kind = EXIT_SITE, .site = n}, NULL);
}

/* Something happened between the last look and the way out. */
void linux_attention(void)
{
	uint32_t delta;

	linux_state.attention = 0;
	if (step == STEP_NONE && in_window(linux_state.eip, &delta))
		step_out();
	if (step != STEP_NONE)
		return; /* devices run when the step ends */
	state_enter(cpu());
	cpu()->shadow = linux_machine.win->shadow_eip == linux_state.eip;
	guest_exit(&(struct exit){.kind = EXIT_INTERRUPT}, NULL);
}

/* Context of the signal to linux_state; what is there when it returns goes back to the CPU. */
static void load_context(const ucontext_t *uc, const uint32_t sel[NR_SEGS])
{
	static const int order[NR_GPRS] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
					   REG_RSP, REG_RBP, REG_RSI, REG_RDI};
	const greg_t *g = uc->uc_mcontext.gregs;

	for (int i = 0; i < NR_GPRS; i++)
		linux_state.gpr[i] = (uint32_t)g[order[i]];
	linux_state.eip = (uint32_t)g[REG_RIP];
	linux_state.eflags = (uint32_t)g[REG_EFL];
	for (int s = 0; s < NR_SEGS; s++)
		linux_state.sel[s] = sel[s];
	linux_state.sel[SEG_CS] = g[REG_CSGSFS] & 0xffff;
	linux_state.sel[SEG_SS] = (uint64_t)g[REG_CSGSFS] >> 48;
}

/* The monitor itself was interrupted. */
static void monitor_signal(int sig, ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	uint64_t rip = (uint64_t)g[REG_RIP];

	if (sig == SIGSEGV && rip == (uintptr_t)linux_user_fpu_load) {
		g[REG_RIP] = (greg_t)(uintptr_t)linux_user_fpu_refused;
		return;
	}
	if (sig == SIGALRM || sig == SIGIO) {
		linux_state.attention = 1;
		userspace_kick();
		if (rip >= (uintptr_t)linux_exit_begin && rip < (uintptr_t)linux_exit_end)
			g[REG_RIP] = (greg_t)(uintptr_t)linux_exit_restart;
		return;
	}
	if (sig == SIGTRAP && g[REG_TRAPNO] == TRAP_DEBUG) { /* a step led through the gate */
		g[REG_EFL] &= ~(greg_t)FLAG_TF;
		return;
	}
	report_signal(sig, uc);
}

/* A fault inside a trampoline: fill a shadow mapping, or take the trampoline back and emulate the
 * site. */
static void window_fault(int sig, ucontext_t *uc, uint32_t delta)
{
	struct vcpu *v = cpu();
	const greg_t *g = uc->uc_mcontext.gregs;
	enum shadow_result r = SHADOW_FAULT;
	uint32_t site;

	if (sig == SIGSEGV && g[REG_TRAPNO] == VEC_PF) {
		enum access access = g[REG_ERR] & PF_WRITE ? ACCESS_WRITE : ACCESS_READ;
		uint8_t cpl = v->cpl;
		v->cpl = 0; /* trampolines reach for the kernel's stack and tables */
		r = shadow_fault(v, (uint32_t)g[REG_CR2], access);
		v->cpl = cpl;
		v->fault.raised = false;
		if (r == SHADOW_FILLED && shadow_user_clean(v)) {
			fastpath_leave(v);
			return;
		}
		/* A page of the kernel below the user limit: an iret that has looked already must
		 * not go on to ring 3 by itself. The monitor does the whole instruction again. */
	}
	if (fastpath_rollback()) {
		syscall_exit(uc);
		return;
	}
	if (!trampoline_rollback(&linux_machine.m, linux_machine.win, linux_state.eip + delta,
				 linux_state.gpr, &linux_state.eflags, &site))
		report_signal(sig, uc);
	linux_state.eip =
	    linux_machine.m.sites[site].slot + linux_machine.m.sites[site].insn_off - delta;
	linux_machine.win->site = site;
	linux_machine.m.sites[site].traps += r == SHADOW_EMULATE;
	state_enter(v);
	v->shadow = false;
	guest_exit(&(struct exit){.kind = EXIT_SITE, .site = site}, uc);
}

/* Memory of the guest's code; what ring 3 has in its own process is not mapped here. */
static void *guest_memory(uint32_t linear)
{
	const struct machine *m = &linux_machine.m;
	struct translation t;

	if (!linux_state.user)
		return (void *)(uintptr_t)linear;
	return mmu_peek(cpu(), linear, &t) && t.phys < m->ram_size ? m->ram + t.phys : NULL;
}

/* Single step meets the two instructions that see TF: pushf shows ours, popf loads the guest's. */
static void hide_step(void)
{
	const uint8_t *opcode = guest_memory(step_from);
	uint32_t *pushed = guest_memory(linux_state.gpr[R_ESP]);

	if (!opcode)
		return;
	if (*opcode == 0x9c && !guest_tf && pushed)
		*pushed &= ~FLAG_TF;
	if (*opcode == 0x9d)
		tf_after = linux_state.eflags & FLAG_TF;
}

/* One single step of ours ended. True: the guest goes on stepping, nothing else to do. */
static bool step_again(void)
{
	uint32_t delta;
	bool inside = in_window(linux_state.eip, &delta);

	hide_step();
	if (!inside && step == STEP_OUT && linux_state.eip == linux_machine.win->shadow_eip) {
		step = STEP_SHADOW; /* that was sti: one more instruction */
		inside = true;
	}
	step_from = linux_state.eip;
	linux_state.eflags |= FLAG_TF;
	return inside;
}

static struct exit classify(int sig, uint8_t vector, uint32_t error, uint32_t address)
{
	if (sig == SIGALRM || sig == SIGIO || sig == USER_KICK) {
		serial_poll();
		return (struct exit){.kind = EXIT_INTERRUPT};
	}
	if (sig == SIGSYS)
		return (struct exit){.kind = EXIT_SYSCALL};
	return (struct exit){
	    .kind = EXIT_EXCEPTION, .vector = vector, .error = error, .address = address};
}

/*
 * A code segment of the host's own, which a far jump reaches past the guest's descriptor tables:
 * 32-bit, or 64-bit elsewhere than in the gates and the monitor. The guest has no such segment, so
 * whatever stopped the code there, it is the #GP that the jump should have been. sysenter and
 * syscall come from the 32-bit one too (see below).
 */
static bool in_host_segment(const greg_t *g, int sig)
{
	uint32_t cs = g[REG_CSGSFS] & 0xffff, delta;
	uint64_t rip = (uint64_t)g[REG_RIP], entry = (uintptr_t)linux_gate_entry;

	if (cs == HOST_CS32)
		return sig != SIGSYS;
	if (cs != HOST_CS64)
		return false;
	/* The monitor, or code that jumped to it: which, the stack tells. */
	if (rip > UINT32_MAX)
		return (uint64_t)g[REG_RSP] <= UINT32_MAX &&
		       (rip < entry || rip >= (uintptr_t)linux_fpu_save);
	return !in_window((uint32_t)rip, &delta) ||
	       (uint32_t)rip + delta - linux_machine.m.window - WINDOW_GATE >=
		   WINDOW_TRAMPOLINES - WINDOW_GATE;
}

static void host_segment_fault(const ucontext_t *uc)
{
	uint32_t cs = linux_state.sel[SEG_CS];

	linux_state.sel[SEG_CS] = linux_machine.win->host[SEG_CS];
	state_enter(cpu());
	cpu()->shadow = false;
	/* Not as an exit: that would look at the instruction, which is none of the guest's. */
	vcpu_raise(cpu(), VEC_GP, cs & ~3u);
	interrupt_fault(cpu());
	guest_exit(&(struct exit){.kind = EXIT_INTERRUPT}, uc);
}

/*
 * User code executed sysenter, or syscall on an AMD host: 32-bit Linux has those return to its
 * vDSO, with flat segments and %ebp from the stack, and keeps the old %ebp in %ecx. Where the
 * instruction stood, nobody knows.
 */
static bool fast_call(const struct exit *x)
{
	const struct window *win = linux_machine.win;

	if (x->kind != EXIT_SYSCALL || linux_state.sel[SEG_CS] != HOST_CS32)
		return false;
	linux_state.sel[SEG_CS] = win->host[SEG_CS];
	linux_state.sel[SEG_SS] = win->host[SEG_SS];
	linux_state.gpr[R_EBP] = linux_state.gpr[R_ECX];
	linux_state.eip = 0;
	return true;
}

/* What the CPU raises otherwise, and somebody sent. */
static bool sent(int sig, const siginfo_t *info)
{
	return info->si_code <= 0 && sig != SIGALRM && sig != SIGCHLD;
}

static void end_step(struct exit *x)
{
	state_enter(cpu());
	step = STEP_NONE;
	stepped = true;
	cpu()->shadow = false;
	if (!guest_tf)
		*x = (struct exit){.kind = EXIT_INTERRUPT};
}

/* The guest's own code was interrupted. False: it goes on at once. */
static bool trapped(struct exit *x)
{
	struct vcpu *v = cpu();
	bool shadowed = linux_machine.win->shadow_eip == linux_state.eip;

	state_enter(v);
	v->shadow = shadowed || step == STEP_SHADOW;
	if (strayed(v) && x->kind != EXIT_INTERRUPT) {
		*x = *fetch_fault(v);
	} else if (x->kind == EXIT_EXCEPTION && fastpath_failed(v, x)) {
		v->eip += FASTPATH_SLOT;
		*x = (struct exit){.kind = EXIT_SYSCALL};
	} else if (x->kind == EXIT_EXCEPTION && v->cpl == 3 && segments_foreign(v)) {
		/* User code loaded a selector that means something else to the host: now it
		 * gets the guest's segment, and the instruction its second try. */
		state_leave(v);
		return false;
	}
	if (x->kind == EXIT_SYSCALL && !x->fast)
		fastpath_patch(v, linux_state.eip);
	return true;
}

/*
 * Called by linux_signal_entry with the C library's %fs. sel: the segment registers as they are.
 * Returns whether guest code was interrupted: then it goes on from linux_state.
 */
int linux_signal(int sig, void *info, void *context, const uint32_t *sel)
{
	ucontext_t *uc = context;
	const greg_t *g = uc->uc_mcontext.gregs;
	uint32_t delta;
	struct exit x;

	if (sig == SIGTERM || sig == SIGHUP || sig == SIGINT || sig == SIGQUIT || sent(sig, info)) {
		platform_message("ended by a signal: %s", sigdescr_np(sig));
		platform_exit(&linux_machine.m, 128 + sig);
	}
	if (sig == SIGBUS && g[REG_TRAPNO] == VEC_PF) {
		platform_message("the host has no memory left for the guest's RAM");
		platform_exit(&linux_machine.m, WEDGE_EXIT_INTERNAL);
	}
	if (sig == SIGCHLD) {
		spaces_child_died();
		return 0;
	}
	if (in_host_segment(g, sig)) {
		load_context(uc, sel);
		host_segment_fault(uc);
		return 1;
	}
	if ((g[REG_CSGSFS] & 0xffff) == HOST_CS64) {
		monitor_signal(sig, uc);
		return 0;
	}
	load_context(uc, sel);
	x = classify(sig, (uint8_t)g[REG_TRAPNO], (uint32_t)g[REG_ERR], (uint32_t)g[REG_CR2]);
	x.fast = fast_call(&x);
	if (x.kind == EXIT_EXCEPTION && x.vector == VEC_DB && step != STEP_NONE) {
		if (step_again())
			return 1;
		end_step(&x);
	} else if (in_window(linux_state.eip, &delta) && !segments_ring3(linux_state.sel[SEG_CS])) {
		if (x.kind == EXIT_INTERRUPT || (x.kind == EXIT_EXCEPTION && x.vector == VEC_DB))
			step_out(); /* a signal, or the guest steps itself */
		else
			window_fault(sig, uc, delta);
		return 1;
	} else if (!trapped(&x)) {
		return 1;
	}
	guest_exit(&x, uc);
	return 1;
}

/* Ring 3 left its process through the user gate: the far call's return address is that of the
 * `int`. */
static struct exit user_syscall(struct vcpu *v)
{
	uint32_t at = v->seg[SEG_SS].base + v->gpr[R_ESP], eip;

	v->shadow = false;
	if (!mmu_read(v, at, &eip, sizeof eip, v->cpl)) {
		v->fault.raised = false;
		return (struct exit){.kind = EXIT_EXCEPTION, .vector = VEC_GP};
	}
	v->eip = eip + 2;
	v->gpr[R_ESP] += 8;
	return (struct exit){.kind = EXIT_SYSCALL};
}

/* Ring 3 in its own process until it leaves it. */
void linux_user(void)
{
	struct vcpu *v = cpu();
	struct user_trap t;
	struct exit x = {.kind = EXIT_EXCEPTION, .vector = VEC_GP};
	uint32_t reason = userspace_run(&t);
	uint8_t *byte;

	if (reason != USER_GATE && reason != USER_SIGNAL && reason != USER_REFUSED)
		return;
	linux_state.attention = 0;
	/* The host has no memory for a page? Then the monitor meets that here, too, and says so. */
	if (reason == USER_SIGNAL && t.signal == SIGBUS && (byte = guest_memory(t.address)))
		__atomic_fetch_or(byte, 0, __ATOMIC_RELAXED);
	if (reason == USER_SIGNAL)
		x = classify(t.signal, t.vector, t.error, t.address);
	x.fast = fast_call(&x);
	if (reason == USER_GATE) {
		state_enter(v);
		x = user_syscall(v);
	} else if (reason == USER_REFUSED) {
		state_enter(v);
	} else if (linux_state.sel[SEG_CS] == HOST_CS64 ||
		   (linux_state.sel[SEG_CS] == HOST_CS32 && t.signal != SIGSYS)) {
		host_segment_fault(NULL);
		return;
	} else if (x.kind == EXIT_EXCEPTION && x.vector == VEC_DB && step != STEP_NONE) {
		hide_step();
		end_step(&x);
	} else if (!trapped(&x)) {
		return;
	}
	guest_exit(&x, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the stubs may do without the monitor: return to ring 3, and take `int $0x80` from there.
 * Both rest on descriptors in the guest's memory; the stubs compare those with a struct check in
 * the window, and this file fills it from what the core last did with all its checks.
 */
#include "wedge/core/interrupt.h"
#include "wedge/core/mmu.h"
#include "wedge/core/segment.h"
#include "wedge/linux/ldt.h"
#include "wedge/linux/state.h"
#include "wedge/platform.h"
#include "wedge/stubs/trampoline.h"

#define VECTOR_SYSCALL 0x80
#define GATE_INTERRUPT 0xe
#define GATE_TRAP 0xf
#define PAD TRAMPOLINE_CALL /* bytes of NOP before a padded `int` */
_Static_assert(PAD == FASTPATH_SLOT - 2, "the call fits the padding");
#define SAVES_DONE 37 /* bytes of int80 until %esp, %eax, %ecx and the flags are in their slots */

/* The ring 3 segments that the monitor last returned to. */
static struct {
	bool valid;
	struct segment cs, ss;
} user;

static uint32_t int80_at, int80_length; /* linear address of the shared code */

static struct window *win(void)
{
	return linux_machine.win;
}

/* A selector's descriptor as the stubs will compare it; LDT selectors are left to the monitor. */
static struct check check_descriptor(const struct vcpu *v, uint16_t sel, uint64_t desc)
{
	if (sel & 4)
		return (struct check){0};
	return (struct check){
	    .ptr = v->gdtr.base + (sel & ~7u),
	    .lo = (uint32_t)desc,
	    .hi = (uint32_t)(desc >> 32),
	};
}

static bool read_kernel(struct vcpu *v, uint32_t linear, void *out, uint32_t size)
{
	struct fault saved = v->fault;
	bool ok = mmu_read(v, linear, out, size, 0);

	v->fault = saved;
	return ok;
}

static void arm_return(struct vcpu *v)
{
	struct window *w = win();

	w->check_ucs.ptr = 0;
	if (linux_machine.isolated)
		return; /* the way into ring 3 is the monitor's */
	if (v->cpl == 3) {
		user.valid = true;
		user.cs = v->seg[SEG_CS];
		user.ss = v->seg[SEG_SS];
	}
	if (!user.valid || !shadow_user_clean(v) || (v->cr0 & CR0_TS) || ldt_in_use(v))
		return;
	w->user_cs_sel = user.cs.sel;
	w->user_ss_sel = user.ss.sel;
	w->user_host[SEG_CS] = segments_real(&user.cs, true);
	w->user_host[SEG_SS] = segments_real(&user.ss, true);
	w->user_limit = linux_machine.user_limit;
	w->check_uss = check_descriptor(v, user.ss.sel, user.ss.desc);
	w->check_ucs = check_descriptor(v, user.cs.sel, user.cs.desc);
}

void fastpath_disarm(void)
{
	win()->kernel_ss = 0;
	win()->check_ucs.ptr = 0;
	user.valid = false;
}

/* Is this a plain gate to ring 0 that user code may use? Its parts into the window. */
static bool read_gate(struct vcpu *v, uint16_t *sel)
{
	struct window *w = win();
	uint32_t at = v->idtr.base + VECTOR_SYSCALL * 8;
	uint64_t gate;

	if (v->idtr.limit < VECTOR_SYSCALL * 8 + 7 || !read_kernel(v, at, &gate, sizeof gate))
		return false;
	if (!(gate & DESC_P) || (gate & DESC_S) || desc_dpl(gate) != 3 ||
	    (desc_type(gate) != GATE_INTERRUPT && desc_type(gate) != GATE_TRAP))
		return false;
	w->check_gate =
	    (struct check){.ptr = at, .lo = (uint32_t)gate, .hi = (uint32_t)(gate >> 32)};
	w->int_eip = (uint32_t)(gate & 0xffff) | (uint32_t)(gate >> 48) << 16;
	w->int_if = desc_type(gate) == GATE_INTERRUPT ? (uint32_t)-FLAG_IF : 0;
	*sel = (uint16_t)(gate >> 16);
	return true;
}

/* A flat ring 0 segment of the wanted type in the GDT, accessed already? */
static bool read_segment(struct vcpu *v, uint16_t sel, bool code, struct segment *seg)
{
	const uint64_t type = DESC_S | DESC_P | DESC_DB | DESC_A | (code ? DESC_X : DESC_W);
	const uint64_t mask = type | DESC_X | DESC_E;
	uint64_t desc;

	if ((sel & 7) || (sel | 7u) > v->gdtr.limit ||
	    !read_kernel(v, v->gdtr.base + sel, &desc, sizeof desc))
		return false;
	*seg = (struct segment){.sel = sel, .desc = desc, .usable = true};
	return (desc & mask) == type && desc_dpl(desc) == 0 && desc_base(desc) == 0 &&
	       desc_limit(desc) == UINT32_MAX;
}

static void arm_int80(struct vcpu *v)
{
	struct window *w = win();
	struct segment cs, ss;
	uint16_t sel, ss0;

	if (w->kernel_ss || !int80_length || !v->tr.usable || !read_gate(v, &sel) ||
	    !read_segment(v, sel, true, &cs) || !read_kernel(v, v->tr.base + 8, &ss0, sizeof ss0) ||
	    !read_segment(v, ss0, false, &ss))
		return;
	w->int_sel = sel;
	w->int_cs = segments_real(&cs, false);
	w->tss_ss0 = ss0;
	w->check_kss = check_descriptor(v, ss0, ss.desc);
	w->check_int_cs = check_descriptor(v, sel, cs.desc);
	w->kernel_ss = segments_real(&ss, false);
}

/* Bring the window up to date for the guest to go on; segments_leave is done. */
void fastpath_leave(struct vcpu *v)
{
	if (v->nr_slot_faults)
		win()->check_kcs = (struct check){0};
	else if (v->cpl == 0)
		win()->check_kcs = check_descriptor(v, v->seg[SEG_CS].sel, v->seg[SEG_CS].desc);
	arm_return(v);
	if (user.valid) /* in ring 0, too: iret may go back to ring 3 without us */
		arm_int80(v);
}

/* Put the shared code into the window. */
bool fastpath_init(void)
{
	struct machine *m = &linux_machine.m;
	uint32_t offset = m->window_size - WINDOW_TAIL - TRAMPOLINE_MAX;
	size_t length;

	int80_at = m->window + offset;
	if (trampoline_emit_int80(m, int80_at, linux_machine.window_code + offset, &length) !=
	    TRAMPOLINE_EMITTED)
		return false;
	int80_length = (uint32_t)length;
	win()->entry_cs = segments_entry_cs();
	return win()->entry_cs != 0;
}

uint32_t fastpath_gate(void)
{
	return int80_at;
}

/* The bytes of a slot of user code at a linear address, if they can be had without a fault. */
static uint8_t *slot_bytes(const struct vcpu *v, uint32_t at)
{
	struct translation t;

	if (!int80_length || (at & 0xfff) > 0x1000 - FASTPATH_SLOT || !mmu_peek(v, at, &t) ||
	    t.phys + FASTPATH_SLOT > v->machine->ram_size)
		return NULL;
	return v->machine->ram + t.phys;
}

static void write_call(uint8_t call[PAD])
{
	trampoline_write_call(call, int80_at, (uint16_t)win()->entry_cs);
}

/*
 * The guest's user code executed `int $0x80`, which ends at eip. If the toolchain padded it, the
 * next one goes the fast way: the padding becomes a far call out of the user's segment. It is found
 * here and not at load because such code sits in images inside the guest (Linux's vDSO, embedded
 * programs).
 */
void fastpath_patch(struct vcpu *v, uint32_t eip)
{
	static const uint8_t padded[FASTPATH_SLOT] = {0x0f, 0x1f, 0x80,          0, 0, 0,
						      0,    0xcd, VECTOR_SYSCALL};
	uint8_t *code = slot_bytes(v, eip - FASTPATH_SLOT);

	if (code && !__builtin_memcmp(code, padded, sizeof padded))
		write_call(code);
}

/* Will a write by ring 3 succeed once its page is mapped? Page 0 never is. */
static bool writable(const struct vcpu *v, uint32_t linear)
{
	struct translation t;

	return linear >= 0x10000 && linear < linux_machine.user_limit && mmu_peek(v, linear, &t) &&
	       t.user && t.writable && t.phys < v->machine->ram_size;
}

/*
 * Did the far call of a slot fault, for where it pushes? `int` pushes nothing on the user's stack,
 * which may be unaligned with AC set, or not there at all.
 */
bool fastpath_failed(const struct vcpu *v, const struct exit *x)
{
	uint8_t *code, call[PAD];

	if (v->cpl != 3 || (x->vector == VEC_PF &&
			    (v->gpr[R_ESP] - 1 - x->address >= 8 || writable(v, x->address))))
		return false;
	code = slot_bytes(v, v->eip);
	if (!code)
		return false;
	write_call(call);
	if (__builtin_memcmp(code, call, PAD - 2) ||
	    !segments_was_entry((uint16_t)(code[PAD - 2] | code[PAD - 1] << 8)) ||
	    code[PAD] != 0xcd || code[PAD + 1] != VECTOR_SYSCALL)
		return false;
	write_call(code); /* the entry segment may have moved */
	return true;
}

/*
 * Linux state as after an `int $0x80` that nothing has happened for yet. The far call's return
 * address is on top of the user's stack: that of the `int`.
 */
void fastpath_as_syscall(void)
{
	uint32_t esp = linux_state.gpr[R_ESP];

	linux_state.sel[SEG_CS] = win()->host[SEG_CS];
	linux_state.sel[SEG_SS] = win()->host[SEG_SS];
	linux_state.eip = *(const uint32_t *)(uintptr_t)esp + 2;
	linux_state.gpr[R_ESP] = esp + 8;
	win()->kernel_ss = 0; /* look at everything again on the way back to ring 3 */
}

/* A fault inside the shared code: back to the state at the far call. False: eip is elsewhere. */
bool fastpath_rollback(void)
{
	uint32_t offset = linux_state.eip - int80_at;

	if (!int80_length || offset >= int80_length)
		return false;
	if (offset >= SAVES_DONE) {
		linux_state.gpr[R_ESP] = win()->save_esp;
		linux_state.gpr[R_EAX] = win()->save_eax;
		linux_state.gpr[R_ECX] = win()->save_ecx;
		linux_state.eflags = trampoline_flags(linux_state.eflags, win()->save_flags);
	}
	fastpath_as_syscall();
	return true;
}

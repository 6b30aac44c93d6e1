/* SPDX-License-Identifier: MIT */
/* What a person reads when the guest is stuck: registers, events, stack, backtrace. And --stats. */
#include "wedge/core/format.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/machine.h"
#include "wedge/core/mmu.h"
#include "wedge/core/report.h"
#include "wedge/core/segment.h"
#include "wedge/platform.h"
#include "afterburner/kinds.h"

#define MAX_FRAMES 24
#define STACK_WORDS 24 /* shown */
#define SCAN_WORDS 256 /* searched for return addresses */

const char *(*machine_symbol)(uint32_t address, char *buf, size_t size);

static struct {
	info_line *line; /* null: platform_message */
	void *to;
} sink;

void report_to(info_line *line, void *to)
{
	sink.line = line;
	sink.to = to;
}

static void __attribute__((format(printf, 1, 2))) tell(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	format_text_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sink.line)
		sink.line(sink.to, text);
	else
		platform_message("%s", text);
}

/* " name+0x12" for a code address, or nothing. */
static const char *symbol(uint32_t address, char *buf, size_t size)
{
	buf[0] = '\0';
	if (machine_symbol) {
		platform_fpu_save(); /* the loader's code is compiled for the host */
		machine_symbol(address, buf, size);
		platform_fpu_restore();
	}
	return buf;
}

/* A dword of guest-linear memory without any side effect; false if nothing is mapped there. */
static bool peek(struct vcpu *v, uint32_t linear, uint32_t *value)
{
	struct translation t;

	if ((linear & 0xfff) > 0xffc || !mmu_peek(v, linear, &t) ||
	    t.phys + 4 > v->machine->ram_size)
		return false;
	phys_read(v->machine, t.phys, value, 4);
	return true;
}

static void report_registers(const struct vcpu *v)
{
	const uint32_t *r = v->gpr;
	char name[128];

	tell("eax %08x  ecx %08x  edx %08x  ebx %08x", r[R_EAX], r[R_ECX], r[R_EDX], r[R_EBX]);
	tell("esp %08x  ebp %08x  esi %08x  edi %08x", r[R_ESP], r[R_EBP], r[R_ESI], r[R_EDI]);
	tell("eip %08x  eflags %08x  cpl %u%s  %s", v->eip, v->eflags, v->cpl,
	     v->halted ? "  halted" : "", symbol(v->eip, name, sizeof(name)));
	tell("cr0 %08x  cr2 %08x  cr3 %08x  cr4 %08x  efer %llx", v->cr0, v->cr2, v->cr3, v->cr4,
	     (unsigned long long)v->msr.efer);
	tell("dr0 %08x  dr1 %08x  dr2 %08x  dr3 %08x  dr6 %08x  dr7 %08x", v->dr[0], v->dr[1],
	     v->dr[2], v->dr[3], v->dr[6], v->dr[7]);
}

static void report_segment(const char *name, const struct segment *s)
{
	if (!s->usable) {
		tell("%s %04x  null", name, s->sel);
		return;
	}
	tell("%s %04x  base %08x  limit %08x  dpl %u  type %x%s%s", name, s->sel, s->base, s->limit,
	     desc_dpl(s->desc), desc_type(s->desc), s->desc & DESC_S ? "" : " system",
	     s->desc & DESC_P ? "" : " not present");
}

static void report_segments(const struct vcpu *v)
{
	static const char *const names[NR_SEGS] = {"es", "cs", "ss", "ds", "fs", "gs"};

	for (unsigned s = 0; s < NR_SEGS; s++)
		report_segment(names[s], &v->seg[s]);
	report_segment("ldtr", &v->ldtr);
	report_segment("tr", &v->tr);
	tell("gdtr base %08x  limit %04x", v->gdtr.base, v->gdtr.limit);
	tell("idtr base %08x  limit %04x", v->idtr.base, v->idtr.limit);
}

static void report_events(const struct vcpu *v)
{
	uint32_t n = v->nr_events < NR_EVENT_LOG ? v->nr_events : NR_EVENT_LOG;
	char name[128];

	tell("the last %u of %u exceptions and interrupts, latest first:", n, v->nr_events);
	for (uint32_t i = 1; i <= n; i++) {
		const struct event_log *e = &v->events[(v->nr_events - i) % NR_EVENT_LOG];

		tell("  vector %02x  cpl %u  eip %08x  error %04x  cr2 %08x  %s", e->vector, e->cpl,
		     e->eip, e->error, e->cr2, symbol(e->eip, name, sizeof(name)));
	}
}

static void report_stack(struct vcpu *v)
{
	uint32_t at = v->seg[SEG_SS].base + (v->gpr[R_ESP] & stack_mask(v) & ~3u);
	char line[80];

	tell("stack:");
	for (unsigned row = 0; row < STACK_WORDS / 4; row++) {
		size_t n = format_text(line, sizeof(line), "  %08x:", at + row * 16);
		uint32_t value;

		for (unsigned i = 0; i < 4; i++) {
			if (peek(v, at + row * 16 + i * 4, &value))
				n += format_text(line + n, sizeof(line) - n, " %08x", value);
			else
				n += format_text(line + n, sizeof(line) - n, " ........");
		}
		tell("%s", line);
	}
}

static void report_frame(uint32_t address)
{
	char name[128];

	tell("  %08x  %s", address, symbol(address, name, sizeof(name)));
}

/* Follow saved frame pointers, upwards only. Returns how many return addresses there were. */
static unsigned backtrace_frames(struct vcpu *v)
{
	uint32_t ebp = v->gpr[R_EBP], next, address;
	unsigned n = 0;

	while (n < MAX_FRAMES && peek(v, ebp, &next) && peek(v, ebp + 4, &address) && address) {
		report_frame(address);
		n++;
		if (next <= ebp)
			break;
		ebp = next;
	}
	return n;
}

/* Without frame pointers: whatever on the stack has a name. */
static void backtrace_scan(struct vcpu *v)
{
	uint32_t at = v->seg[SEG_SS].base + (v->gpr[R_ESP] & stack_mask(v) & ~3u), value;
	unsigned shown = 0;
	char name[128];

	tell("possible return addresses on the stack:");
	for (unsigned i = 0; i < SCAN_WORDS && shown < MAX_FRAMES; i++) {
		if (!peek(v, at + i * 4, &value))
			break;
		if (symbol(value, name, sizeof(name))[0]) {
			report_frame(value);
			shown++;
		}
	}
}

static void report_backtrace(struct vcpu *v)
{
	tell("backtrace:");
	report_frame(v->eip);
	if (backtrace_frames(v) < 2)
		backtrace_scan(v);
}

void report_cpu(const struct vcpu *v)
{
	report_registers(v);
	report_segments(v);
}

static _Noreturn void report(struct vcpu *v, int status)
{
	report_cpu(v);
	report_events(v);
	report_stack(v);
	report_backtrace(v);
	platform_exit(v->machine, status);
}

void triple_fault(struct vcpu *v, const char *why)
{
	tell("triple fault: %s", why);
	report(v, WEDGE_EXIT_TRIPLE_FAULT);
}

void guest_unsupported(struct vcpu *v, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	format_text_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell("the guest uses what Afterburner does not support: %s", text);
	report(v, WEDGE_EXIT_UNSUPPORTED);
}

struct kind_count {
	uint64_t ran, exits;
	uint32_t sites;
};

/* How often a site ran; in the monitor, if its trampoline does not count. */
static uint64_t runs(const struct machine *m, uint32_t i)
{
	return m->ran && i < m->nr_ran && m->sites[i].rewritten ? m->ran[i] : m->sites[i].exits;
}

static void report_kinds(const struct machine *m)
{
	struct kind_count counts[AB_NR_KINDS] = {0};

	for (uint32_t i = 0; i < m->nr_sites + m->nr_late; i++) {
		const struct site *s = &m->sites[i];
		struct kind_count *c = &counts[s->kind < AB_NR_KINDS ? s->kind : 0];

		c->sites++;
		c->exits += s->exits;
		c->ran += runs(m, i);
	}
	tell("%-16s %8s %12s %14s", "site kind", "sites", "ran", "in the monitor");
	for (unsigned k = 0; k < AB_NR_KINDS; k++)
		if (counts[k].sites)
			tell("%-16s %8u %12llu %14llu", ab_kind_name(k), counts[k].sites,
			     (unsigned long long)counts[k].ran,
			     (unsigned long long)counts[k].exits);
	if (m->ran && m->nr_sites > m->nr_ran)
		tell("the last %u sites are counted in the monitor only", m->nr_sites - m->nr_ran);
}

/* What a third round would find: where memory operations still trap. */
static void report_memory(const struct machine *m)
{
	uint64_t ran = 0, calls = 0, traps = 0;
	char name[128];
	bool any = false;

	for (uint32_t i = 0; i < m->nr_sites + m->nr_late; i++) {
		const struct site *s = &m->sites[i];

		if (s->kind != AB_MEM)
			continue;
		any = true;
		ran += runs(m, i);
		calls += s->calls;
		traps += s->traps;
		if (s->traps)
			tell("memory site at %08x: %llu traps%s %s", s->slot,
			     (unsigned long long)s->traps, s->rewritten ? "" : ", left native,",
			     symbol(s->slot, name, sizeof(name)));
	}
	if (any)
		tell("memory sites: ran %llu times, %llu calls of the monitor, %llu traps",
		     (unsigned long long)ran, (unsigned long long)calls, (unsigned long long)traps);
}

static void report_exits(const struct machine *m)
{
	static const char *const names[] = {"sites", "exceptions", "system calls", "interrupts",
					    "emulation"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		tell("exits for %s: %llu", names[i], (unsigned long long)m->exits[i]);
	for (unsigned i = 0; i < 32; i++)
		if (m->exceptions[i])
			tell("  vector %u: %llu", i, (unsigned long long)m->exceptions[i]);
}

void report_stats(struct machine *m)
{
	char name[128];

	report_kinds(m);
	report_memory(m);
	report_exits(m);
	for (unsigned i = 0; i < NR_UNPADDED && m->unpadded[i].count; i++)
		tell("unpadded trap at %08x: %llu %s", m->unpadded[i].eip,
		     (unsigned long long)m->unpadded[i].count,
		     symbol(m->unpadded[i].eip, name, sizeof(name)));
	if (m->unpadded_other)
		tell("unpadded traps elsewhere: %llu", (unsigned long long)m->unpadded_other);
}

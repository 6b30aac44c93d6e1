/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vcpu_exit: what each reason for stopping turns into. Also the reports and their formatter. */
#include "tests/unit/cpu.h"
#include "wedge/core/format.h"
#include "wedge/core/fpu.h"
#include "wedge/devices/bus.h"
#include "afterburner/kinds.h"

static void code(struct vcpu *v, uint32_t address, const void *bytes, size_t size)
{
	memcpy(v->machine->ram + address, bytes, size);
}

static void host_fault(struct vcpu *v, uint8_t vector, uint32_t error)
{
	vcpu_exit(v, &(struct exit){.kind = EXIT_EXCEPTION, .vector = vector, .error = error});
}

/* Initialize the 8259s: vectors 0x20 and 0x28, everything unmasked. */
static void start_pic(struct vcpu *v)
{
	static const uint16_t setup[][2] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4},    {0x21, 1},
					    {0x21, 0},    {0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 2},
					    {0xa1, 1},    {0xa1, 0}};

	for (unsigned i = 0; i < sizeof(setup) / sizeof(*setup); i++)
		bus_out(&v->machine->bus, setup[i][0], 1, setup[i][1]);
}

static void add_site(struct vcpu *v, uint32_t slot, unsigned off, unsigned len, const char *bytes,
		     size_t n)
{
	struct machine *m = v->machine;
	struct site *s;

	m->sites = realloc(m->sites, (m->nr_sites + 1) * sizeof(*m->sites));
	s = &m->sites[m->nr_sites++];
	*s = (struct site){
	    .slot = slot, .insn_off = off, .slot_len = len, .rewritten = true, .kind = AB_CLI};
	ck_assert(insn_decode((const uint8_t *)bytes, n, &s->insn));
	code(v, slot, "\xe9\x00\x00\x00\x00", 5);
}

static void site_exit(struct vcpu *v, uint32_t n)
{
	v->eip = v->machine->sites[n].slot + v->machine->sites[n].insn_off;
	vcpu_exit(v, &(struct exit){.kind = EXIT_SITE, .site = n});
}

START_TEST(test_site)
{
	struct vcpu *v = cpu_new();

	add_site(v, 0x10000, 0, 5, "\xfa", 1); /* cli */
	add_site(v, 0x10010, 4, 5, "\xfb", 1); /* sti, padded before */
	v->eflags |= FLAG_IF;
	site_exit(v, 0);
	ck_assert_uint_eq(v->eip, 0x10005);
	ck_assert(!(v->eflags & FLAG_IF));
	ck_assert_uint_eq(v->machine->sites[0].exits, 1);
	site_exit(v, 1);
	ck_assert_uint_eq(v->eip, 0x10015);
	ck_assert(v->eflags & FLAG_IF);
	ck_assert(v->shadow);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_site_fault)
{
	struct vcpu *v = cpu_new();

	add_site(v, 0x10000, 0, 5, "\x0f\x32", 2); /* rdmsr */
	v->gpr[R_ECX] = 0x12345;
	site_exit(v, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 13 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP] + 4), 0x10000);
	stub_machine_free(v->machine);
}
END_TEST

/* The platform is told while a handler may come back into a slot. */
START_TEST(test_slot_fault)
{
	struct vcpu *v = cpu_new();

	add_site(v, 0x10000, 0, 5, "\x0f\x32", 2);     /* rdmsr: #GP, with error code */
	add_site(v, 0x10010, 0, 6, "\x0f\x22\xe0", 3); /* mov %eax, %cr4 */
	site_exit(v, 0);
	ck_assert_uint_eq(v->nr_slot_faults, 1);
	ck_assert_uint_eq(v->slot_fault[0], v->gpr[R_ESP] + 4);
	v->gpr[R_EAX] = 1u << 31;
	site_exit(v, 1);
	ck_assert_uint_eq(v->nr_slot_faults, 2);
	v->gpr[R_ESP] += 4;
	ck_assert(interrupt_iret(v, 4, 0));
	ck_assert_uint_eq(v->nr_slot_faults, 1);
	v->gpr[R_ESP] += 4;
	ck_assert(interrupt_iret(v, 4, 0));
	ck_assert_uint_eq(v->nr_slot_faults, 0);
	/* A handler that never returns is forgotten. */
	site_exit(v, 0);
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t frame[] = {KERNEL_EIP, KCODE, FLAG_1};

		v->gpr[R_ESP] = KERNEL_ESP;
		memcpy(v->machine->ram + KERNEL_ESP, frame, sizeof(frame));
		ck_assert(interrupt_iret(v, 4, 0));
	}
	ck_assert_uint_eq(v->nr_slot_faults, 0);
	stub_machine_free(v->machine);
}
END_TEST

/* A handler steps over rdmsr by its two bytes, into what is left of the slot. */
START_TEST(test_inside_slot)
{
	struct vcpu *v = cpu_new();
	static const uint32_t frame[] = {0x10002, KCODE, FLAG_1};

	add_site(v, 0x10000, 0, 5, "\x0f\x32", 2);
	add_site(v, 0x10010, 0, 5, "\xcf", 1); /* iret */
	memcpy(v->machine->ram + KERNEL_ESP, frame, sizeof(frame));
	site_exit(v, 1);
	ck_assert_uint_eq(v->eip, 0x10005);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_unpadded)
{
	struct vcpu *v = cpu_new();

	code(v, KERNEL_EIP, "\xfa", 1);
	v->eflags |= FLAG_IF;
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, KERNEL_EIP + 1);
	ck_assert(!(v->eflags & FLAG_IF));
	ck_assert_uint_eq(v->machine->unpadded[0].eip, KERNEL_EIP);
	ck_assert_uint_eq(v->machine->unpadded[0].count, 1);
	v->eip = KERNEL_EIP;
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->machine->unpadded[0].count, 2);
	report_stats(v->machine);
	ck_assert_ptr_nonnull(strstr(stub.messages, "unpadded trap at 00010000: 2"));
	stub_machine_free(v->machine);
}
END_TEST

struct user_case {
	const char *what;
	const char *bytes;
	size_t size;
	uint8_t host_vector;
	uint32_t host_error;
	uint8_t vector;
	uint32_t error, eip;
};

static const struct user_case user_cases[] = {
    {"cli", "\xfa", 1, VEC_GP, 0, VEC_GP, 0, USER_EIP},
    {"hlt", "\xf4", 1, VEC_GP, 0, VEC_GP, 0, USER_EIP},
    {"int 0x30, gate of ring 0", "\xcd\x30", 2, VEC_GP, 0x30 * 8 + 2, VEC_GP, 0x30 * 8 + 2,
     USER_EIP},
    {"mov to ds: kernel data", "\x8e\xd8", 2, VEC_NP, 0x10, VEC_GP, KDATA, USER_EIP},
    {"undefined", "\x0f\x0b", 2, VEC_UD, 0, VEC_UD, 0, USER_EIP},
};

START_TEST(test_user_faults)
{
	for (size_t i = 0; i < sizeof(user_cases) / sizeof(*user_cases); i++) {
		const struct user_case *c = &user_cases[i];
		struct vcpu *v = cpu_new();
		bool error = c->vector != VEC_UD;

		cpu_user(v);
		code(v, USER_EIP, c->bytes, c->size);
		v->gpr[R_EAX] = KDATA;
		host_fault(v, c->host_vector, c->host_error);
		ck_assert_msg(v->eip == HANDLER + c->vector * 16u, "%s: %x", c->what, v->eip);
		if (error)
			ck_assert_msg(peek32(v, v->gpr[R_ESP]) == c->error, "%s", c->what);
		ck_assert_msg(peek32(v, v->gpr[R_ESP] + 4 * error) == c->eip, "%s", c->what);
		stub_machine_free(v->machine);
	}
}
END_TEST

START_TEST(test_user_int)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	idt_set(v, 0x30, GATE(0xf, 3, KCODE, HANDLER));
	code(v, USER_EIP, "\xcd\x30", 2);
	host_fault(v, VEC_GP, 0x30 * 8 + 2);
	ck_assert_uint_eq(v->eip, HANDLER);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), USER_EIP + 2);
	stub_machine_free(v->machine);
}
END_TEST

/* A program in a 16-bit code segment gets a #GP for what would have to be emulated there. */
START_TEST(test_user_16)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	segment_set(v, SEG_CS, UCODE, FLAT(0xb, 3) & ~DESC_DB);
	code(v, USER_EIP, "\xcd\x30", 2);
	host_fault(v, VEC_GP, 0x30 * 8 + 2);
	ck_assert_uint_eq(v->eip, HANDLER + VEC_GP * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 0);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP] + 4), USER_EIP);
	stub_machine_free(v->machine);
}
END_TEST

/* The user limit keeps ring 3 from following its slot's jump: the instruction is emulated, not the
 * jump. */
START_TEST(test_user_site)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	idt_set(v, 0x80, GATE(0xf, 3, KCODE, HANDLER));
	add_site(v, USER_EIP, 7, 9, "\xcd\x80", 2);
	v->machine->sites[0].trampoline = USER_EIP + 5; /* where the jump of add_site leads */
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, HANDLER);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), USER_EIP + 9);
	/* Other code at that address in another address space is what it is. */
	cpu_user(v);
	code(v, USER_EIP, "\xfa", 1);
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 13 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP] + 4), USER_EIP);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_user_breakpoints)
{
	struct vcpu *v = cpu_new();

	cpu_user(v);
	code(v, USER_EIP, "\x90\xcc", 2);
	v->eip += 2;
	idt_set(v, 3, GATE(0xf, 3, KCODE, HANDLER));
	host_fault(v, VEC_BP, 0);
	ck_assert_uint_eq(v->eip, HANDLER);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), USER_EIP + 2);
	cpu_user(v);
	v->eip += 2;
	idt_set(v, 3, GATE(0xf, 0, KCODE, HANDLER));
	host_fault(v, VEC_BP, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 13 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 3 * 8 + 2);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP] + 4), USER_EIP + 1);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_syscall)
{
	struct vcpu *v = cpu_new();
	struct exit x = {.kind = EXIT_SYSCALL};

	cpu_user(v);
	idt_set(v, 0x80, GATE(0xf, 3, KCODE, HANDLER));
	code(v, USER_EIP, "\xcd\x80\x0f\x05", 4);
	v->eip += 2;
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, HANDLER);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), USER_EIP + 2);
	cpu_user(v);
	v->eip += 4;
	vcpu_exit(v, &x); /* syscall */
	ck_assert_uint_eq(v->eip, HANDLER + 6 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), USER_EIP + 2);
	stub_machine_free(v->machine);
}
END_TEST

/* Ring 3 reaches above the user limit: the host says #GP, the guest's own CPU would say #PF. */
START_TEST(test_clipped)
{
	struct vcpu *v = cpu_new();

	poke32(v, 0x60000, 0x87);                   /* 0-4 MiB for all */
	poke32(v, 0x60000 + (0xc00 / 4) * 4, 0x83); /* 0xc0000000: supervisor */
	v->cr3 = 0x60000;
	v->cr4 = CR4_PSE;
	v->cr0 |= CR0_PG;
	cpu_user(v);
	code(v, USER_EIP, "\x0f\x28\x00", 3); /* movaps (%eax), %xmm0: nothing the emulator knows */
	v->gpr[R_EAX] = 0xc0000010;
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 14 * 16);
	ck_assert_uint_eq(v->cr2, 0xc0000010);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), PF_PRESENT | PF_USER);
	/* Within reach it is misaligned: a genuine #GP. */
	cpu_user(v);
	v->gpr[R_EAX] = 0x1001;
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 13 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 0);
	/* The guest's iret leads to where ring 3 had jumped: the host could not even go there. */
	v->machine->user_limit = 0x400000;
	cpu_user(v);
	v->eip = 0xc0000040;
	vcpu_exit(v, &(struct exit){.kind = EXIT_INTERRUPT});
	ck_assert_uint_eq(v->eip, HANDLER + 14 * 16);
	ck_assert_uint_eq(v->cr2, 0xc0000040);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), PF_PRESENT | PF_USER);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP] + 4), 0xc0000040);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_page_fault)
{
	struct vcpu *v = cpu_new();
	struct exit x = {.kind = EXIT_EXCEPTION, .vector = VEC_PF, .error = PF_USER | PF_WRITE};

	x.address = 0x5000;
	v->shadow = true;
	vcpu_exit(v, &x);
	ck_assert(stub_mapped(0x5000, NULL, NULL));
	ck_assert_uint_eq(v->eip, KERNEL_EIP);
	ck_assert(v->shadow); /* the instruction is still to come */
	/* Page 0 cannot be mapped: movl $0x12345678, 0x10 */
	code(v, KERNEL_EIP, "\xc7\x05\x10\x00\x00\x00\x78\x56\x34\x12", 10);
	x.address = 0x10;
	vcpu_exit(v, &x);
	ck_assert_uint_eq(peek32(v, 0x10), 0x12345678);
	ck_assert_uint_eq(v->eip, KERNEL_EIP + 10);
	ck_assert(!v->shadow);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_external)
{
	struct vcpu *v = cpu_new();
	struct exit x = {.kind = EXIT_INTERRUPT};

	start_pic(v);
	irq_set(&v->machine->bus, 3, true);
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, KERNEL_EIP); /* IF is clear */
	v->eflags |= FLAG_IF;
	v->shadow = true;
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, KERNEL_EIP);
	v->shadow = false;
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, HANDLER + 0x23 * 16);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_sti_hlt)
{
	struct vcpu *v = cpu_new();

	start_pic(v);
	irq_set(&v->machine->bus, 3, true);
	code(v, KERNEL_EIP, "\xfb\xf4", 2);
	host_fault(v, VEC_GP, 0); /* sti */
	ck_assert_uint_eq(v->eip, KERNEL_EIP + 1);
	ck_assert(v->shadow);
	host_fault(v, VEC_GP, 0); /* hlt: wakes at once */
	ck_assert_uint_eq(v->eip, HANDLER + 0x23 * 16);
	ck_assert(!v->halted);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), KERNEL_EIP + 2);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_hlt_waits_for_timer)
{
	struct vcpu *v = cpu_new();
	struct bus *b = &v->machine->bus;

	start_pic(v);
	bus_out(b, 0x43, 1, 0x34); /* counter 0, rate generator */
	bus_out(b, 0x40, 1, 0x9c);
	bus_out(b, 0x40, 1, 0x2e);
	v->eflags |= FLAG_IF;
	code(v, KERNEL_EIP, "\xf4", 1);
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 0x20 * 16);
	ck_assert_uint_ge(stub.idle_calls, 1);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_halted_for_ever)
{
	struct vcpu *v = cpu_new();

	code(v, KERNEL_EIP, "\xf4", 1);
	ck_assert_int_eq(stub_catch(host_fault(v, VEC_GP, 0)), WEDGE_EXIT_HALTED);
	ck_assert_ptr_nonnull(strstr(stub.messages, "halted with interrupts off"));
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_single_step)
{
	struct vcpu *v = cpu_new();

	v->eflags |= FLAG_TF;
	code(v, KERNEL_EIP, "\xfa\x8e\xd0", 3); /* cli; mov %eax, %ss */
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 16);
	ck_assert(v->dr[6] & 0x4000);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), KERNEL_EIP + 1);
	ck_assert(!(v->eflags & FLAG_TF));
	/* A load of ss holds the trap off. */
	v->eip = KERNEL_EIP + 1;
	v->eflags |= FLAG_TF;
	v->gpr[R_EAX] = KDATA;
	host_fault(v, VEC_GP, 0);
	ck_assert_uint_eq(v->eip, KERNEL_EIP + 3);
	ck_assert(v->shadow);
	/* The host's own single step. */
	v->shadow = false;
	v->dr[6] = 0xffff0ff0;
	host_fault(v, VEC_DB, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 16);
	ck_assert(v->dr[6] & 0x4000);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_eager_nm)
{
	struct vcpu *v = cpu_new();
	struct exit x = {.kind = EXIT_INTERRUPT};

	v->cr0 |= CR0_TS;
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, KERNEL_EIP); /* not in ring 0 */
	cpu_user(v);
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, HANDLER + 7 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), USER_EIP);
	ck_assert(interrupt_iret(v, 4, 0)); /* TS still set: not twice */
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, USER_EIP);
	/* The handler cleared TS, the next thread comes by the same address. */
	v->cpl = 0;
	v->cr0 &= ~CR0_TS;
	vcpu_exit(v, &x);
	v->cpl = 3;
	v->cr0 |= CR0_TS;
	vcpu_exit(v, &x);
	ck_assert_uint_eq(v->eip, HANDLER + 7 * 16);
	stub_machine_free(v->machine);
}
END_TEST

struct fpu_case {
	const char *what;
	const char *bytes;
	size_t size;
	uint32_t cr0;
	uint8_t vector; /* 0: none */
};

static const struct fpu_case fpu_cases[] = {
    {"fninit, TS", "\xdb\xe3", 2, CR0_TS, VEC_NM},
    {"fninit, EM", "\xdb\xe3", 2, CR0_EM, VEC_NM},
    {"fninit", "\xdb\xe3", 2, CR0_MP, 0},
    {"wait, TS", "\x9b", 1, CR0_TS, 0},
    {"wait, TS and MP", "\x9b", 1, CR0_TS | CR0_MP, VEC_NM},
    {"emms, TS", "\x0f\x77", 2, CR0_TS, VEC_NM},
    {"emms, EM", "\x0f\x77", 2, CR0_EM, VEC_UD},
    {"movaps, TS", "\x0f\x28\xc1", 3, CR0_TS, VEC_NM},
    {"movaps, EM and TS", "\x0f\x28\xc1", 3, CR0_EM | CR0_TS, VEC_UD},
    {"movdqa, TS", "\x66\x0f\x6f\xc1", 4, CR0_TS, VEC_NM},
    {"fxsave, EM", "\x0f\xae\x00", 3, CR0_EM, VEC_NM},
    {"ldmxcsr, EM", "\x0f\xae\x10", 3, CR0_EM, VEC_UD},
    {"xsave, TS", "\x0f\xae\x20", 3, CR0_TS, VEC_NM},
    {"xsave, EM", "\x0f\xae\x20", 3, CR0_EM, 0},
    {"clflush, TS", "\x0f\xae\x38", 3, CR0_TS, 0},
    {"lfence, TS", "\x0f\xae\xe8", 3, CR0_TS, 0},
    {"movbe, TS", "\x0f\x38\xf0\x00", 4, CR0_TS, 0},
    {"pshufb, TS", "\x0f\x38\x00\xc1", 4, CR0_TS, VEC_NM},
    {"vaddps, TS", "\xc5\xf0\x58\xc2", 4, CR0_TS, VEC_NM},
    {"andn, TS", "\xc4\xe2\x70\xf2\xc2", 5, CR0_TS, 0},
    {"lds, TS", "\xc5\x00", 2, CR0_TS, 0},
    {"movl %eax, %ebx, TS", "\x89\xc3", 2, CR0_TS, 0},
    {"bswap, TS", "\x0f\xc9", 2, CR0_TS, 0},
    {"cmpxchg8b, TS", "\x0f\xc7\x08", 3, CR0_TS, 0},
};

START_TEST(test_fpu_guard)
{
	for (size_t i = 0; i < sizeof(fpu_cases) / sizeof(*fpu_cases); i++) {
		const struct fpu_case *c = &fpu_cases[i];
		struct vcpu *v = cpu_new();
		struct insn in;

		v->cr0 |= c->cr0;
		ck_assert_msg(insn_decode((const uint8_t *)c->bytes, c->size, &in), "%s", c->what);
		ck_assert_msg(fpu_allowed(v, &in) == !c->vector, "%s", c->what);
		if (c->vector)
			ck_fault(v, c->vector, 0);
		stub_machine_free(v->machine);
	}
}
END_TEST

/* mov %eax, %cr0 sets TS; nop; fnop: #NM at the fnop, in ring 0. */
START_TEST(test_fpu_in_ring0)
{
	struct vcpu *v = cpu_new();

	add_site(v, 0x10000, 0, 5, "\x0f\x22\xc0", 3);
	code(v, 0x10005, "\x90\xd9\xd0", 3);
	v->gpr[R_EAX] = v->cr0 | CR0_TS;
	site_exit(v, 0);
	ck_assert_uint_eq(v->eip, HANDLER + 7 * 16);
	ck_assert_uint_eq(peek32(v, v->gpr[R_ESP]), 0x10006);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_stats)
{
	struct vcpu *v = cpu_new();
	uint32_t ran[] = {7};

	add_site(v, 0x10000, 0, 5, "\xfa", 1);
	v->machine->ran = ran;
	v->machine->nr_ran = sizeof(ran) / sizeof(*ran);
	site_exit(v, 0);
	report_stats(v->machine);
	ck_assert_ptr_nonnull(
	    strstr(stub.messages, "cli                     1            7              1"));
	ck_assert_ptr_null(strstr(stub.messages, "in the monitor only"));
	v->machine->nr_ran = 0; /* more sites than counters */
	report_stats(v->machine);
	ck_assert_ptr_nonnull(
	    strstr(stub.messages, "cli                     1            1              1"));
	ck_assert_ptr_nonnull(strstr(stub.messages, "the last 1 sites are counted"));
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_site_lookup)
{
	struct vcpu *v = cpu_new();
	struct machine *m = v->machine;

	ck_assert_ptr_null(machine_site_at(m, 0));
	add_site(v, 0x10000, 0, 5, "\xfa", 1);
	add_site(v, 0x10005, 0, 9, "\xfa", 1);
	add_site(v, 0x10020, 0, 5, "\xfa", 1);
	ck_assert_ptr_null(machine_site_at(m, 0xffff));
	ck_assert_ptr_eq(machine_site_at(m, 0x10000), &m->sites[0]);
	ck_assert_ptr_eq(machine_site_at(m, 0x10004), &m->sites[0]);
	ck_assert_ptr_eq(machine_site_at(m, 0x1000d), &m->sites[1]);
	ck_assert_ptr_null(machine_site_at(m, 0x1000e));
	ck_assert_ptr_eq(machine_site_at(m, 0x10024), &m->sites[2]);
	ck_assert_ptr_null(machine_site_at(m, 0xffffffff));
	stub_machine_free(m);
}
END_TEST

START_TEST(test_format)
{
	char text[64];

	ck_assert_uint_eq(format_text(text, sizeof(text), "%s|%5u|%05x|%#x|%d|%c|%%", "a", 42,
				      0xbeu, 0u, -7, 'z'),
			  24);
	ck_assert_str_eq(text, "a|   42|000be|0x0|-7|z|%");
	ck_assert_uint_eq(format_text(text, 4, "%llu", 123456ull), 3);
	ck_assert_str_eq(text, "123");
}
END_TEST

UNIT_MAIN("exit", test_site, test_site_fault, test_inside_slot, test_slot_fault, test_unpadded,
	  test_user_faults, test_user_int, test_user_16, test_user_site, test_user_breakpoints,
	  test_syscall, test_clipped, test_page_fault, test_external, test_sti_hlt,
	  test_hlt_waits_for_timer, test_halted_for_ever, test_single_step, test_eager_nm,
	  test_fpu_guard, test_fpu_in_ring0, test_stats, test_site_lookup, test_format)

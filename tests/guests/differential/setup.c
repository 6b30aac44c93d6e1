/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random state for a case, such that its instruction does something and the machine survives it. */
#include "tests/guests/differential/main.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EFLAGS_RANDOM                                                                              \
	(EFLAGS_ARITH | EFLAGS_DF | EFLAGS_IF | EFLAGS_IOPL | EFLAGS_NT | EFLAGS_AC | EFLAGS_ID)

extern const char kernel_landing[], user_landing[];
static uint32_t *rng;

static uint32_t any(void)
{
	return random32(rng) ^ random32(rng) >> 13;
}

static uint32_t below(uint32_t n)
{
	return (any() >> 4) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* Values that break things more often than uniform ones do. */
static uint32_t value(void)
{
	static const uint32_t edge[] = {0,      1,      0xffffffff, 0x80000000, 0x7fffffff,
					0xffff, 0x8000, 0x10000,    0xff};

	return one_in(4) ? edge[below(COUNT(edge))] : any();
}

#define PICK(list) ((list)[below(COUNT(list))])

static uint16_t selector(void)
{
	static const uint16_t known[] = {
	    SEL_KCODE,  SEL_KDATA,   SEL_UCODE,     SEL_UDATA,     SEL_TSS,
	    SEL_LDT,    SEL_BASED,   SEL_SMALL,     SEL_RODATA,    SEL_DOWN,
	    SEL_XONLY,  SEL_CONFORM, SEL_UCODE2,    SEL_NPDATA,    SEL_NPCODE,
	    SEL_GATE,   SEL_TSS2,    SEL_TSSBUSY,   SEL_DATA16,    SEL_RESERVED,
	    SEL_DATA1,  SEL_EMPTY,   SEL_INTGATE,   SEL_FRESH,     SEL_FRESHCODE,
	    SEL_NPLDT,  SEL_UFRESH,  SEL_LDT_UDATA, SEL_LDT_UCODE, SEL_LDT_DATA,
	    SEL_LDT_NP, 0,           0x200,         0x44};
	uint16_t sel = PICK(known);

	if (one_in(16))
		return (uint16_t)any();
	return one_in(4) ? (uint16_t)(sel ^ below(4)) : sel;
}

/*
 * A bad one raises a fault, a good one is a stack the fault behind it can be pushed on. None with a
 * base: in ring 0 the wedge refuses those.
 */
static uint16_t selector_ss(void)
{
	static const uint16_t known[] = {
	    SEL_KDATA,     SEL_KDATA, SEL_KDATA,  SEL_FRESH,     SEL_LDT_DATA,
	    SEL_KDATA | 3, SEL_UDATA, SEL_RODATA, SEL_NPDATA,    0,
	    0x200,         SEL_KCODE, SEL_DATA1,  SEL_LDT_UDATA, SEL_TSS,
	    SEL_EMPTY,     SEL_XONLY, 3,          SEL_NPCODE,    SEL_UFRESH & ~3};

	return PICK(known);
}

/* For cs. Not an available TSS: task switches are another test's business. */
static uint16_t selector_cs(void)
{
	static const uint16_t known[] = {
	    SEL_KCODE,       SEL_KCODE,  SEL_KCODE,  SEL_CONFORM,   SEL_XONLY,
	    SEL_FRESHCODE,   SEL_UCODE2, SEL_NPCODE, SEL_KDATA,     0,
	    SEL_KCODE | 3,   0x208,      SEL_EMPTY,  SEL_INTGATE,   SEL_RESERVED,
	    SEL_CONFORM | 3, SEL_UCODE,  SEL_LDT,    SEL_LDT_UCODE, SEL_KCODE | 1,
	    SEL_NPDATA};

	return PICK(known);
}

static void put16(void *at, uint32_t word)
{
	memcpy(at, &word, 2);
}

static void put32(void *at, uint32_t word)
{
	memcpy(at, &word, 4);
}

static void fill(void *at, unsigned n, bool selectors)
{
	for (unsigned i = 0; i < n; i += 2)
		put16((char *)at + i, selectors ? selector() : any());
}

/* An address that data operands may stand at, with room on both sides. */
static uint32_t data_pointer(const struct input *in)
{
	return (uint32_t)in->window + 96 + below(64);
}

static void point_at(struct input *in, uint32_t where)
{
	in->gpr[EBX] = in->gpr[EBP] = in->gpr[ESI] = in->gpr[EDI] = where;
}

static void setup_memory(struct input *in, bool across)
{
	static const uint8_t index[] = {0, 1, 2, 3, 4};

	in->gpr[EBX] = data_pointer(in);
	in->gpr[EBP] = data_pointer(in);
	in->gpr[ESI] = data_pointer(in);
	in->gpr[EDI] = data_pointer(in);
	in->gpr[ECX] = PICK(index);
	if (one_in(2))
		in->gpr[ECX] = -in->gpr[ECX];
	if (!one_in(8))
		return;
	switch (below(across ? 4 : 3)) {
	case 0:
		point_at(in, (uint32_t)arena[HOLE_PAGE] + 64);
		break;
	case 1:
		point_at(in, (uint32_t)arena[READONLY_PAGE] + 64 + below(64));
		break;
	case 2:
		point_at(in, (uint32_t)arena[SUPERVISOR_PAGE] + 64 + below(64));
		break;
	case 3:
		point_at(in, (uint32_t)arena[HOLE_PAGE] - 1 - below(3));
		in->gpr[ECX] = 0;
	}
}

static void setup_low(struct input *in)
{
	in->window = (uint8_t *)LOW_DATA;
	in->gpr[EBX] = data_pointer(in) | any() << 16;
	in->gpr[EBP] = data_pointer(in) | any() << 16;
	in->gpr[ESI] = below(32) | any() << 16;
	in->gpr[EDI] = below(32) | any() << 16;
}

static void setup_selectors(struct input *in, bool for_ss)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			in->gpr[i] = (for_ss ? selector_ss() : selector()) | any() << 16;
}

static void setup_fs(struct input *in)
{
	setup_memory(in, true);
	in->fs = SEL_BASED;
	point_at(in, in->gpr[EBX] + 0x1000);
	if (one_in(4)) {
		in->fs = SEL_SMALL; /* within its limit: TCG checks none */
		point_at(in, 0x30 + below(0xc));
	}
}

/* The pointer or table operand at (%ebx), or null and (%ebx) faults. */
static uint8_t *operand(struct input *in)
{
	uint32_t page = in->gpr[EBX] >> 12;

	in->gpr[ECX] = 0;
	if (page == (uint32_t)in->window >> 12)
		return (uint8_t *)in->gpr[EBX];
	point_at(in, (uint32_t)arena[HOLE_PAGE] + 4);
	return NULL;
}

static void setup_far_pointer(struct input *in, unsigned size)
{
	uint16_t cs = one_in(8) ? SEL_GATE : selector_cs();
	uint8_t *at;

	setup_memory(in, false);
	at = operand(in);
	if (!at)
		return;
	if (size == 4)
		put32(at, (uint32_t)kernel_landing);
	else
		put16(at, LOW_LANDING);
	put16(at + size, cs);
}

static void setup_table(struct input *in, uint32_t base, uint32_t least, uint32_t most, bool word)
{
	uint8_t *at;

	setup_memory(in, false);
	at = operand(in);
	if (!at)
		return;
	put16(at, least + below(most - least + 1));
	put32(at + 2, base | (word ? any() << 24 : 0));
}

static uint16_t selector_ldt(void)
{
	static const uint16_t known[] = {SEL_LDT,   SEL_LDT, SEL_LDT | 3, SEL_NPLDT, 0,
					 3,         0x200,   SEL_KDATA,   SEL_TSS2,  SEL_LDT_UDATA,
					 SEL_EMPTY, SEL_GATE};

	return PICK(known);
}

/* Not null, which TCG accepts. */
static uint16_t selector_tr(void)
{
	static const uint16_t known[] = {SEL_TSS2,  SEL_TSS2, SEL_TSS2 | 1, SEL_TSSBUSY, SEL_TSS,
					 SEL_TSS2,  0x200,    SEL_KDATA,    SEL_LDT,     SEL_NPDATA,
					 SEL_EMPTY, SEL_GATE, SEL_LDT_DATA};

	return PICK(known);
}

static void setup_register_values(struct input *in, uint32_t base, uint32_t toggle)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			in->gpr[i] = base ^ (any() & toggle);
}

static void setup_system_selector(struct input *in, uint16_t (*choose)(void), bool memory)
{
	if (!memory) {
		for (unsigned i = 0; i < 8; i++)
			if (i != ESP)
				in->gpr[i] = choose() | any() << 16;
		return;
	}
	for (unsigned i = 0; i < WINDOW; i += 2)
		put16(in->window + i, choose());
	setup_memory(in, false);
	in->gpr[EBX] &= ~1u; /* not half of one and half of another */
	in->gpr[EDI] &= ~1u;
	for (unsigned i = 0; i < 4096; i += 2) {
		put16(READONLY_ALIAS + i, choose());
		put16(arena[SUPERVISOR_PAGE] + i, choose());
	}
}

static void setup_lmsw(struct input *in, bool memory)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			in->gpr[i] = value();
	if (memory)
		setup_memory(in, true);
}

static void setup_ports(struct input *in, bool wide)
{
	static const uint16_t ports[] = {0x80, 0x300, 0xa1, 0x3ff};

	in->gpr[EDX] = ports[below(wide ? 2 : 4)] | any() << 16;
}

static void setup_port_string(struct input *in, bool low, bool wide)
{
	uint32_t count = below(6);

	if (low) {
		in->window = (uint8_t *)LOW_DATA;
		in->gpr[ESI] = data_pointer(in) | any() << 16;
		in->gpr[EDI] = data_pointer(in) | any() << 16;
	} else {
		setup_memory(in, true);
	}
	in->gpr[ECX] = count;
	setup_ports(in, wide);
}

/* Sometimes fewer than `needed` bytes are left on the stack: the pop meets the hole behind it. */
static void stack_end(struct input *in, unsigned needed)
{
	if (one_in(12))
		in->gpr[ESP] = (uint32_t)STACK_TOP - 2 * below(needed / 2);
}

static void push_words(struct input *in, const uint32_t *words, unsigned n, unsigned size)
{
	uint8_t *at = (uint8_t *)in->gpr[ESP];

	for (unsigned i = 0; i < n && at + size <= STACK_TOP; i++, at += size) {
		if (size == 4)
			put32(at, words[i]);
		else
			put16(at, words[i]);
	}
}

/* A far return or an interrupt return: within ring 0, to ring 3, or to something bad. */
static void setup_return(struct input *in, unsigned size, bool interrupt)
{
	static const uint16_t stacks[] = {SEL_UDATA, SEL_UDATA, SEL_UDATA,     SEL_UDATA & ~3,
					  SEL_KDATA, 0,         SEL_LDT_UDATA, SEL_NPDATA | 3};
	uint32_t words[5], n = 0, cs = selector_cs();
	bool user;

	if (one_in(3))
		cs = SEL_UCODE;
	user = (cs & 3) == 3;
	words[n++] = size == 2            ? LOW_LANDING
		     : user && !one_in(8) ? (uint32_t)user_landing
					  : (uint32_t)kernel_landing;
	words[n++] = cs | (any() << 16);
	if (interrupt)
		words[n++] = any() & (EFLAGS_RANDOM | 0xff00802a);
	words[n++] = size == 2 ? 0x8000 : (uint32_t)STACK_TOP - 64;
	words[n++] = PICK(stacks) | any() << 16;
	stack_end(in, 2 * size);
	push_words(in, words, n, size);
}

static void setup_popf(struct input *in)
{
	uint32_t word = any() & ~EFLAGS_TF; /* single steps see the padding */

	stack_end(in, 4);
	push_words(in, &word, 1, 2);
	push_words(in, &word, 1, 4);
}

static void setup_stack_selectors(struct input *in, bool for_ss)
{
	uint32_t word = (for_ss ? selector_ss() : selector()) | any() << 16;

	stack_end(in, 4);
	push_words(in, &word, 1, 4);
}

static void setup_cpuid(struct input *in)
{
	static const uint32_t leaves[] = {0, 1, 2, 4, 7, 0xd, 0x80000000, 0x80000001, 0x40000000};

	in->gpr[EAX] = PICK(leaves);
	in->gpr[ECX] = below(3);
}

extern uint64_t gdt[NR_GDT];

static void setup_control(struct input *in, uint32_t setup)
{
	switch (setup) {
	case S_CR0: /* MP EM TS ET NE WP AM */
		setup_register_values(in, 0x80010031, 0x0005003e);
		break;
	case S_CR3: /* PWT PCD */
		setup_register_values(in, (uint32_t)page_directory, 0x18);
		break;
	case S_CR4: /* TSD DE PSE PGE PCE OSFXSR OSXMMEXCPT */
		setup_register_values(in, 0, 0x79c & ~0x20u & ~0x400000u);
		break;
	case S_DR: /* no reserved bit, which TCG stores */
		setup_register_values(in, 0, ~0x1000u);
		break;
	case S_DR7: /* no breakpoint enabled, no general detect, no reserved bit */
		setup_register_values(in, 0, 0xffff0300);
		break;
	case S_LMSW:
		setup_lmsw(in, false);
		break;
	case S_LMSWMEM:
		setup_lmsw(in, true);
		break;
	case S_TS:
		if (!in->ring && one_in(2))
			asm volatile("movl %0, %%cr0" : : "r"(0x80010039) : "memory");
		break;
	case S_MSR:
		in->gpr[ECX] = 0x174 + below(3);
		in->gpr[EAX] &= 0xffff; /* TCG stores no more of IA32_SYSENTER_CS */
		break;
	case S_ZERO:
		in->gpr[ECX] = 0;
		break;
	case S_CPUID:
		setup_cpuid(in);
	}
}

static void setup_system(struct input *in, uint32_t setup, uint32_t idt_base, const char *name)
{
	switch (setup) {
	case S_GDT:
		setup_table(in, (uint32_t)gdt, 0x1ff, 0xffff, name[4] == 'w');
		break;
	case S_IDT:
		setup_table(in, idt_base, 0x4cf, 0x7ff, name[4] == 'w');
		break;
	case S_LDT:
		setup_system_selector(in, selector_ldt, false);
		break;
	case S_LDTMEM:
		setup_system_selector(in, selector_ldt, true);
		break;
	case S_TR:
		setup_system_selector(in, selector_tr, false);
		break;
	case S_TRMEM:
		setup_system_selector(in, selector_tr, true);
		break;
	default:
		setup_control(in, setup);
	}
}

static void setup_stack(struct input *in, uint32_t setup)
{
	switch (setup) {
	case S_STACKSEL:
		setup_stack_selectors(in, false);
		break;
	case S_SSSTACK:
		setup_stack_selectors(in, true);
		break;
	case S_LRET:
	case S_LRET16:
		setup_return(in, setup == S_LRET ? 4 : 2, false);
		break;
	case S_IRET:
	case S_IRET16:
		setup_return(in, setup == S_IRET ? 4 : 2, true);
		break;
	case S_POPF:
		setup_popf(in);
		break;
	case S_STACKMEM:
		in->gpr[EBP] = in->gpr[ESP] + below(32);
	}
}

static void setup_data(struct input *in, uint32_t setup, bool wide)
{
	switch (setup) {
	case S_MEM:
	case S_TABLE:
		setup_memory(in, setup == S_MEM);
		break;
	case S_SELMEM:
		fill(in->window, WINDOW, true);
		fill(READONLY_ALIAS, 256, true);
		fill(arena[SUPERVISOR_PAGE], 256, true);
		setup_memory(in, true);
		break;
	case S_SSMEM:
		for (unsigned i = 0; i < WINDOW; i += 2)
			put16(in->window + i, selector_ss());
		setup_memory(in, false);
		operand(in);
		break;
	case S_FARPTR:
	case S_FARPTR16:
		setup_far_pointer(in, setup == S_FARPTR ? 4 : 2);
		break;
	case S_MEM16:
	case S_SELMEM16:
		setup_low(in);
		if (setup == S_SELMEM16)
			fill(in->window, WINDOW, true);
		break;
	case S_FSMEM:
		setup_fs(in);
		setup_ports(in, false);
		break;
	case S_SEL:
	case S_SS:
		setup_selectors(in, setup == S_SS);
		break;
	case S_PORT:
		setup_ports(in, wide);
		break;
	case S_PORTSTR:
	case S_PORTSTR16:
		setup_port_string(in, setup == S_PORTSTR16, wide);
	}
}

/* The frame that iret enters the case by: on its own stack in ring 0, elsewhere for ring 3. */
static void build_frame(struct input *in, const struct variant *v)
{
	static uint32_t user_frame[5];

	in->frame = in->ring ? user_frame : (uint32_t *)(in->gpr[ESP] - 12);
	put32(in->frame, v->start);
	put32(in->frame + 1, in->ring ? SEL_UCODE : SEL_KCODE);
	put32(in->frame + 2, in->eflags);
	if (in->ring) {
		in->frame[3] = in->gpr[ESP];
		in->frame[4] = SEL_UDATA;
	}
}

static void setup_segments(struct input *in)
{
	static const uint16_t kernel[] = {SEL_KDATA, SEL_UDATA},
			      other[] = {0, SEL_UDATA, SEL_LDT_UDATA};

	in->ds = in->ring ? SEL_UDATA : PICK(kernel);
	in->es = in->ring ? SEL_UDATA : PICK(kernel);
	in->fs = PICK(other);
	in->gs = PICK(other);
}

void prepare_input(struct input *in, const struct variant *v, uint32_t *seed)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr;

	rng = seed;
	asm volatile("sidt %0" : "=m"(idtr));
	for (unsigned i = 0; i < 8; i++)
		in->gpr[i] = value();
	in->gpr[ESP] = (uint32_t)STACK_TOP - 128 + 4 * below(16);
	if (one_in(8))
		in->gpr[ESP] += below(4);
	in->window = arena[DATA_PAGE + 1] - WINDOW;
	fill(in->window, WINDOW, false);
	fill((void *)LOW_DATA, WINDOW, false);
	fill(STACK_TOP - WINDOW, WINDOW, false);
	fill(READONLY_ALIAS, 256, false);
	fill(arena[SUPERVISOR_PAGE], 256, false);
	setup_segments(in);
	in->eflags = (any() & EFLAGS_RANDOM) | EFLAGS_1;
	if (v->where & NT_CLEAR)
		in->eflags &= ~EFLAGS_NT;
	in->pending = v->where & RUN_PENDING && one_in(4);
	if (in->pending)
		in->eflags &= ~EFLAGS_IF;
	setup_data(in, v->setup, v->where & WIDE_PORT);
	setup_stack(in, v->setup);
	setup_system(in, v->setup, idtr.base, v->name);
	build_frame(in, v);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random state for a case, such that its instruction does something and the machine survives it. */
#include "tests/guests/differential/setup.h"

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

	case_seed = seed;
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
	setup_data(in, v->setup, v->where);
	setup_stack(in, v->setup);
	setup_system(in, v->setup, idtr.base, v->name);
	build_frame(in, v);
}

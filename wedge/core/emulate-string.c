/* SPDX-License-Identifier: MIT */
/*
 * String instructions. Each iteration commits its registers, so a fault in a later one leaves
 * exactly the progress made, with eip at the instruction (SDM vol. 2, REP). After a quantum of
 * iterations the instruction is left unfinished in the same way, so that interrupts get in.
 */
#include "wedge/core/emulate-ops.h"

#define QUANTUM 4096

/* The element size is that of the implicit memory operand. */
static unsigned element(const struct emu *e)
{
	return e->in->op[0].size;
}

static uint32_t pointer(const struct emu *e, enum gpr r)
{
	return reg_get(e->v, r, e->in->adsize);
}

static void advance(struct emu *e, enum gpr r)
{
	uint32_t by = e->v->eflags & FLAG_DF ? -element(e) : element(e);

	reg_set(e->v, r, e->in->adsize, e->v->gpr[r] + by);
}

/* One iteration each: false with v->fault set, and then no register changed. */
typedef bool (*step_fn)(struct emu *e);

/*
 * Repeat as the prefix says. compares: ZF ends the loop, against repe or repne, and a fault
 * restores the flags from before the instruction (SDM vol. 2, REP).
 */
static bool repeat(struct emu *e, step_fn step, bool compares)
{
	unsigned adsize = e->in->adsize;
	uint32_t flags = e->v->eflags;

	if (e->in->rep == REP_NONE)
		return step(e);
	for (unsigned n = 0; reg_get(e->v, R_ECX, adsize); n++) {
		if (n == QUANTUM) {
			e->next = e->v->eip;
			return true;
		}
		if (!step(e)) {
			e->v->eflags = flags;
			return false;
		}
		reg_set(e->v, R_ECX, adsize, e->v->gpr[R_ECX] - 1);
		if (compares && !(e->v->eflags & FLAG_ZF) == (e->in->rep == REP_E))
			break;
	}
	return true;
}

/* The segment of the esi operand; edi's is always es. */
static enum segreg source_segment(const struct emu *e)
{
	const struct operand *op = e->in->op;

	return op[1].type == OP_MEM && op[1].base == R_ESI ? op[1].seg : op[0].seg;
}

static bool load_source(struct emu *e, uint32_t *value)
{
	*value = 0;
	return access_read(e->v, source_segment(e), pointer(e, R_ESI), value, element(e));
}

static bool load_destination(struct emu *e, uint32_t *value)
{
	*value = 0;
	return access_read(e->v, SEG_ES, pointer(e, R_EDI), value, element(e));
}

static bool store_destination(struct emu *e, uint32_t value)
{
	return access_write(e->v, SEG_ES, pointer(e, R_EDI), &value, element(e));
}

static bool step_movs(struct emu *e)
{
	uint32_t value;

	if (!load_source(e, &value) || !store_destination(e, value))
		return false;
	advance(e, R_ESI);
	advance(e, R_EDI);
	return true;
}

static bool step_cmps(struct emu *e)
{
	uint32_t a, b;

	if (!load_source(e, &a) || !load_destination(e, &b))
		return false;
	alu_cmp(element(e), a, b, &e->v->eflags);
	advance(e, R_ESI);
	advance(e, R_EDI);
	return true;
}

static bool step_stos(struct emu *e)
{
	if (!store_destination(e, e->v->gpr[R_EAX]))
		return false;
	advance(e, R_EDI);
	return true;
}

static bool step_lods(struct emu *e)
{
	uint32_t value;

	if (!load_source(e, &value))
		return false;
	reg_set(e->v, R_EAX, element(e), value);
	advance(e, R_ESI);
	return true;
}

static bool step_scas(struct emu *e)
{
	uint32_t value;

	if (!load_destination(e, &value))
		return false;
	alu_cmp(element(e), reg_get(e->v, R_EAX, element(e)), value, &e->v->eflags);
	advance(e, R_EDI);
	return true;
}

/* The port is read only when the store cannot fault: reading may change the device. */
static bool step_ins(struct emu *e)
{
	struct vcpu *v = e->v;
	unsigned size = element(e);

	if (!access_check_write(v, SEG_ES, pointer(e, R_EDI), size) ||
	    !store_destination(e, bus_in(&v->machine->bus, (uint16_t)v->gpr[R_EDX], size)))
		return false;
	advance(e, R_EDI);
	return true;
}

static bool step_outs(struct emu *e)
{
	struct vcpu *v = e->v;
	uint32_t value;

	if (!load_source(e, &value))
		return false;
	advance(e, R_ESI);
	bus_out(&v->machine->bus, (uint16_t)v->gpr[R_EDX], element(e), value);
	return true;
}

bool run_movs(struct emu *e)
{
	return repeat(e, step_movs, false);
}

bool run_cmps(struct emu *e)
{
	return repeat(e, step_cmps, true);
}

bool run_stos(struct emu *e)
{
	return repeat(e, step_stos, false);
}

bool run_lods(struct emu *e)
{
	return repeat(e, step_lods, false);
}

bool run_scas(struct emu *e)
{
	return repeat(e, step_scas, true);
}

bool run_ins(struct emu *e)
{
	return port_permitted(e, (uint16_t)e->v->gpr[R_EDX], element(e)) &&
	       repeat(e, step_ins, false);
}

bool run_outs(struct emu *e)
{
	return port_permitted(e, (uint16_t)e->v->gpr[R_EDX], element(e)) &&
	       repeat(e, step_outs, false);
}

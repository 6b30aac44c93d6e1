/* SPDX-License-Identifier: MIT */
/* Guest memory as a debugger sees it, and its breakpoints. */
#include "wedge/core/gdb.h"
#include "wedge/core/mmu.h"

#define INT3 0xcc
#define JUMP 0xe9
#define JUMP_LENGTH 5u

bool (*machine_original)(uint32_t linear, void *out, uint32_t size);

/* The byte of RAM at a linear address; null if none is mapped there. */
static uint8_t *byte_at(const struct vcpu *v, uint32_t linear)
{
	struct translation t;

	if (!mmu_peek(v, linear, &t) || t.phys >= v->machine->ram_size)
		return NULL;
	return v->machine->ram + t.phys;
}

/* The breakpoint whose int3 is in a byte of RAM. */
static struct gdb_breakpoint *breakpoint_in(struct gdb *g, const uint8_t *byte)
{
	for (unsigned i = 0; i < GDB_BREAKPOINTS; i++)
		if (g->breakpoints[i].used && byte && g->breakpoints[i].byte == byte)
			return &g->breakpoints[i];
	return NULL;
}

/* Where the value of a byte of RAM is kept: in place, or with the breakpoint in its place. */
static uint8_t *below_breakpoint(struct gdb *g, uint8_t *byte)
{
	struct gdb_breakpoint *b = breakpoint_in(g, byte);

	return b && *byte == INT3 ? &b->saved : byte;
}

struct site *gdb_site(struct gdb *g, struct vcpu *v, uint32_t linear)
{
	struct site *s = machine_site_at(v->machine, linear);
	uint8_t jump[JUMP_LENGTH] = {JUMP};
	uint32_t rel;

	if (!s || !s->rewritten)
		return NULL;
	rel = s->trampoline - (s->slot + JUMP_LENGTH);
	__builtin_memcpy(jump + 1, &rel, sizeof rel);
	for (uint32_t i = 0; i < JUMP_LENGTH; i++) {
		uint8_t *byte = byte_at(v, s->slot + i);

		if (!byte || *below_breakpoint(g, byte) != jump[i])
			return NULL;
	}
	return s;
}

static bool original(const struct site *s, uint32_t linear, uint8_t *out)
{
	uint32_t offset = linear - s->slot - s->insn_off;

	if (machine_original && machine_original(linear, out, 1))
		return true;
	if (offset >= s->insn.length)
		return false;
	*out = s->insn.bytes[offset];
	return true;
}

static bool read_byte(struct gdb *g, struct vcpu *v, uint32_t linear, uint8_t *out)
{
	uint8_t *byte = byte_at(v, linear);
	const struct site *s;

	if (!byte)
		return false;
	s = gdb_site(g, v, linear);
	if (!s || !original(s, linear, out))
		*out = *below_breakpoint(g, byte);
	return true;
}

uint32_t gdb_read(struct gdb *g, struct vcpu *v, uint32_t linear, uint8_t *out, uint32_t size)
{
	uint32_t n = 0;

	while (n < size && read_byte(g, v, linear + n, &out[n]))
		n++;
	return n;
}

/* Put back what the loader found in a slot. */
static void restore_slot(struct gdb *g, struct vcpu *v, const struct site *s)
{
	for (uint32_t i = 0; i < s->slot_len; i++) {
		uint8_t *byte = byte_at(v, s->slot + i), value;

		if (byte && original(s, s->slot + i, &value))
			*below_breakpoint(g, byte) = value;
	}
}

bool gdb_write(struct gdb *g, struct vcpu *v, uint32_t linear, const uint8_t *in, uint32_t size)
{
	uint8_t now;

	for (uint32_t i = 0; i < size; i++)
		if (!byte_at(v, linear + i))
			return false;
	for (uint32_t i = 0; i < size; i++) {
		const struct site *s = gdb_site(g, v, linear + i);

		if (s && read_byte(g, v, linear + i, &now) && now == in[i])
			continue;
		if (s)
			restore_slot(g, v, s);
		*below_breakpoint(g, byte_at(v, linear + i)) = in[i];
	}
	return true;
}

/*
 * Put the int3 in, if the page is there. In a rewritten slot only the jump is executed: whoever
 * breaks at the instruction, behind padding, stops at the jump. False: the address lies behind the
 * instruction, where nothing is executed any more.
 */
static bool insert(struct gdb *g, struct vcpu *v, struct gdb_breakpoint *b)
{
	const struct site *s = gdb_site(g, v, b->linear);
	uint8_t *byte;

	if (s && b->linear - s->slot > s->insn_off)
		return false;
	b->at = s ? s->slot : b->linear;
	byte = byte_at(v, b->at);
	if (!byte) {
		g->waiting = true;
		return true;
	}
	b->saved = *below_breakpoint(g, byte);
	b->byte = byte;
	*byte = INT3;
	return true;
}

static struct gdb_breakpoint *find(struct gdb *g, uint32_t linear)
{
	for (unsigned i = 0; i < GDB_BREAKPOINTS; i++)
		if (g->breakpoints[i].used && g->breakpoints[i].linear == linear)
			return &g->breakpoints[i];
	return NULL;
}

bool gdb_break(struct gdb *g, struct vcpu *v, uint32_t linear)
{
	if (find(g, linear))
		return true;
	for (unsigned i = 0; i < GDB_BREAKPOINTS; i++) {
		struct gdb_breakpoint *b = &g->breakpoints[i];

		if (b->used)
			continue;
		*b = (struct gdb_breakpoint){.linear = linear};
		b->used = insert(g, v, b);
		return b->used;
	}
	return false;
}

/* The guest may have written other code there meanwhile: that stays. */
static void take_out(struct gdb *g, struct gdb_breakpoint *b)
{
	uint8_t *byte = b->byte;

	b->used = false;
	b->byte = NULL;
	if (byte && *byte == INT3 && !breakpoint_in(g, byte))
		*byte = b->saved;
}

void gdb_unbreak(struct gdb *g, uint32_t linear)
{
	struct gdb_breakpoint *b = find(g, linear);

	if (b)
		take_out(g, b);
}

void gdb_unbreak_all(struct gdb *g)
{
	for (unsigned i = 0; i < GDB_BREAKPOINTS; i++)
		if (g->breakpoints[i].used)
			take_out(g, &g->breakpoints[i]);
}

void gdb_retry(struct gdb *g, struct vcpu *v)
{
	if (!g->waiting)
		return;
	g->waiting = false;
	for (unsigned i = 0; i < GDB_BREAKPOINTS; i++)
		if (g->breakpoints[i].used && !g->breakpoints[i].byte)
			insert(g, v, &g->breakpoints[i]);
}

void gdb_forget(struct gdb *g)
{
	for (unsigned i = 0; i < GDB_BREAKPOINTS; i++)
		g->breakpoints[i].byte = NULL;
	g->waiting = true;
}

bool gdb_hit(struct gdb *g, struct vcpu *v)
{
	uint32_t base = v->seg[SEG_CS].base, address = base + v->eip - 1;
	uint8_t *byte = byte_at(v, address);
	struct gdb_breakpoint *b = breakpoint_in(g, byte);

	if (!b || *byte != INT3)
		return false;
	/* The same page may be mapped elsewhere, too. */
	v->eip = (b->at == address ? b->linear : address) - base;
	return true;
}

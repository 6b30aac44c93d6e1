/* SPDX-License-Identifier: MIT */
/*
 * Trampolines. The default, right for every site: tell the monitor which site this is and leave for
 * it.
 */
#include "wedge/stubs/trampoline.h"
#include "wedge/stubs/window.h"

struct code {
	uint8_t *out;
	size_t length;
	uint32_t at; /* linear address of out */
};

static void emit8(struct code *c, uint8_t byte)
{
	c->out[c->length++] = byte;
}

static void emit32(struct code *c, uint32_t value)
{
	__builtin_memcpy(c->out + c->length, &value, sizeof value);
	c->length += sizeof value;
}

static void emit_jump(struct code *c, uint32_t target)
{
	emit8(c, 0xe9);
	emit32(c, target - (c->at + (uint32_t)c->length + 4));
}

/* movl $id, %ss:WIN_SITE; jmp gate */
static void emit_monitor(struct code *c, const struct machine *m, uint32_t id)
{
	emit8(c, 0x36);
	emit8(c, 0xc7);
	emit8(c, 0x05);
	emit32(c, m->window + WIN_SITE);
	emit32(c, id);
	emit_jump(c, m->window + WINDOW_GATE);
}

enum trampoline_result trampoline_emit(const struct machine *m, struct site *s, uint32_t id,
				       uint32_t at, uint8_t *out, size_t *length, const char **why)
{
	struct code c = {.out = out, .at = at};

	(void)why;
	emit_monitor(&c, m, id);
	s->trampoline = at;
	*length = c.length;
	return TRAMPOLINE_EMITTED;
}

bool trampoline_rollback(const struct machine *m, const struct window *win, uint32_t eip,
			 uint32_t gpr[NR_GPRS], uint32_t *site)
{
	(void)m, (void)win, (void)eip, (void)gpr, (void)site;
	return false;
}

/* SPDX-License-Identifier: MIT */
/* Per-site code. The loader's rewriter asks for it; the slot jumps to it. */
#ifndef WEDGE_STUBS_TRAMPOLINE_H
#define WEDGE_STUBS_TRAMPOLINE_H

#include "wedge/core/machine.h"

#define TRAMPOLINE_MAX 768 /* bytes; no trampoline is longer */

enum trampoline_result {
	TRAMPOLINE_EMITTED, /* patch the slot with a jump to it */
	TRAMPOLINE_KEEP,    /* the native instruction does the right thing here: a memory operation
			       that cannot be moved, and traps where it must */
	TRAMPOLINE_BAD,     /* the site cannot be what its record says; *why names the reason */
};

/*
 * Generate the trampoline of site number id at linear address `at` into out (TRAMPOLINE_MAX bytes
 * of room). *length is set for TRAMPOLINE_EMITTED. Addresses inside are final: the guest's slot is
 * at s->slot, the trampoline ends with a jump behind the slot. Sets s->trampoline.
 */
enum trampoline_result trampoline_emit(const struct machine *m, struct site *s, uint32_t id,
				       uint32_t at, uint8_t *out, size_t *length, const char **why);

/*
 * What is written from a rewritten slot's start on: the jump, and int3 to its end, or to an
 * instruction that stands behind the jump. Returns how many bytes, at most slot_len.
 */
uint32_t trampoline_patch(const struct site *s, uint8_t *out);

struct window;

/*
 * A trampoline faulted at eip: undo what it did to the registers, so that the monitor can emulate
 * the whole site. False: eip is in no trampoline.
 */
bool trampoline_rollback(const struct machine *m, const struct window *win, uint32_t eip,
			 uint32_t gpr[NR_GPRS], uint32_t *eflags, uint32_t *site);

/* EFLAGS with the arithmetic flags from a save slot (LAHF, SETO: templates.S). */
uint32_t trampoline_flags(uint32_t eflags, uint32_t word);

/* The shared code for `int $0x80` of guest user code (templates.S, int80); as trampoline_emit. */
enum trampoline_result trampoline_emit_int80(const struct machine *m, uint32_t at, uint8_t *out,
					     size_t *length);

#define TRAMPOLINE_CALL 7 /* bytes */

/* What such a slot holds in front of its `int`: a far call to that code at linear address at. */
void trampoline_write_call(uint8_t call[TRAMPOLINE_CALL], uint32_t at, uint16_t cs);

#endif

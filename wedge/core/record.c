/* SPDX-License-Identifier: MIT */
/*
 * A record is a claim about code; each part of it is checked here against the bytes, so that only
 * what is a padded instruction of the length it was told is ever rewritten.
 */
#include "wedge/core/record.h"

#include "afterburner/kinds.h"
#include "wedge/core/match.h"

#define JUMP_LENGTH 5u
#define FLAGS_KNOWN (AB_F_CODE32 | AB_F_PAD_BEFORE | AB_F_USER)

/*
 * Is it padding? Only the NOPs of SDM vol. 2, NOP: 90 and 0F 1F /0, with operand-size prefixes. All
 * others must be taken for code of the guest's.
 */
static bool is_padding(const uint8_t *p, size_t size)
{
	while (size) {
		size_t n = 0;

		while (n < size && p[n] == 0x66)
			n++;
		if (n < size && p[n] == 0x90) {
			n++;
		} else if (n + 3 <= size && p[n] == 0x0f && p[n + 1] == 0x1f) {
			unsigned mod = p[n + 2] >> 6, rm = p[n + 2] & 7;

			if (mod == 3)
				return false;
			n += 3 + (rm == 4) + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
		} else {
			return false;
		}
		if (n > size)
			return false;
		p += n;
		size -= n;
	}
	return true;
}

const char *record_check(const struct ab_record *r)
{
	const struct ab_kind_info *kind = &ab_kind_info[r->kind < AB_NR_KINDS ? r->kind : 0];

	if (r->kind == AB_KIND_NONE || r->kind >= AB_NR_KINDS)
		return "unknown kind";
	if (!r->insn_len || r->insn_len > 15 || r->insn_off + r->insn_len > r->slot_len)
		return "its instruction is not in its slot";
	if (!(kind->isas & AB_ISAS_I386))
		return "its kind is not an i386 instruction";
	if (r->flags & ~FLAGS_KNOWN)
		return "unknown flag";
	if (!(r->flags & AB_F_CODE32))
		return "not 32-bit code";
	/* An `int` right behind `sti` is padded behind it, and needs no more than the jump. */
	if (r->slot_len < JUMP_LENGTH || (r->slot_len < kind->slot && (r->flags & AB_F_PAD_BEFORE ||
								       kind->pad != AB_PAD_BEFORE)))
		return "slot is too short for its kind";
	if (r->insn_off && !(r->flags & AB_F_PAD_BEFORE))
		return "padding is not where the flags say";
	return NULL;
}

const char *record_decode(const struct ab_record *r, const uint8_t *bytes, struct site *s)
{
	size_t behind = r->insn_off + r->insn_len;

	s->kind = r->kind;
	s->insn_off = r->insn_off;
	s->slot_len = r->slot_len;
	s->flags = r->flags;
	if (!insn_decode(bytes + r->insn_off, r->insn_len, &s->insn))
		return "holds no valid instruction of that length";
	if (s->insn.length != r->insn_len)
		return "instruction has another length";
	if (!instruction_is(&s->insn, r->kind))
		return "holds an instruction of another kind";
	if (!is_padding(bytes, r->insn_off) || !is_padding(bytes + behind, r->slot_len - behind))
		return "rest of the slot is not padding";
	return NULL;
}

/* SPDX-License-Identifier: MIT */
#ifndef WEDGE_CORE_MATCH_H
#define WEDGE_CORE_MATCH_H

#include "wedge/core/insn.h"

/* Is the instruction one of this kind (enum ab_kind)? */
bool instruction_is(const struct insn *in, unsigned kind);

#endif

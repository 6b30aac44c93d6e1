/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOADER_MATCH_H
#define LOADER_MATCH_H

#include "wedge/core/insn.h"

/* Is the instruction one of this kind (enum ab_kind)? */
bool instruction_is(const struct insn *in, unsigned kind);

#endif

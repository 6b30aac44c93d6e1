/* SPDX-License-Identifier: MIT */
#include "afterburner/kinds.h"

const struct ab_kind_info ab_kind_info[AB_NR_KINDS] = {
#define AB_SITE(kind, name, slot, ring3, pad, isa, mnemonics, forms32, forms64)                    \
	[AB_##kind] = {                                                                            \
	    #kind,        name,         mnemonics, {forms32, forms64}, slot, AB_RING3_##ring3,     \
	    AB_PAD_##pad, AB_ISAS_##isa},
#include "afterburner/sites.def"
};

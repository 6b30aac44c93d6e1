/* SPDX-License-Identifier: MIT */
/* Memory as an instruction sees it: through a segment, with the rights of the current level. */
#ifndef WEDGE_CORE_ACCESS_H
#define WEDGE_CORE_ACCESS_H

#include "wedge/core/machine.h"

/* Each: true, or false with v->fault set (#GP, #SS, #PF, #AC) and memory as it was. */
bool access_read(struct vcpu *v, enum segreg s, uint32_t offset, void *out, uint32_t size);
bool access_write(struct vcpu *v, enum segreg s, uint32_t offset, const void *in, uint32_t size);
/* Would access_write succeed? A and D bits are set as by the write. */
bool access_check_write(struct vcpu *v, enum segreg s, uint32_t offset, uint32_t size);

/*
 * Copy without the C library, whose memcpy uses vector registers that hold guest state. Sizes of
 * one machine word are one access each, as on the bus.
 */
typedef uint16_t __attribute__((may_alias, aligned(1))) any16;
typedef uint32_t __attribute__((may_alias, aligned(1))) any32;
typedef uint64_t __attribute__((may_alias, aligned(1))) any64;

static inline void copy_bytes(void *to, const void *from, size_t n)
{
	switch (n) {
	case 1:
		*(volatile uint8_t *)to = *(const volatile uint8_t *)from;
		break;
	case 2:
		*(volatile any16 *)to = *(const volatile any16 *)from;
		break;
	case 4:
		*(volatile any32 *)to = *(const volatile any32 *)from;
		break;
	case 8:
		*(volatile any64 *)to = *(const volatile any64 *)from;
		break;
	default:
		asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	}
}

#endif

/* SPDX-License-Identifier: MIT */
/* Arithmetic with the CPU's own flags: see alu.h. */
#include "wedge/core/alu.h"

/*
 * Flags travel in eax: OF in al (0 or 1), the low byte of EFLAGS in ah. Adding 0x7f to al sets OF
 * from bit 0; sahf then sets the others and leaves OF. No stack is used, so the red zone is safe.
 */
#define LOAD_FLAGS "addb $0x7f, %%al\n\tsahf\n\t"
#define STORE_FLAGS "\n\tlahf\n\tseto %%al"

#define LOW_FLAGS (FLAGS_ARITH & 0xff)

static inline uint32_t pack(uint32_t eflags)
{
	return (eflags & LOW_FLAGS) << 8 | !!(eflags & FLAG_OF);
}

static inline void unpack(uint32_t packed, uint32_t *eflags)
{
	*eflags &= ~FLAGS_ARITH;
	*eflags |= (packed >> 8 & LOW_FLAGS) | (packed & 1 ? FLAG_OF : 0);
}

#define ALU_CASE(bytes, text)                                                                      \
	case bytes:                                                                                \
		asm(LOAD_FLAGS text STORE_FLAGS : "+&a"(flags), "+&q"(dst) : "c"(src));            \
		break

#define ALU_FUNCTION(name, cases)                                                                  \
	uint32_t alu_##name(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags)           \
	{                                                                                          \
		uint32_t flags = pack(*eflags);                                                    \
                                                                                                   \
		switch (size) {                                                                    \
			cases                                                                      \
		}                                                                                  \
		unpack(flags, eflags);                                                             \
		return dst;                                                                        \
	}

#define ALU_BINARY(name)                                                                           \
	ALU_FUNCTION(name, ALU_CASE(1, #name "b %b2, %b1"); ALU_CASE(2, #name "w %w2, %w1");       \
		     ALU_CASE(4, #name "l %2, %1");)

#define ALU_UNARY(name)                                                                            \
	ALU_FUNCTION(name, ALU_CASE(1, #name "b %b1"); ALU_CASE(2, #name "w %w1");                 \
		     ALU_CASE(4, #name "l %1");)

#define ALU_SHIFT(name)                                                                            \
	ALU_FUNCTION(name, ALU_CASE(1, #name "b %b2, %b1"); ALU_CASE(2, #name "w %b2, %w1");       \
		     ALU_CASE(4, #name "l %b2, %1");)

#define ALU_WORDS(name)                                                                            \
	ALU_FUNCTION(name, ALU_CASE(2, #name "w %w2, %w1"); ALU_CASE(4, #name "l %2, %1");)

ALU_BINARY(add)
ALU_BINARY(or)
ALU_BINARY(adc)
ALU_BINARY(sbb)
ALU_BINARY(and)
ALU_BINARY(sub)
ALU_BINARY(xor)
ALU_BINARY(cmp)
ALU_BINARY(test)

ALU_UNARY(inc)
ALU_UNARY(dec)
ALU_UNARY(not )
ALU_UNARY(neg)

ALU_SHIFT(rol)
ALU_SHIFT(ror)
ALU_SHIFT(rcl)
ALU_SHIFT(rcr)
ALU_SHIFT(shl)
ALU_SHIFT(shr)
ALU_SHIFT(sar)

ALU_WORDS(imul)
ALU_WORDS(bt)
ALU_WORDS(bts)
ALU_WORDS(btr)
ALU_WORDS(btc)
ALU_WORDS(bsf)
ALU_WORDS(bsr)
ALU_WORDS(tzcnt)
ALU_WORDS(lzcnt)
ALU_WORDS(popcnt)

#define ALU_SHIFT_DOUBLE(name)                                                                     \
	uint32_t alu_##name(unsigned size, uint32_t dst, uint32_t src, uint32_t n,                 \
			    uint32_t *eflags)                                                      \
	{                                                                                          \
		uint32_t flags = pack(*eflags);                                                    \
                                                                                                   \
		if (size == 2)                                                                     \
			asm(LOAD_FLAGS #name "w %%cl, %w2, %w1" STORE_FLAGS                        \
			    : "+&a"(flags), "+&r"(dst)                                             \
			    : "r"(src), "c"(n));                                                   \
		else                                                                               \
			asm(LOAD_FLAGS #name "l %%cl, %2, %1" STORE_FLAGS                          \
			    : "+&a"(flags), "+&r"(dst)                                             \
			    : "r"(src), "c"(n));                                                   \
		unpack(flags, eflags);                                                             \
		return dst;                                                                        \
	}

ALU_SHIFT_DOUBLE(shld)
ALU_SHIFT_DOUBLE(shrd)

/* The product is in ax, dx:ax or edx:eax; it is moved away before the flags come. */
#define ALU_WIDE(text)                                                                             \
	asm(text "\n\tmovl %%eax, %1" STORE_FLAGS                                                  \
	    : "=&a"(flags), "=&r"(product), "+&d"(*high)                                           \
	    : "c"(src), "0"(*low))

#define ALU_MUL(name, mnemonic)                                                                    \
	void alu_##name(unsigned size, uint32_t *low, uint32_t *high, uint32_t src,                \
			uint32_t *eflags)                                                          \
	{                                                                                          \
		uint32_t flags, product;                                                           \
                                                                                                   \
		switch (size) {                                                                    \
		case 1:                                                                            \
			ALU_WIDE(mnemonic "b %b3");                                                \
			*high = product >> 8 & 0xff;                                               \
			break;                                                                     \
		case 2:                                                                            \
			ALU_WIDE(mnemonic "w %w3");                                                \
			break;                                                                     \
		default:                                                                           \
			ALU_WIDE(mnemonic "l %3");                                                 \
			break;                                                                     \
		}                                                                                  \
		*low = product;                                                                    \
		unpack(flags, eflags);                                                             \
	}

ALU_MUL(mul, "mul")
ALU_MUL(imul_wide, "imul")

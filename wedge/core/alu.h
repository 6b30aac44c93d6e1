/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic, done by the CPU itself: the guest's arithmetic flags are loaded, the very instruction
 * runs on its operands, and the flags are stored. So flags are exact, the undefined ones included,
 * and what an instruction leaves alone stays.
 */
#ifndef WEDGE_CORE_ALU_H
#define WEDGE_CORE_ALU_H

#include "wedge/core/vcpu.h"

/* dst OP src at a size of 1, 2 or 4 bytes; the result's upper bytes are dst's. */
typedef uint32_t (*alu_fn)(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);

uint32_t alu_add(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_or(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_adc(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_sbb(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_and(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_sub(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_xor(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_cmp(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_test(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);

/* src is not used. */
uint32_t alu_inc(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_dec(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_not(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_neg(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);

/* src is the count. */
uint32_t alu_rol(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_ror(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_rcl(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_rcr(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_shl(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_shr(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_sar(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);

/* Sizes 2 and 4 only. */
uint32_t alu_imul(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_bt(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_bts(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_btr(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_btc(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_bsf(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_bsr(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_tzcnt(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_lzcnt(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);
uint32_t alu_popcnt(unsigned size, uint32_t dst, uint32_t src, uint32_t *eflags);

/* Three operands, sizes 2 and 4. */
uint32_t alu_shld(unsigned size, uint32_t dst, uint32_t src, uint32_t n, uint32_t *eflags);
uint32_t alu_shrd(unsigned size, uint32_t dst, uint32_t src, uint32_t n, uint32_t *eflags);

/* Widening products, the low and the high half. */
void alu_mul(unsigned size, uint32_t *low, uint32_t *high, uint32_t src, uint32_t *eflags);
void alu_imul_wide(unsigned size, uint32_t *low, uint32_t *high, uint32_t src, uint32_t *eflags);

#endif

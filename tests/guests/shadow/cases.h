/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cases.S and main.c share. */
#define VECTOR_TRAP_GATE 0x81
#define VECTOR_INTERRUPT_GATE 0x82

/*
 * Where a conditional jump or an int stands in the shadow, QEMU's TCG looks for interrupts one
 * instruction later than the CPU does: either order is right there.
 */
#define ORDER_ANY 99

/* X(name, deliveries, order at the delivery) */
#define SHADOW_CASES(X)                                                                            \
	X(sti_plain, 1, 1)                                                                         \
	X(sti_jump, 1, 0)                                                                          \
	X(sti_branch, 1, ORDER_ANY)                                                                \
	X(sti_call, 1, 0)                                                                          \
	X(sti_return, 1, 0)                                                                        \
	X(sti_load, 1, 0)                                                                          \
	X(sti_sti, 1, 0)                                                                           \
	X(sti_cli, 0, 0)                                                                           \
	X(sti_pushf, 1, 0)                                                                         \
	X(sti_popf_off, 0, 0)                                                                      \
	X(sti_popf_on, 1, 0)                                                                       \
	X(sti_iret_off, 0, 0)                                                                      \
	X(sti_iret_on, 1, 0)                                                                       \
	X(sti_hlt, 1, 0)                                                                           \
	X(sti_int, 1, ORDER_ANY)                                                                   \
	X(sti_int_off, 1, 1)                                                                       \
	X(sti_in, 1, 0)                                                                            \
	X(sti_ds, 1, 0)                                                                            \
	X(sti_cr3, 1, 0)                                                                           \
	X(sti_far, 1, 0)                                                                           \
	X(popf_on, 1, 0)                                                                           \
	X(iret_on, 1, 0)

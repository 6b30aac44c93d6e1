/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The runtime's selectors, for C and assembler. The ones from SEL_FREE on belong to the test. */
#ifndef TESTS_GUESTS_SELECTORS_H
#define TESTS_GUESTS_SELECTORS_H

#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_UCODE 0x1b
#define SEL_UDATA 0x23
#define SEL_TSS 0x28
#define SEL_FREE 0x30
#define NR_GDT 64

#endif

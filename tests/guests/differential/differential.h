/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the assembler and the C half of the differential guest share. */
#ifndef TESTS_GUESTS_DIFFERENTIAL_H
#define TESTS_GUESTS_DIFFERENTIAL_H

/* Where a variant is run, and how. variants.h writes the short names of row.h. */
#define RUN_KERNEL 1     /* ring 0, padded: a site that the loader rewrites */
#define RUN_PLAIN 2      /* ring 0, as written: traps on a wedge */
#define RUN_USER 4       /* ring 3, as written */
#define RUN_PENDING 8    /* in a quarter of the cases an interrupt is pending */
#define ANY_RESULT 16    /* eax ebx ecx edx may legitimately differ: not compared */
#define PAD_BEFORE 32    /* the padding stands before the instruction */
#define NT_CLEAR 64      /* iret with NT would be a task switch */
#define RUN_CALL 256     /* ring 3, padded */
#define RUN_EMULATED 512 /* on memory that a wedge does not map */
#define NO_FAULT 1024 /* TCG changes flags before the fault, or reads operands in another order */
#define UNDEFINED_FLAGS 16 /* where's upper half: flags the instruction leaves undefined */
#define WIDE_PORT 128      /* not at the end of a device's ports: QEMU 7.2 aborts, or reads 0 */

/* What is set up before it: setup.c. */
#define S_NONE 0     /* any register values */
#define S_MEM 1      /* ebx ebp esi edi point at data, ecx is a small index */
#define S_SEL 2      /* registers hold selectors */
#define S_SELMEM 3   /* S_MEM, and the data is selectors */
#define S_STACKSEL 4 /* the stack holds selectors */
#define S_SS 5       /* S_SEL with selectors that may become ss without harm */
#define S_SSMEM 6
#define S_SSSTACK 7
#define S_FARPTR 8 /* S_MEM, and (%ebx) is a far pointer to code */
#define S_FARPTR16 9
#define S_LRET 10 /* the stack holds a far return address */
#define S_LRET16 11
#define S_IRET 12
#define S_IRET16 13
#define S_POPF 14
#define S_GDT 15 /* S_MEM, and (%ebx) is a pseudo-descriptor of the GDT */
#define S_IDT 16
#define S_LDT 17 /* S_SEL, more often than not a selector of an LDT */
#define S_LDTMEM 18
#define S_TR 19
#define S_TRMEM 20
#define S_CR0 21 /* registers hold a harmless value for it */
#define S_CR3 22
#define S_CR4 23
#define S_DR 24
#define S_DR7 25
#define S_LMSW 26
#define S_LMSWMEM 27
#define S_TS 28 /* CR0.TS is random */
#define S_MSR 29
#define S_PORT 30    /* dx is a port that has a register or nothing */
#define S_PORTSTR 31 /* S_PORT and S_MEM, ecx is a small count */
#define S_MEM16 32   /* bx bp si di point at data below 64 KiB */
#define S_SELMEM16 33
#define S_FSMEM 34 /* S_MEM through fs with another base; sometimes beyond a limit */
#define S_CPUID 35
#define S_STACKMEM 36 /* ebp and esp relative */
#define S_FARIMM16 37
#define S_ZERO 38 /* ecx is 0 */
#define S_PORTSTR16 39
#define S_TABLE 40 /* S_MEM, but not across the end of a page: two stores, in either order */

#define S_PAGE0 41 /* ebx ebp esi edi point into page 0, with any rights */
#define S_SITE 42  /* S_PAGE0, or as well elsewhere: a memory site finds out */

/* Selectors of the test. */
#define SEL_LDT 0x30
#define SEL_BASED 0x38
#define SEL_SMALL 0x40
#define SEL_RODATA 0x48
#define SEL_DOWN 0x50
#define SEL_XONLY 0x58
#define SEL_CONFORM 0x60
#define SEL_UCODE2 0x68
#define SEL_NPDATA 0x70
#define SEL_NPCODE 0x78
#define SEL_GATE 0x80
#define SEL_TSS2 0x88
#define SEL_TSSBUSY 0x90
#define SEL_DATA16 0x98
#define SEL_RESERVED 0xa0
#define SEL_DATA1 0xa8
#define SEL_EMPTY 0xb0
#define SEL_INTGATE 0xb8
#define SEL_FRESH 0xc0 /* not accessed yet */
#define SEL_FRESHCODE 0xc8
#define SEL_NPLDT 0xd0
#define SEL_UFRESH 0xd8
#define SEL_LDT_UDATA 0x0f
#define SEL_LDT_UCODE 0x17
#define SEL_LDT_DATA 0x1c
#define SEL_LDT_NP 0x24

#define VEC_INT_GATE 0x90  /* DPL 0 */
#define VEC_TRAP_GATE 0x91 /* DPL 3 */
#define VEC_NP_GATE 0x92   /* not present */
#define VEC_BAD_TYPE 0x93  /* a call gate in the IDT */
#define VEC_NULL_CODE 0x94 /* null selector */
#define VEC_DATA_CODE 0x95 /* selector of a data segment */
#define VEC_USER_CODE 0x96 /* selector of a ring 3 code segment */
#define VEC_NP_CODE 0x97
#define VEC_CONFORMING 0x98
#define VEC_INT_GATE3 0x99 /* DPL 3 */
#define VEC_BEYOND 0xff    /* behind the limit of the IDT */

#define LOW_LANDING 0x5000 /* ud2 here, for 16-bit targets */
#define LOW_DATA 0x6000
#define PAGE0_ALIAS 0xf01000 /* pages 0 and 1 as the harness sees them */

#endif

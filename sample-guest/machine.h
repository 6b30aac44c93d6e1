/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Constants of the PC and of this kernel's memory layout. Included by C and by assembler, so it
 * holds nothing but macros.
 */
#ifndef SAMPLE_MACHINE_H
#define SAMPLE_MACHINE_H

/* Multiboot 0.6.96, section 3. */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY 0x2 /* header flag: hand over the memory map */
#define MULTIBOOT_LOADED 0x2badb002

/* 16550 UART, National Semiconductor PC16550D data sheet, table 2. */
#define COM1 0x3f8
#define COM1_IRQ 4
#define UART_THR 0 /* write: transmitter; read: receiver */
#define UART_IER 1
#define UART_IIR 2 /* read */
#define UART_FCR 2 /* write */
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6
#define UART_SCR 7
#define UART_LSR_DR 0x01
#define UART_LSR_THRE 0x20

/* QEMU's isa-debug-exit: a write ends the machine with status (value << 1) | 1. */
#define DEBUG_EXIT 0xf4

/*
 * Memory layout. Physical memory appears once more at KERNEL_BASE; programs have everything below.
 * The last 4 MiB of the address space are left alone (what Linux calls reservetop=).
 */
#define KERNEL_PHYS 0x100000
#define KERNEL_BASE 0xc0000000
#define DIRECT_SIZE 0x3c000000 /* at most 960 MiB of RAM are used */
#define VMAP_BASE 0xfc000000   /* 4 MiB of 4 KiB pages */
#define USER_BASE 0x00400000
#define USER_STACK_TOP 0xbff00000
#define USER_STACK_SIZE 0x10000
#define PAGE_SIZE 4096
#define LARGE_PAGE_SIZE 0x400000

/* Selectors: index * 8 + requested privilege level, SDM vol. 3, 3.4.2. */
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1b
#define USER_DS 0x23
#define TSS_SEL 0x28
#define LDT_SEL 0x30
#define TLS_SEL 0x3b  /* GDT slot that each thread fills with its own segment */
#define GATE_SEL 0x43 /* call gate that ring 3 may use */
#define TEST_SEL 0x48 /* first of the slots that the self-tests fill */
#define NR_TEST_SEL 5
#define GDT_ENTRIES 14
#define LDT_ENTRIES 4
#define TLS_LDT_SEL 0x0f /* entry 1 of the LDT */

#define OPEN_PORT (COM1 + UART_SCR) /* which processes may ask for */
#define SYSCALL_VECTOR 0x80
#define IRQ_BASE 0x20 /* vector of IRQ 0 */

#define HZ 100

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 2: a console, the 16550 UART (PC16550D data sheet, National Semiconductor).
 *
 * 115200 baud, 8 bits, no parity. Output waits for room in the transmitter; its interrupt is used
 * only to show how one is.
 */
#include <stdarg.h>

#include "kernel.h"

volatile unsigned console_irqs;

static void console_irq(void)
{
	inb(COM1 + UART_IIR); /* reading it acknowledges "transmitter empty" */
	outb(COM1 + UART_IER, 0);
	console_irqs++;
}

void console_init(void)
{
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, 0x80); /* DLAB: the divisor is at the first two registers */
	outb(COM1 + UART_THR, 1);
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, 0x03); /* 8n1 */
	outb(COM1 + UART_FCR, 0x07); /* FIFOs on and empty */
	outb(COM1 + UART_MCR, 0x0b); /* DTR, RTS, OUT2: the PC gates the interrupt line by OUT2 */
}

void console_interrupts(bool on)
{
	trap_irq(COM1_IRQ, console_irq);
	if (on)
		pic_unmask(COM1_IRQ);
	else
		pic_mask(COM1_IRQ);
	outb(COM1 + UART_IER, on ? 0x02 : 0);
}

void console_put(char c)
{
	if (c == '\n')
		console_put('\r');
	while (!(inb(COM1 + UART_LSR) & UART_LSR_THRE))
		;
	outb(COM1 + UART_THR, c);
}

static void put_number(uint32_t value, unsigned base, unsigned width)
{
	char digits[11];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || n < width);
	while (n)
		console_put(digits[--n]);
}

static void put_string(const char *s)
{
	while (*s)
		console_put(*s++);
}

/* %d %u %x %s %c %% and %08x, no more. */
static void print_list(const char *fmt, va_list ap)
{
	unsigned width;
	int value;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			console_put(*fmt);
			continue;
		}
		for (width = 0, fmt++; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = *fmt - '0';
		switch (*fmt) {
		case 'd':
			value = va_arg(ap, int);
			if (value < 0)
				console_put('-');
			put_number(value < 0 ? -(uint32_t)value : (uint32_t)value, 10, 0);
			break;
		case 'u':
			put_number(va_arg(ap, unsigned), 10, 0);
			break;
		case 'x':
			put_number(va_arg(ap, unsigned), 16, width);
			break;
		case 's':
			put_string(va_arg(ap, const char *));
			break;
		case 'c':
			console_put(va_arg(ap, int));
			break;
		default:
			console_put(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_list(fmt, ap);
	va_end(ap);
}

_Noreturn void machine_exit(uint32_t status)
{
	outl(DEBUG_EXIT, status);
	for (;;) { /* a machine without that port stops here */
		cli();
		asm volatile("hlt");
	}
}

_Noreturn void panic(const char *fmt, ...)
{
	va_list ap;

	cli();
	print("Bail out! ");
	va_start(ap, fmt);
	print_list(fmt, ap);
	va_end(ap);
	print("\n");
	machine_exit(0x7f);
}

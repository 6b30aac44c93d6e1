/* SPDX-License-Identifier: MIT */
/*
 * COM1: a 16550A (National Semiconductor PC16550D data sheet) at 0x3f8, interrupt line 4.
 *
 * The line is infinitely fast: a byte written has left, a byte that the host has waiting is
 * received as soon as there is room, so nothing overruns. Interrupts are not gated by OUT2, as QEMU
 * does not either.
 */
#include "wedge/devices/devices.h"

#define FIFO_SIZE 16
#define POLL_NS 1000000  /* asking the host costs system calls: at most so often */
#define LATE_NS 10000000 /* a busy guest may learn of input so late: a timer costs more */

enum reg { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IER_LINE 0x04
#define IER_MODEM 0x08
#define IIR_NONE 0x01
#define IIR_MODEM 0x00
#define IIR_TRANSMIT 0x02
#define IIR_RECEIVE 0x04
#define IIR_TIMEOUT 0x0c
#define IIR_LINE 0x06
#define IIR_FIFO 0xc0
#define FCR_ENABLE 0x01
#define FCR_CLEAR_RECEIVE 0x02
#define LCR_DLAB 0x80
#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define LSR_DATA 0x01
#define LSR_OVERRUN 0x02
#define LSR_ERRORS 0x1e
#define LSR_EMPTY 0x60 /* THRE and TEMT */
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80
#define MSR_DELTAS 0x0f

static struct {
	struct machine *m;
	uint8_t ier, lcr, mcr, scr;
	uint8_t line;  /* error bits of the LSR */
	uint8_t modem; /* the MSR */
	uint8_t divisor[2];
	bool fifo;
	uint8_t trigger; /* bytes in the FIFO that raise the receive interrupt */
	bool thre;       /* the transmit interrupt is due */
	uint8_t queue[FIFO_SIZE];
	uint8_t head, length;
	uint64_t poll_at; /* when the host may be asked for input again */
	bool poll_wanted; /* somebody wanted to, earlier */
} com;

static uint8_t depth(void)
{
	return com.fifo ? FIFO_SIZE : 1;
}

static void push(uint8_t byte)
{
	if (com.length == depth()) {
		/* Without FIFO the new byte replaces the old, with it the new one is lost. */
		com.line |= LSR_OVERRUN;
		if (!com.fifo)
			com.queue[com.head] = byte;
		return;
	}
	com.queue[(com.head + com.length++) % FIFO_SIZE] = byte;
}

static uint8_t pop(void)
{
	uint8_t byte = com.queue[com.head];

	if (!com.length)
		return byte;
	com.head = (com.head + 1) % FIFO_SIZE;
	com.length--;
	return byte;
}

/* The source of the highest priority (data sheet, table 4). Below the trigger level the bytes wait
 * for more of them for four character times, which on this line have passed. */
static uint8_t source(void)
{
	if ((com.ier & IER_LINE) && (com.line & LSR_ERRORS))
		return IIR_LINE;
	if ((com.ier & IER_RECEIVE) && com.length)
		return com.length >= com.trigger ? IIR_RECEIVE : IIR_TIMEOUT;
	if ((com.ier & IER_TRANSMIT) && com.thre)
		return IIR_TRANSMIT;
	if ((com.ier & IER_MODEM) && (com.modem & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(void)
{
	irq_set(&com.m->bus, IRQ_COM1, source() != IIR_NONE);
}

/* Take what the host has for us. */
static void receive(uint64_t now)
{
	int byte = 0;

	com.poll_wanted = false;
	com.poll_at = now + POLL_NS;
	while (!(com.mcr & MCR_LOOP) && com.length < depth() && byte >= 0) {
		byte = platform_serial_read(PLATFORM_COM1);
		if (byte >= 0)
			push((uint8_t)byte);
	}
	update_irq();
}

static void run(void *dev, uint64_t now)
{
	(void)dev;
	if (now >= com.poll_at)
		receive(now);
	else
		com.poll_wanted = true;
}

/* Input wakes the platform, which calls run. A guest without receive interrupt asks by itself. */
static uint64_t deadline(void *dev)
{
	(void)dev;
	if (com.poll_wanted && (com.ier & IER_RECEIVE) && com.length < depth())
		return com.poll_at - POLL_NS + LATE_NS;
	return UINT64_MAX;
}

static void transmit(uint8_t byte)
{
	/* The holding register fills, and the interrupt goes... */
	com.thre = false;
	update_irq();
	if (com.mcr & MCR_LOOP)
		push(byte);
	else
		platform_serial_write(PLATFORM_COM1, byte);
	/* ...until it is empty again. */
	com.thre = true;
	update_irq();
}

static void write_ier(uint8_t v)
{
	/* Enabling the transmit interrupt with an empty holding register raises it. */
	if ((v & IER_TRANSMIT) && !(com.ier & IER_TRANSMIT))
		com.thre = true;
	com.ier = v & 0x0f;
	update_irq();
}

static void write_fcr(uint8_t v)
{
	static const uint8_t triggers[] = {1, 4, 8, 14};
	bool enable = v & FCR_ENABLE;

	if (enable != com.fifo || (enable && (v & FCR_CLEAR_RECEIVE)))
		com.head = com.length = 0;
	com.fifo = enable;
	com.trigger = enable ? triggers[v >> 6] : 1;
	update_irq();
}

/* The modem's lines: in loopback our own outputs, else a cable to something that is always ready.
 */
static uint8_t modem_lines(void)
{
	if (!(com.mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	return (uint8_t)((com.mcr & MCR_DTR ? MSR_DSR : 0) | (com.mcr & MCR_RTS ? MSR_CTS : 0) |
			 (com.mcr & MCR_OUT1 ? MSR_RI : 0) | (com.mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void write_mcr(uint8_t v)
{
	uint8_t lines, changed;

	com.mcr = v & 0x1f;
	lines = modem_lines();
	changed = (lines ^ com.modem) & 0xf0;
	if (lines & MSR_RI)
		changed &= ~MSR_RI; /* only its fall counts: TERI */
	com.modem = (uint8_t)(lines | (com.modem & MSR_DELTAS) | changed >> 4);
	update_irq();
}

static void uart_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	uint8_t v = (uint8_t)value;

	(void)dev, (void)size;
	if ((port & 7) <= IER && (com.lcr & LCR_DLAB)) {
		com.divisor[port & 7] = v;
		return;
	}
	switch (port & 7) {
	case RBR_THR:
		transmit(v);
		break;
	case IER:
		write_ier(v);
		break;
	case IIR_FCR:
		write_fcr(v);
		break;
	case LCR:
		com.lcr = v;
		break;
	case MCR:
		write_mcr(v);
		break;
	case SCR:
		com.scr = v;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
}

static uint8_t read_rbr(void)
{
	uint8_t v = pop();

	if (!com.length)
		receive(platform_now()); /* there may be more of it */
	update_irq();
	return v;
}

static uint8_t read_iir(void)
{
	uint8_t id = source();

	/* Reading the transmit interrupt out clears it. */
	if (id == IIR_TRANSMIT)
		com.thre = false;
	update_irq();
	return id | (com.fifo ? IIR_FIFO : 0);
}

static uint8_t read_lsr(void)
{
	uint8_t v;

	run(NULL, platform_now());
	v = LSR_EMPTY | com.line | (com.length ? LSR_DATA : 0);
	com.line = 0;
	update_irq();
	return v;
}

static uint8_t read_msr(void)
{
	uint8_t v = com.modem;

	com.modem &= ~MSR_DELTAS;
	update_irq();
	return v;
}

static uint32_t uart_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)size;
	if ((port & 7) <= IER && (com.lcr & LCR_DLAB))
		return com.divisor[port & 7];
	switch (port & 7) {
	case RBR_THR:
		return read_rbr();
	case IER:
		return com.ier;
	case IIR_FCR:
		return read_iir();
	case LCR:
		return com.lcr;
	case MCR:
		return com.mcr;
	case LSR:
		return read_lsr();
	case MSR:
		return read_msr();
	default:
		return com.scr;
	}
}

void uart16550_init(struct machine *m)
{
	com.m = m;
	com.ier = com.lcr = com.scr = com.line = 0;
	com.mcr = MCR_OUT2;
	com.modem = MSR_DCD | MSR_DSR | MSR_CTS;
	com.divisor[0] = 12; /* 9600 baud */
	com.divisor[1] = 0;
	com.fifo = false;
	com.trigger = 1;
	com.thre = true;
	com.head = com.length = 0;
	com.poll_at = 0;
	com.poll_wanted = false;
	bus_add_io(
	    &m->bus,
	    &(struct io_range){
		.first = 0x3f8, .last = 0x3ff, .in = uart_in, .out = uart_out, .bytes_only = true});
	bus_add_timed(&m->bus, &(struct timed_device){.run = run, .deadline = deadline});
}

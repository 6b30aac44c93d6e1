/* SPDX-License-Identifier: MIT */
/*
 * The two 8259A interrupt controllers of a PC, cascaded over line 2 (Intel 8259A data sheet,
 * 231468-003), with the edge/level registers of the later chipsets (82371AB data sheet,
 * ELCR1/ELCR2).
 *
 * A request that was latched by an edge stays latched when the line falls again. The first chips
 * dropped it and answered the acknowledge with a spurious interrupt; QEMU and KVM latch, and so do
 * we: a host that was slow to run the guest must not cost it an interrupt.
 */
#include "wedge/devices/devices.h"

#define ICW1_INIT 0x10
#define ICW1_LEVEL 0x08
#define ICW1_SINGLE 0x02
#define ICW1_ICW4 0x01
#define ICW4_AUTO_EOI 0x02
#define ICW4_NESTED 0x10 /* special fully nested mode */
#define OCW3 0x08        /* in a command byte: OCW3, not OCW2 */
#define OCW3_SMM_SET 0x40
#define OCW3_SMM 0x20
#define OCW3_POLL 0x04
#define OCW3_READ_SET 0x02
#define OCW3_READ_ISR 0x01

#define LINES 8
#define NONE (-1)

enum icw_state { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

struct i8259 {
	uint8_t lines; /* levels of the inputs */
	uint8_t irr, isr, imr;
	uint8_t elcr, elcr_writable;
	uint8_t base;   /* vector of line 0 */
	uint8_t lowest; /* line of the lowest priority; 7 unless rotated */
	enum icw_state icw;
	bool single, want_icw4, level, auto_eoi, rotate_aeoi, nested, special_mask;
	bool read_isr, poll;
};

struct pic_pair {
	struct i8259 master, slave;
	void (*acknowledged[16])(void);
};

static struct pic_pair pair;

/* How many places line is behind the highest priority; LINES for none. */
static unsigned rank(const struct i8259 *p, uint8_t bits, unsigned *line)
{
	for (unsigned i = 0; i < LINES; i++) {
		*line = (p->lowest + 1 + i) % LINES;
		if (bits & (1u << *line))
			return i;
	}
	return LINES;
}

/* The line whose request goes to the INT output now, or NONE. */
static int highest(const struct i8259 *p)
{
	uint8_t in_service = p->isr;
	unsigned line, serving;
	unsigned r = rank(p, p->irr & ~p->imr, &line);

	if (r == LINES)
		return NONE;
	/* Special mask mode: a masked line in service does not hold off lower ones. */
	if (p->special_mask)
		in_service &= ~p->imr;
	/* Special fully nested: the slave may interrupt itself. */
	if (p->nested && p == &pair.master)
		in_service &= ~(1u << IRQ_CASCADE);
	return r < rank(p, in_service, &serving) ? (int)line : NONE;
}

static uint8_t level_triggered(const struct i8259 *p)
{
	return p->level ? 0xff : p->elcr;
}

static void set_line(struct i8259 *p, unsigned line, bool high)
{
	uint8_t bit = (uint8_t)(1u << line);

	if (level_triggered(p) & bit)
		p->irr = high ? p->irr | bit : p->irr & ~bit;
	else if (high && !(p->lines & bit))
		p->irr |= bit;
	p->lines = high ? p->lines | bit : p->lines & ~bit;
}

/* The slave's INT output is the master's line 2. */
static void cascade(void)
{
	set_line(&pair.master, IRQ_CASCADE, highest(&pair.slave) != NONE);
}

static void enter_service(struct i8259 *p, unsigned line)
{
	uint8_t bit = (uint8_t)(1u << line);

	if (!p->auto_eoi)
		p->isr |= bit;
	else if (p->rotate_aeoi)
		p->lowest = (uint8_t)line;
	if (!(level_triggered(p) & bit))
		p->irr &= ~bit;
	/* INT falls at every acknowledge, so that a further request makes an edge. */
	if (p == &pair.slave)
		set_line(&pair.master, IRQ_CASCADE, false);
	cascade();
}

void irq_set(struct bus *b, unsigned irq, bool level)
{
	if (!b->pic)
		return;
	if (irq < LINES) {
		set_line(&pair.master, irq, level);
		return;
	}
	set_line(&pair.slave, irq - LINES, level);
	cascade();
}

bool irq_waits(struct bus *b, unsigned irq)
{
	const struct i8259 *p = irq < LINES ? &pair.master : &pair.slave;

	return b->pic && ((p->irr & ~p->imr) >> irq % LINES & 1);
}

bool irq_pending(struct bus *b)
{
	return b->pic && highest(&pair.master) != NONE;
}

/* A request that went away before the acknowledge is answered as line 7, without going into
 * service. */
uint8_t irq_acknowledge(struct bus *b)
{
	int line = highest(&pair.master);
	int slave_line;

	(void)b;
	if (line == NONE)
		return pair.master.base + 7;
	enter_service(&pair.master, (unsigned)line);
	if (line != IRQ_CASCADE || pair.master.single) {
		if (pair.acknowledged[line])
			pair.acknowledged[line]();
		return (uint8_t)(pair.master.base + line);
	}
	slave_line = highest(&pair.slave);
	if (slave_line == NONE)
		return pair.slave.base + 7;
	enter_service(&pair.slave, (unsigned)slave_line);
	if (pair.acknowledged[LINES + slave_line])
		pair.acknowledged[LINES + slave_line]();
	return (uint8_t)(pair.slave.base + slave_line);
}

void irq_on_acknowledge(unsigned irq, void (*fn)(void))
{
	pair.acknowledged[irq] = fn;
}

/* ICW1 resets the edge detectors: a line that is high must fall and rise before it requests again.
 */
static void write_icw1(struct i8259 *p, uint8_t v)
{
	*p = (struct i8259){
	    .lines = p->lines,
	    .elcr = p->elcr,
	    .elcr_writable = p->elcr_writable,
	    .base = p->base,
	    .lowest = 7,
	    .icw = WANT_ICW2,
	    .single = v & ICW1_SINGLE,
	    .want_icw4 = v & ICW1_ICW4,
	    .level = v & ICW1_LEVEL,
	};
	p->irr = p->lines & level_triggered(p);
}

static void end_of_interrupt(struct i8259 *p, bool specific, unsigned line, bool rotate)
{
	/* In special mask mode a masked line is left in service by the non-specific command. */
	uint8_t candidates = p->special_mask ? p->isr & ~p->imr : p->isr;

	if (!specific && rank(p, candidates, &line) == LINES)
		return;
	p->isr &= ~(1u << line);
	if (rotate)
		p->lowest = (uint8_t)line;
}

static void write_ocw2(struct i8259 *p, uint8_t v)
{
	unsigned line = v & 7;

	switch (v >> 5) {
	case 0:
		p->rotate_aeoi = false;
		break;
	case 1:
		end_of_interrupt(p, false, 0, false);
		break;
	case 3:
		end_of_interrupt(p, true, line, false);
		break;
	case 4:
		p->rotate_aeoi = true;
		break;
	case 5:
		end_of_interrupt(p, false, 0, true);
		break;
	case 6:
		p->lowest = (uint8_t)line;
		break;
	case 7:
		end_of_interrupt(p, true, line, true);
		break;
	default: /* 2: no operation */
		break;
	}
}

static void write_ocw3(struct i8259 *p, uint8_t v)
{
	if (v & OCW3_SMM_SET)
		p->special_mask = v & OCW3_SMM;
	if (v & OCW3_POLL)
		p->poll = true;
	else if (v & OCW3_READ_SET)
		p->read_isr = v & OCW3_READ_ISR;
}

static void write_data(struct i8259 *p, uint8_t v)
{
	switch (p->icw) {
	case READY:
		p->imr = v;
		break;
	case WANT_ICW2:
		p->base = v & 0xf8;
		p->icw = !p->single ? WANT_ICW3 : p->want_icw4 ? WANT_ICW4 : READY;
		break;
	case WANT_ICW3: /* the wiring of the cascade: fixed in a PC */
		p->icw = p->want_icw4 ? WANT_ICW4 : READY;
		break;
	case WANT_ICW4:
		p->auto_eoi = v & ICW4_AUTO_EOI;
		p->nested = v & ICW4_NESTED;
		p->icw = READY;
		break;
	}
}

static void i8259_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct i8259 *p = dev;
	uint8_t v = (uint8_t)value;

	(void)size;
	if (port & 1)
		write_data(p, v);
	else if (v & ICW1_INIT)
		write_icw1(p, v);
	else if (v & OCW3)
		write_ocw3(p, v);
	else
		write_ocw2(p, v);
	cascade();
}

/* The read after a poll command is the acknowledge. */
static uint8_t poll(struct i8259 *p)
{
	int line = highest(p);

	p->poll = false;
	if (line == NONE)
		return 0;
	enter_service(p, (unsigned)line);
	return (uint8_t)(0x80 | line);
}

static uint32_t i8259_in(void *dev, uint16_t port, unsigned size)
{
	struct i8259 *p = dev;

	(void)size;
	if (p->poll)
		return poll(p);
	if (port & 1)
		return p->imr;
	return p->read_isr ? p->isr : p->irr;
}

static void elcr_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct i8259 *p = port & 1 ? &pair.slave : &pair.master;

	(void)dev, (void)size;
	p->elcr = (uint8_t)value & p->elcr_writable;
	p->irr = (p->irr & ~p->elcr) | (p->lines & p->elcr);
	cascade();
}

static uint32_t elcr_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)size;
	return port & 1 ? pair.slave.elcr : pair.master.elcr;
}

void i8259_init(struct machine *m)
{
	struct io_range r = {.in = i8259_in, .out = i8259_out, .bytes_only = true};

	/* The lines of the timer, keyboard, cascade, clock and FPU are edge triggered for ever. */
	pair = (struct pic_pair){
	    .master = {.lowest = 7, .elcr_writable = 0xf8},
	    .slave = {.lowest = 7, .elcr_writable = 0xde},
	};
	m->bus.pic = &pair;

	r.first = 0x20, r.last = 0x21, r.dev = &pair.master;
	bus_add_io(&m->bus, &r);
	r.first = 0xa0, r.last = 0xa1, r.dev = &pair.slave;
	bus_add_io(&m->bus, &r);
	bus_add_io(
	    &m->bus,
	    &(struct io_range){
		.first = 0x4d0, .last = 0x4d1, .in = elcr_in, .out = elcr_out, .bytes_only = true});
}

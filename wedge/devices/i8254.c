/* SPDX-License-Identifier: MIT */
/*
 * The 8254 programmable interval timer (Intel 8254 data sheet, 231164-005) and system control port
 * B (0x61): channel 0 is interrupt line 0, channel 1 was the refresh request, channel 2 the speaker
 * with its gate in port 0x61.
 *
 * Nothing counts. The state of a channel is the tick at which its present count began; counter,
 * output and the number of edges up to now are computed from the time, so nothing drifts.
 *
 * Edges of channel 0 merge as on a PC while interrupt 0 stays requested, with one exception: edges
 * of a clock tick (1 kHz or slower) that passed while the host did not run us at all are time the
 * guest never had. They are owed to it, and each acknowledge of the guest is followed by the next
 * one. The platform runs us at every edge, so one that is seen late, or with others, is such an
 * edge.
 */
#include "wedge/devices/devices.h"

/* The crystal of 14.31818... MHz divided by 12 is 105/88 MHz. */
#define TICKS 105
#define TICKS_NS 88000

#define MAX_OWED_SECONDS 10 /* a machine stopped for longer was suspended */
#define LATE_TICKS 1193     /* 1 ms */
#define REFRESH_TICKS 18    /* channel 1 as the firmware leaves it: 15 us */

enum access { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };

struct channel {
	uint8_t mode; /* 0-5 */
	bool bcd;
	enum access access;
	uint32_t count; /* 1-65536, or 1-10000 */
	uint32_t next;  /* written while counting, taken at switch_at or by the gate; or 0 */
	bool armed;     /* counts, or has counted, from `count` */
	bool paused;    /* modes 0 and 4 with a low gate, at tick `frozen` of the count */
	bool gate;
	bool write_high; /* the next byte written is the high one */
	bool read_high;
	bool latched, status_latched;
	uint8_t low; /* first byte of two */
	uint8_t status;
	uint16_t latch;
	int64_t start; /* tick at which the count began */
	int64_t frozen;
	int64_t switch_at;
	int64_t seen; /* rising edges since start that were counted */
};

static struct {
	struct machine *m;
	struct channel channel[3];
	uint8_t port_b; /* bits 0-3 as written */
	uint32_t owed;  /* edges of channel 0 still to be delivered */
	int64_t last;   /* tick of the last run */
} pit;

static int64_t tick_at(uint64_t ns)
{
	return (int64_t)(ns * TICKS / TICKS_NS);
}

/* The first nanosecond of a tick. */
static uint64_t time_of(int64_t tick)
{
	return ((uint64_t)tick * TICKS_NS + TICKS - 1) / TICKS;
}

static bool periodic(const struct channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

static bool needs_trigger(const struct channel *c)
{
	return c->mode == 1 || c->mode == 5;
}

static uint32_t high_half(uint32_t count)
{
	return (count + 1) / 2;
}

/* Ticks since the count began; 0 in the tick between the write and its transfer to the counter. */
static int64_t elapsed(const struct channel *c, int64_t t)
{
	int64_t d = c->paused ? c->frozen : t - c->start;

	return d > 0 ? d : 0;
}

static bool output(const struct channel *c, int64_t t)
{
	int64_t d = elapsed(c, t);

	if (!c->armed)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
		return d >= c->count;
	case 1:
		return t < c->start || d >= c->count;
	case 2:
		return d % c->count != c->count - 1;
	case 3:
		return d % c->count < high_half(c->count);
	default:
		return d != c->count;
	}
}

/* Rising edges of the output since the count began. */
static int64_t edges(const struct channel *c, int64_t t)
{
	int64_t d = elapsed(c, t);

	if (!c->armed)
		return 0;
	if (periodic(c))
		return d / c->count;
	return c->mode >= 4 ? d > c->count : d >= c->count;
}

/* The tick of the next rising edge or change of count, or -1. */
static int64_t next_edge(const struct channel *c, int64_t t)
{
	int64_t d = elapsed(c, t);

	if (!c->armed || c->paused)
		return -1;
	if (c->next && periodic(c))
		return c->switch_at;
	if (periodic(c))
		return c->start + (d / c->count + 1) * c->count;
	if (edges(c, t))
		return -1;
	return c->start + c->count + (c->mode >= 4);
}

static uint16_t to_bcd(uint32_t n)
{
	return (uint16_t)(n % 10 | n / 10 % 10 << 4 | n / 100 % 10 << 8 | n / 1000 % 10 << 12);
}

static uint32_t from_bcd(uint32_t v)
{
	return (v & 15) + 10 * (v >> 4 & 15) + 100 * (v >> 8 & 15) + 1000 * (v >> 12 & 15);
}

/* What a read of the counting element gives. */
static uint16_t counter(const struct channel *c, int64_t t)
{
	int64_t d = elapsed(c, t);
	int64_t modulo = c->bcd ? 10000 : 65536;
	int64_t n = c->count;

	if (c->armed && c->mode == 2) {
		n -= d % n;
	} else if (c->armed && c->mode == 3) {
		/* Counts by two from the even number below, once for each half. */
		d %= n;
		if (d >= high_half(c->count))
			d -= high_half(c->count);
		n = (n & ~INT64_C(1)) - 2 * d;
	} else if (c->armed) {
		n = ((n - d) % modulo + modulo) % modulo;
	}
	return c->bcd ? to_bcd((uint32_t)n) : (uint16_t)n;
}

/* Bring a channel to tick t; gives the rising edges since the last time. */
static int64_t advance(struct channel *c, int64_t t)
{
	int64_t n = 0;

	if (c->next && periodic(c) && c->armed && t >= c->switch_at) {
		bool cycle_ends = (c->switch_at - c->start) % c->count == 0;

		n = edges(c, c->switch_at) - c->seen;
		c->count = c->next;
		c->next = 0;
		/* Mode 3 takes the new count at either half: a low half is the second of its cycle.
		 */
		c->start = cycle_ends ? c->switch_at : c->switch_at - high_half(c->count);
		c->seen = 0;
	}
	n += edges(c, t) - c->seen;
	c->seen = edges(c, t);
	return n;
}

/* Show line 0 a rising edge, then the output's level. */
static void pulse(void)
{
	irq_set(&pit.m->bus, IRQ_TIMER, false);
	irq_set(&pit.m->bus, IRQ_TIMER, true);
	if (!output(&pit.channel[0], pit.last))
		irq_set(&pit.m->bus, IRQ_TIMER, false);
}

/*
 * n edges of channel 0 have passed: one makes a request, unless one still waits for the guest.
 * While the guest catches up none merges. A faster clock than 1 kHz is nobody's time of day, and on
 * a host that is too slow for it a debt would leave the guest no time for anything else.
 */
static void owe(const struct channel *c, int64_t n)
{
	int64_t most = (int64_t)tick_at((uint64_t)MAX_OWED_SECONDS * NS_PER_SECOND) / c->count;
	bool late =
	    periodic(c) && (pit.owed || n > 1 || elapsed(c, pit.last) % c->count >= LATE_TICKS);

	if (c->count < LATE_TICKS)
		n = 0;
	else if (!late || !irq_waits(&pit.m->bus, IRQ_TIMER))
		n--;
	pit.owed = (uint32_t)(n < most - pit.owed ? pit.owed + n : most);
}

/* All channels to now. Every access comes through here first. */
static void run(void *dev, uint64_t now)
{
	struct channel *c = &pit.channel[0];
	int64_t t = tick_at(now);
	int64_t n;

	(void)dev;
	if (t > pit.last)
		pit.last = t;
	n = advance(c, pit.last);
	advance(&pit.channel[1], pit.last);
	advance(&pit.channel[2], pit.last);
	if (n) {
		owe(c, n);
		pulse();
	} else {
		irq_set(&pit.m->bus, IRQ_TIMER, output(c, pit.last));
	}
}

static uint64_t deadline(void *dev)
{
	int64_t t = next_edge(&pit.channel[0], pit.last);

	(void)dev;
	return t < 0 ? UINT64_MAX : time_of(t);
}

static void acknowledged(void)
{
	if (!pit.owed)
		return;
	pit.owed--;
	pulse();
}

static void begin(struct channel *c, uint32_t count)
{
	c->count = count;
	c->next = 0;
	c->start = pit.last + 1;
	c->seen = 0;
	c->armed = true;
	c->frozen = 0;
	c->paused = !periodic(c) && !needs_trigger(c) && !c->gate;
}

static void load(struct channel *c, uint32_t value)
{
	uint32_t count = c->bcd ? from_bcd(value) : value;
	int64_t d = elapsed(c, pit.last);

	if (!count)
		count = c->bcd ? 10000 : 65536;
	if (needs_trigger(c)) {
		c->next = count;
	} else if (!periodic(c) || !c->armed) {
		if (periodic(c) && !c->gate)
			c->next = count; /* begins when the gate rises */
		else
			begin(c, count);
	} else {
		int64_t half = high_half(c->count);

		c->next = count;
		c->switch_at = c->start + (d / c->count + 1) * c->count;
		if (c->mode == 3 && d % c->count < half)
			c->switch_at -= c->count - half;
	}
}

static void write_count(struct channel *c, uint8_t v)
{
	if (c->access == ACCESS_LOW) {
		load(c, v);
	} else if (c->access == ACCESS_HIGH) {
		load(c, (uint32_t)v << 8);
	} else if (!c->write_high) {
		c->low = v;
		c->write_high = true;
		if (c->mode == 0)
			c->armed = false; /* the first byte stops the count and clears the output */
	} else {
		c->write_high = false;
		load(c, (uint32_t)v << 8 | c->low);
	}
}

static void latch_count(struct channel *c)
{
	if (c->latched)
		return;
	c->latched = true;
	c->latch = counter(c, pit.last);
}

static void latch_status(struct channel *c)
{
	bool null = !c->armed || c->next || pit.last < c->start;

	if (c->status_latched)
		return;
	c->status_latched = true;
	c->status = (uint8_t)(output(c, pit.last) << 7 | null << 6 | c->access << 4 | c->mode << 1 |
			      c->bcd);
}

/* The read-back command; the bits to latch are active low. */
static void read_back(uint8_t v)
{
	for (unsigned i = 0; i < 3; i++) {
		if (!(v & (2u << i)))
			continue;
		if (!(v & 0x20))
			latch_count(&pit.channel[i]);
		if (!(v & 0x10))
			latch_status(&pit.channel[i]);
	}
}

static void write_control(uint8_t v)
{
	struct channel *c = &pit.channel[v >> 6 & 3];
	bool was_high, gate;

	if (v >> 6 == 3) {
		read_back(v);
		return;
	}
	if ((v >> 4 & 3) == ACCESS_LATCH) {
		latch_count(c);
		return;
	}
	was_high = output(c, pit.last);
	gate = c->gate;
	*c = (struct channel){
	    .mode = v >> 1 & 7,
	    .bcd = v & 1,
	    .access = v >> 4 & 3,
	    .count = c->count,
	    .gate = gate,
	};
	if (c->mode > 5)
		c->mode -= 4; /* bit 3 is ignored for modes 2 and 3 */
	if (c != &pit.channel[0])
		return;
	pit.owed = 0;
	if (!was_high && output(c, pit.last))
		pulse();
}

static uint8_t read_count(struct channel *c)
{
	uint16_t v = c->latched ? c->latch : counter(c, pit.last);
	bool high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->read_high);

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->access == ACCESS_BOTH)
		c->read_high = !c->read_high;
	if (c->access != ACCESS_BOTH || high)
		c->latched = false;
	return (uint8_t)(high ? v >> 8 : v);
}

static uint32_t pit_in(void *dev, uint16_t port, unsigned size)
{
	(void)size;
	run(dev, platform_now());
	return port == 0x43 ? 0xff : read_count(&pit.channel[port & 3]);
}

static void pit_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)size;
	run(dev, platform_now());
	if (port == 0x43)
		write_control((uint8_t)value);
	else
		write_count(&pit.channel[port & 3], (uint8_t)value);
	irq_set(&pit.m->bus, IRQ_TIMER, output(&pit.channel[0], pit.last));
}

static void set_gate(struct channel *c, bool gate)
{
	bool rises = gate && !c->gate;
	bool falls = !gate && c->gate;

	c->gate = gate;
	if (rises && (needs_trigger(c) || periodic(c))) {
		if (c->next || c->armed)
			begin(c, c->next ? c->next : c->count);
	} else if (rises && c->paused) {
		c->paused = false;
		c->start = pit.last - c->frozen;
	} else if (falls && periodic(c) && c->armed) {
		/* Stops with a high output; the gate's rise starts the count anew. */
		c->next = c->next ? c->next : c->count;
		c->armed = false;
	} else if (falls && !needs_trigger(c) && c->armed) {
		c->frozen = elapsed(c, pit.last);
		c->paused = true;
	}
}

static uint32_t port_b_in(void *dev, uint16_t port, unsigned size)
{
	(void)port, (void)size;
	run(dev, platform_now());
	return (uint32_t)(pit.port_b | (pit.last / REFRESH_TICKS & 1) << 4 |
			  output(&pit.channel[2], pit.last) << 5);
}

static void port_b_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)port, (void)size;
	run(dev, platform_now());
	pit.port_b = value & 0x0f;
	set_gate(&pit.channel[2], value & 1);
}

void i8254_init(struct machine *m)
{
	struct io_range r = {.bytes_only = true};

	pit.m = m;
	pit.port_b = 0;
	pit.owed = 0;
	pit.last = tick_at(platform_now());
	/* As the firmware leaves them: the clock at 18.2 Hz, refresh, a silent speaker. */
	pit.channel[0] = (struct channel){.mode = 3, .access = ACCESS_BOTH, .gate = true};
	pit.channel[1] = (struct channel){.mode = 2, .access = ACCESS_LOW, .gate = true};
	pit.channel[2] = (struct channel){.mode = 3, .access = ACCESS_BOTH};
	load(&pit.channel[0], 0);
	load(&pit.channel[1], REFRESH_TICKS);
	load(&pit.channel[2], 0);

	r.first = 0x40, r.last = 0x43, r.in = pit_in, r.out = pit_out;
	bus_add_io(&m->bus, &r);
	r.first = r.last = 0x61, r.in = port_b_in, r.out = port_b_out;
	bus_add_io(&m->bus, &r);
	bus_add_timed(&m->bus, &(struct timed_device){.run = run, .deadline = deadline});
	irq_on_acknowledge(IRQ_TIMER, acknowledged);
	irq_set(&m->bus, IRQ_TIMER, true);
}

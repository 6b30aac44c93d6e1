/* SPDX-License-Identifier: MIT */
/*
 * The MC146818A real-time clock with its CMOS RAM (Motorola data sheet MC146818A, 1984), ports 0x70
 * and 0x71, interrupt line 8.
 *
 * The clock is the host's wall clock at start plus the machine's time since, plus what the guest
 * set. As with the 8254 nothing counts: flags and registers are computed when somebody looks.
 */
#include "wedge/devices/devices.h"

enum reg {
	REG_SECONDS,
	REG_SECONDS_ALARM,
	REG_MINUTES,
	REG_MINUTES_ALARM,
	REG_HOURS,
	REG_HOURS_ALARM,
	REG_WEEKDAY,
	REG_DAY,
	REG_MONTH,
	REG_YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	REG_CENTURY = 0x32,
	REG_CENTURY_PS2 = 0x37,
};

#define A_UIP 0x80
#define A_DIVIDER 0x70
#define A_DIVIDER_RUNS 0x20 /* a 32,768 Hz time base */
#define A_RATE 0x0f
#define B_SET 0x80
#define B_PIE 0x40
#define B_AIE 0x20
#define B_UIE 0x10
#define B_BINARY 0x04
#define B_24H 0x02
#define C_IRQ 0x80
#define C_PERIODIC 0x40
#define C_ALARM 0x20
#define C_UPDATE 0x10
#define C_SOURCES (C_PERIODIC | C_ALARM | C_UPDATE)
#define D_VALID 0x80
#define HOURS_PM 0x80
#define ALARM_ANY 0xc0

/* 32,768 Hz in nanoseconds is 64/1953125. */
#define CYCLES 64
#define CYCLES_NS 1953125
#define UIP_NS 244000 /* UIP rises so long before the update: data sheet, table 6 */
#define SECONDS_PER_DAY 86400

static struct {
	struct machine *m;
	uint8_t index;
	uint8_t cmos[128]; /* the time in it is valid only while the clock is stopped */
	int64_t seconds;   /* since 1970, at `epoch` */
	int64_t epoch; /* machine time of the divider's start, ns; may lie before the machine's */
	int64_t last;  /* the last run, ns since the epoch */
} rtc;

static bool divider_runs(void)
{
	return (rtc.cmos[REG_A] & A_DIVIDER) == A_DIVIDER_RUNS;
}

static bool clock_runs(void)
{
	return divider_runs() && !(rtc.cmos[REG_B] & B_SET);
}

static uint8_t encode(unsigned v)
{
	return (uint8_t)(rtc.cmos[REG_B] & B_BINARY ? v : v / 10 << 4 | v % 10);
}

static unsigned decode(uint8_t v)
{
	return rtc.cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode_hours(unsigned h)
{
	if (rtc.cmos[REG_B] & B_24H)
		return encode(h);
	return (uint8_t)(encode(h % 12 ? h % 12 : 12) | (h >= 12 ? HOURS_PM : 0));
}

static unsigned decode_hours(uint8_t v)
{
	if (rtc.cmos[REG_B] & B_24H)
		return decode(v);
	return decode(v & ~HOURS_PM) % 12 + (v & HOURS_PM ? 12 : 0);
}

/* Days from 1970-01-01 in the Gregorian calendar; months from March, so that leap days come last.
 */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void date_of(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	int64_t y = (days + 719468) / 365 + 1;
	unsigned m = 12;

	/* At most a few steps: 365 is short of a year by less than a day. */
	while (days_of(y, 1, 1) > days)
		y--;
	while (days_of(y, m, 1) > days)
		m--;
	*year = (unsigned)y;
	*month = m;
	*day = (unsigned)(days - days_of(y, m, 1) + 1);
}

/* Write the time into the registers. */
static void show(int64_t seconds)
{
	int64_t days = seconds / SECONDS_PER_DAY;
	unsigned second = (unsigned)(seconds % SECONDS_PER_DAY);
	unsigned year, month, day;

	date_of(days, &year, &month, &day);
	rtc.cmos[REG_SECONDS] = encode(second % 60);
	rtc.cmos[REG_MINUTES] = encode(second / 60 % 60);
	rtc.cmos[REG_HOURS] = encode_hours(second / 3600);
	rtc.cmos[REG_WEEKDAY] =
	    encode((unsigned)((days + 4) % 7 + 1)); /* 1970 began on a Thursday */
	rtc.cmos[REG_DAY] = encode(day);
	rtc.cmos[REG_MONTH] = encode(month);
	rtc.cmos[REG_YEAR] = encode(year % 100);
	rtc.cmos[REG_CENTURY] = encode(year / 100);
}

/* The time that the registers show. */
static int64_t shown(void)
{
	unsigned year = decode(rtc.cmos[REG_CENTURY]) * 100 + decode(rtc.cmos[REG_YEAR]);
	unsigned month = decode(rtc.cmos[REG_MONTH]);
	int64_t days = days_of(year, month ? month : 1, decode(rtc.cmos[REG_DAY]));

	if (year < 1970)
		days = 0;
	return days * SECONDS_PER_DAY + decode_hours(rtc.cmos[REG_HOURS]) * 3600 +
	       decode(rtc.cmos[REG_MINUTES]) * 60 + decode(rtc.cmos[REG_SECONDS]);
}

static int64_t since_epoch(uint64_t now)
{
	return (int64_t)now - rtc.epoch;
}

static int64_t seconds_at(int64_t ns)
{
	return rtc.seconds + ns / NS_PER_SECOND;
}

/* Periodic interrupt: cycles of 32,768 Hz, 0 for none (data sheet, table 5). */
static int64_t period(void)
{
	unsigned rate = rtc.cmos[REG_A] & A_RATE;

	if (!rate || !divider_runs())
		return 0;
	return INT64_C(1) << (rate <= 2 ? rate + 6 : rate - 1);
}

static int64_t cycle_at(int64_t ns)
{
	return ns * CYCLES / CYCLES_NS;
}

static bool alarm_field(enum reg alarm, unsigned value, unsigned (*read)(uint8_t))
{
	return rtc.cmos[alarm] >= ALARM_ANY || read(rtc.cmos[alarm]) == value;
}

static bool alarm_at(int64_t seconds)
{
	unsigned second = (unsigned)(seconds % SECONDS_PER_DAY);

	return alarm_field(REG_SECONDS_ALARM, second % 60, decode) &&
	       alarm_field(REG_MINUTES_ALARM, second / 60 % 60, decode) &&
	       alarm_field(REG_HOURS_ALARM, second / 3600, decode_hours);
}

static bool alarm_between(int64_t after, int64_t until)
{
	/* The alarm has no date: a day holds every case. */
	if (until - after > SECONDS_PER_DAY)
		after = until - SECONDS_PER_DAY;
	while (++after <= until)
		if (alarm_at(after))
			return true;
	return false;
}

static void update_irq(void)
{
	if (rtc.cmos[REG_C] & rtc.cmos[REG_B] & C_SOURCES)
		rtc.cmos[REG_C] |= C_IRQ;
	else
		rtc.cmos[REG_C] &= ~C_IRQ;
	irq_set(&rtc.m->bus, IRQ_RTC, rtc.cmos[REG_C] & C_IRQ);
}

static void run(void *dev, uint64_t now)
{
	int64_t ns = since_epoch(now);

	(void)dev;
	if (ns < rtc.last)
		return;
	if (period() && cycle_at(ns) / period() > cycle_at(rtc.last) / period())
		rtc.cmos[REG_C] |= C_PERIODIC;
	if (clock_runs() && seconds_at(ns) > seconds_at(rtc.last)) {
		rtc.cmos[REG_C] |= C_UPDATE;
		if (alarm_between(seconds_at(rtc.last), seconds_at(ns)))
			rtc.cmos[REG_C] |= C_ALARM;
	}
	rtc.last = ns;
	update_irq();
}

/* Flags that interrupt nobody are computed when register C is read: they need no timer. */
static uint64_t deadline(void *dev)
{
	uint8_t waiting = rtc.cmos[REG_B] & ~rtc.cmos[REG_C] & C_SOURCES;
	int64_t soonest = INT64_MAX, at;

	(void)dev;
	if (rtc.cmos[REG_C] & C_IRQ)
		return UINT64_MAX;
	if ((waiting & C_PERIODIC) && period()) {
		at = (cycle_at(rtc.last) / period() + 1) * period();
		soonest = (at * CYCLES_NS + CYCLES - 1) / CYCLES;
	}
	if ((waiting & (C_UPDATE | C_ALARM)) && clock_runs()) {
		at = (rtc.last / NS_PER_SECOND + 1) * NS_PER_SECOND;
		soonest = at < soonest ? at : soonest;
	}
	return soonest == INT64_MAX ? UINT64_MAX : (uint64_t)(soonest + rtc.epoch);
}

/* The divider starts anew so that ns have passed of its first second. */
static void set_time(int64_t seconds, int64_t ns)
{
	rtc.seconds = seconds;
	rtc.epoch = (int64_t)platform_now() - ns;
	rtc.last = ns;
}

/* Registers A and B may stop the clock, which then holds its time, or start it from the registers.
 */
static void write_control(enum reg r, uint8_t v)
{
	bool ran = clock_runs(), divided = divider_runs();
	int64_t ns = rtc.last;

	if (ran)
		show(seconds_at(ns));
	if (r == REG_A)
		rtc.cmos[r] = v & ~A_UIP;
	else
		rtc.cmos[r] =
		    v & B_SET ? v & ~B_UIE : v; /* SET clears UIE: data sheet, register B */
	if (!divided && divider_runs())
		set_time(shown(), NS_PER_SECOND / 2); /* the first update is half a second later */
	else if (!ran && clock_runs())
		set_time(shown(), ns % NS_PER_SECOND);
	else if (ran && r == REG_B)
		show(seconds_at(ns)); /* in the mode now selected */
	update_irq();
}

static void write_time(enum reg r, uint8_t v)
{
	bool running = clock_runs();

	if (running)
		show(seconds_at(rtc.last));
	rtc.cmos[r] = v;
	if (running)
		set_time(shown(), rtc.last % NS_PER_SECOND);
}

static bool is_time(unsigned r)
{
	return (r <= REG_YEAR && r != REG_SECONDS_ALARM && r != REG_MINUTES_ALARM &&
		r != REG_HOURS_ALARM) ||
	       r == REG_CENTURY;
}

static void write_reg(unsigned r, uint8_t v)
{
	if (r == REG_A || r == REG_B)
		write_control(r, v);
	else if (is_time(r))
		write_time(r, v);
	else if (r != REG_C && r != REG_D)
		rtc.cmos[r] = v;
}

static uint8_t read_reg(unsigned r)
{
	uint8_t v;

	if (is_time(r) && clock_runs())
		show(seconds_at(rtc.last));
	v = rtc.cmos[r];
	if (r == REG_A && clock_runs() && rtc.last % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS)
		v |= A_UIP;
	if (r == REG_C) {
		rtc.cmos[REG_C] = 0;
		update_irq();
	}
	return v;
}

static uint32_t rtc_in(void *dev, uint16_t port, unsigned size)
{
	(void)size;
	if (!(port & 1))
		return 0xff; /* the index is write-only */
	run(dev, platform_now());
	return read_reg(rtc.index);
}

static void rtc_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)size;
	if (!(port & 1)) {
		rtc.index = value & 0x7f; /* bit 7 masks NMI, of which there is no source */
		if (rtc.index == REG_CENTURY_PS2)
			rtc.index = REG_CENTURY;
		return;
	}
	run(dev, platform_now());
	write_reg(rtc.index, (uint8_t)value);
}

static void set_word(unsigned reg, uint32_t v)
{
	v = v > 0xffff ? 0xffff : v;
	rtc.cmos[reg] = (uint8_t)v;
	rtc.cmos[reg + 1] = (uint8_t)(v >> 8);
}

/* What the firmware notes in the CMOS RAM: the IBM AT's equipment byte and memory sizes. */
static void describe(const struct machine *m)
{
	uint32_t above_1m = m->ram_size > 0x100000 ? m->ram_size - 0x100000 : 0;
	uint32_t above_16m = m->ram_size > 0x1000000 ? m->ram_size - 0x1000000 : 0;
	unsigned sum = 0;

	rtc.cmos[0x14] = 0x02; /* an FPU, no floppy, no display */
	set_word(0x15, 640);
	set_word(0x17, above_1m / 1024);
	set_word(0x30, above_1m / 1024);
	set_word(0x34, above_16m / 65536);
	for (unsigned i = 0x10; i <= 0x2d; i++)
		sum += rtc.cmos[i];
	rtc.cmos[0x2e] = (uint8_t)(sum >> 8);
	rtc.cmos[0x2f] = (uint8_t)sum;
}

void mc146818_init(struct machine *m)
{
	for (size_t i = 0; i < sizeof(rtc.cmos); i++)
		rtc.cmos[i] = 0;
	rtc.m = m;
	rtc.index = 0;
	rtc.cmos[REG_A] = A_DIVIDER_RUNS | 6; /* as the firmware leaves it: 1024 Hz, not enabled */
	rtc.cmos[REG_B] = B_24H;
	rtc.cmos[REG_D] = D_VALID;
	describe(m);
	set_time((int64_t)platform_wallclock(), 0);
	bus_add_io(
	    &m->bus,
	    &(struct io_range){
		.first = 0x70, .last = 0x71, .in = rtc_in, .out = rtc_out, .bytes_only = true});
	bus_add_timed(&m->bus, &(struct timed_device){.run = run, .deadline = deadline});
}

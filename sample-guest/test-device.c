/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The timer, the interrupt controllers, the clock and the UART, from their data sheets. */
#include "test.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

static void wait_ticks(unsigned n)
{
	uint32_t until = ticks + n;

	while ((int32_t)(ticks - until) < 0)
		wait_for_interrupt();
}

static bool t_ticks(void)
{
	uint32_t before = ticks;

	wait_ticks(5);
	CHECK(ticks - before >= 5);
	return true;
}

static bool t_ticks_busy(void)
{
	uint32_t before = ticks;

	while (ticks - before < 3) /* no hlt: the interrupt comes by itself */
		;
	return true;
}

static bool t_tick_length(void)
{
	uint32_t start;
	unsigned i;

	wait_ticks(1);
	start = ticks;
	/* 50 ms are five ticks; an emulator on a busy host may be late with them. */
	for (i = 0; i < 20 && ticks == start; i++) {
		pit_oneshot(59659);
		while (!pit_oneshot_done())
			;
	}
	CHECK(ticks != start);
	CHECK(ticks - start < 1000);
	return true;
}

static bool t_oneshot_late(void)
{
	uint32_t start;

	wait_ticks(1);
	start = ticks;
	pit_oneshot(47727); /* 40 ms */
	CHECK(!pit_oneshot_done() || ticks - start > 0);
	wait_ticks(10);
	CHECK(pit_oneshot_done()); /* ten ticks are no less than four */
	return true;
}

static bool t_pit_counts(void)
{
	uint16_t first = pit_count(), second, largest = first;
	unsigned i;

	for (i = 0; i < 1000; i++) {
		second = pit_count();
		if (second > largest)
			largest = second;
	}
	CHECK(largest <= 11932); /* the divisor for 100 Hz, rounded up */
	for (i = 0; i < 1000000 && pit_count() == first; i++)
		;
	CHECK(pit_count() != first || i < 1000000);
	return true;
}

static bool t_pic_mask(void)
{
	uint32_t before;
	unsigned i;

	cli();
	pic_mask(0);
	sti();
	before = ticks;
	while (!(pic_requested() & 1)) /* a request waits, masked */
		;
	for (i = 0; i < 100; i++)
		asm volatile("nop");
	CHECK(ticks == before);
	pic_unmask(0);
	for (i = 0; i < 100; i++)
		asm volatile("nop");
	CHECK(ticks != before);
	return true;
}

static bool t_pic_service(void)
{
	CHECK(!(pic_in_service() & 1)); /* outside of its handler */
	await_pending_tick();
	CHECK(pic_requested() & 1);
	sti();
	asm volatile("nop");
	cli();
	CHECK(!(pic_in_service() & 1));
	sti();
	return true;
}

static bool t_uart_loopback(void)
{
	uint8_t control = inb(COM1 + UART_MCR), got;
	unsigned i;

	while (!(inb(COM1 + UART_LSR) & 0x40)) /* wait until everything is out */
		;
	outb(COM1 + UART_MCR, control | 0x10);
	outb(COM1 + UART_FCR, 0x07);
	outb(COM1 + UART_THR, 0xc3);
	for (i = 0; i < 1000000 && !(inb(COM1 + UART_LSR) & UART_LSR_DR); i++)
		;
	got = inb(COM1 + UART_THR);
	outb(COM1 + UART_MCR, control);
	CHECK(got == 0xc3);
	return true;
}

static bool t_uart_interrupt(void)
{
	unsigned before = console_irqs;
	uint32_t give_up = ticks + 100;

	console_interrupts(true);
	while (console_irqs == before && ticks != give_up)
		wait_for_interrupt();
	console_interrupts(false);
	CHECK(console_irqs != before);
	return true;
}

static uint8_t cmos_read(uint8_t index)
{
	outb(CMOS_INDEX, index);
	return inb(CMOS_DATA);
}

static bool t_cmos(void)
{
	uint8_t before = cmos_read(0x50), seen;

	outb(CMOS_INDEX, 0x50);
	outb(CMOS_DATA, 0x6b);
	seen = cmos_read(0x50);
	outb(CMOS_INDEX, 0x50);
	outb(CMOS_DATA, before);
	CHECK(seen == 0x6b);
	return true;
}

static bool is_bcd(uint8_t value, unsigned limit)
{
	return (value & 0xf) < 10 && (value >> 4) * 10u + (value & 0xf) < limit;
}

static bool t_clock(void)
{
	while (cmos_read(0x0a) & 0x80) /* an update is under way */
		;
	CHECK(is_bcd(cmos_read(0), 60) && is_bcd(cmos_read(2), 60));
	CHECK(is_bcd(cmos_read(7), 32) && is_bcd(cmos_read(8), 13));
	return true;
}

static bool t_entropy(void)
{
	static uint8_t bytes[64];
	unsigned same = 0;

	if (!virtio_found())
		return true;
	for (unsigned round = 0; round < 20; round++) {
		memset(bytes, 0, sizeof(bytes));
		CHECK(virtio_random(bytes, sizeof(bytes)) > 0);
		same += !bytes[0];
	}
	CHECK(same < 20);
	return true;
}

static bool t_text(void)
{
	vga_line(0, "Afterburner");
	CHECK(vga_read(0, 0) == 'A' || vga_read(0, 0) == (char)0xff);
	CHECK(vga_read(0, 79) == ' ' || vga_read(0, 79) == (char)0xff);
	return true;
}

const struct test device_tests[] = {
    {"timer ticks arrive, waiting in hlt", t_ticks},
    {"timer ticks arrive in a busy loop", t_ticks_busy},
    {"ticks come while another timer runs for 50 ms", t_tick_length},
    {"ten ticks last longer than 40 ms", t_oneshot_late},
    {"the timer's count runs within its period", t_pit_counts},
    {"a masked line waits in the interrupt controller", t_pic_mask},
    {"requests come and go in the interrupt controller", t_pic_service},
    {"the UART hears itself in loopback mode", t_uart_loopback},
    {"the UART interrupts when its transmitter is empty", t_uart_interrupt},
    {"the clock's memory holds what is written", t_cmos},
    {"the clock gives a date", t_clock},
    {"the entropy source gives bytes, if there is one", t_entropy},
    {"the display's text buffer holds what is written, if there is one", t_text},
    {0},
};

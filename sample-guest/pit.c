/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 8: the timer, an 8254 (Intel 8254 data sheet).
 *
 * Channel 0 is wired to IRQ 0 and gives the kernel its ticks. Channel 2 is wired to the
 * loudspeaker; its gate and its output show at port 0x61, which makes it a stopwatch.
 */
#include "kernel.h"

#define PIT_HZ 1193182
#define CHANNEL0 0x40
#define CHANNEL2 0x42
#define CONTROL 0x43
#define SPEAKER 0x61
#define SPEAKER_GATE2 0x01
#define SPEAKER_DATA 0x02

volatile uint32_t ticks;

static void tick(void)
{
	ticks++;
	sched_tick();
}

void pit_init(void)
{
	uint16_t divisor = (PIT_HZ + HZ / 2) / HZ;

	outb(CONTROL, 0x34); /* channel 0, low then high byte, mode 2: rate generator */
	outb(CHANNEL0, divisor & 0xff);
	outb(CHANNEL0, divisor >> 8);
	trap_irq(0, tick);
	pic_unmask(0);
}

uint16_t pit_count(void)
{
	uint8_t low;

	outb(CONTROL, 0x00); /* latch channel 0 */
	low = inb(CHANNEL0);
	return low | inb(CHANNEL0) << 8;
}

void pit_oneshot(uint16_t count)
{
	uint8_t speaker = inb(SPEAKER) & ~(SPEAKER_GATE2 | SPEAKER_DATA);

	outb(SPEAKER, speaker);
	outb(CONTROL, 0xb0); /* channel 2, mode 0: the output rises when the count reaches zero */
	outb(CHANNEL2, count & 0xff);
	outb(CHANNEL2, count >> 8);
	outb(SPEAKER, speaker | SPEAKER_GATE2);
}

bool pit_oneshot_done(void)
{
	outb(CONTROL, 0xe8); /* read back the status of channel 2 */
	return inb(CHANNEL2) & 0x80;
}

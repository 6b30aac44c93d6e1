/* SPDX-License-Identifier: MIT */
/*
 * Inside wedge/devices: what the devices share. Each device is one file with its state private to
 * it; everybody else reaches it through the bus. There is one machine a process, so there is one of
 * each.
 */
#ifndef WEDGE_DEVICES_DEVICES_H
#define WEDGE_DEVICES_DEVICES_H

#include "wedge/core/machine.h"
#include "wedge/devices/bus.h"
#include "wedge/platform.h"

#define IRQ_TIMER 0
#define IRQ_KEYBOARD 1
#define IRQ_CASCADE 2
#define IRQ_COM1 4
#define IRQ_RTC 8

#define NS_PER_SECOND 1000000000u

/* Put one device in its state after reset onto the bus of the machine. */
void i8259_init(struct machine *m);
void i8254_init(struct machine *m);
void mc146818_init(struct machine *m);
void uart16550_init(struct machine *m);
void i8042_init(struct machine *m);
void reset_init(struct machine *m);
void virtio_init(struct machine *m);

/* Have fn called whenever the CPU acknowledges interrupt line irq, after it became in service. */
void irq_on_acknowledge(unsigned irq, void (*fn)(void));

/* The reset line: boots the guest again, or ends the machine under -no-reboot. */
_Noreturn void machine_reset(struct machine *m);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller (8042, IBM PS/2 Technical Reference, "Keyboard and Auxiliary Device
 * Controller") with nothing plugged in, and system control port A (0x92). Guests use them to reset
 * the machine and to look at the A20 gate. Wrapping addresses at 1 MiB is not supported: a guest
 * that closes the gate is stopped with a message.
 */
#include "wedge/devices/devices.h"

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_COMMAND 0x08
#define STATUS_UNLOCKED 0x10
#define STATUS_AUX 0x20
#define STATUS_TIMEOUT 0x40
#define CONTROL_IRQ_KEYBOARD 0x01
#define CONTROL_IRQ_AUX 0x02
#define CONTROL_SYSTEM 0x04
#define CONTROL_AUX_OFF 0x20
#define CONTROL_TRANSLATE 0x40
#define CONTROL_KEYBOARD_OFF 0x10
#define OUTPUT_NO_RESET 0x01
#define OUTPUT_A20 0x02
#define PORT_A_RESET 0x01
#define PORT_A_A20 0x02
#define NO_ANSWER 0xfe /* what the controller itself answers for a device that does not */
#define IRQ_AUX 12

static struct {
	struct machine *m;
	uint8_t status, control, output, data;
	uint8_t command; /* its parameter byte is awaited; 0: none */
	uint8_t port_a;
} kbc;

static void update_irq(void)
{
	bool full = kbc.status & STATUS_OUTPUT_FULL;
	bool aux = kbc.status & STATUS_AUX;

	irq_set(&kbc.m->bus, IRQ_KEYBOARD, full && !aux && (kbc.control & CONTROL_IRQ_KEYBOARD));
	irq_set(&kbc.m->bus, IRQ_AUX, full && aux && (kbc.control & CONTROL_IRQ_AUX));
}

static void answer(uint8_t v, uint8_t flags)
{
	kbc.data = v;
	kbc.status &= ~(STATUS_AUX | STATUS_TIMEOUT);
	kbc.status |= STATUS_OUTPUT_FULL | flags;
	update_irq();
}

static void set_a20(bool open)
{
	if (open)
		return;
	platform_message("afterburn: the guest closes the A20 gate; that is not supported\n");
	platform_exit(kbc.m, WEDGE_EXIT_UNSUPPORTED);
}

static void write_output(uint8_t v)
{
	if (!(v & OUTPUT_NO_RESET))
		machine_reset(kbc.m);
	set_a20(v & OUTPUT_A20);
	kbc.output = v;
}

static void write_command(uint8_t v)
{
	kbc.status |= STATUS_COMMAND;
	kbc.command = 0;
	switch (v) {
	case 0x20: /* read the control byte */
		answer(kbc.control, 0);
		break;
	case 0x60: /* write the control byte */
	case 0xd1: /* write the output port */
	case 0xd2: /* write the output buffer, as if from the keyboard */
	case 0xd3: /* the same, from the auxiliary device */
	case 0xd4: /* send to the auxiliary device */
		kbc.command = v;
		break;
	case 0xa7:
		kbc.control |= CONTROL_AUX_OFF;
		break;
	case 0xa8:
		kbc.control &= ~CONTROL_AUX_OFF;
		break;
	case 0xa9: /* test the auxiliary interface: no fault */
	case 0xab: /* test the keyboard interface: no fault */
		answer(0x00, 0);
		break;
	case 0xaa: /* self-test: passed */
		kbc.status |= STATUS_SYSTEM;
		answer(0x55, 0);
		break;
	case 0xad:
		kbc.control |= CONTROL_KEYBOARD_OFF;
		break;
	case 0xae:
		kbc.control &= ~CONTROL_KEYBOARD_OFF;
		break;
	case 0xc0: /* read the input port: keyboard not locked */
		answer(0x80, 0);
		break;
	case 0xd0:
		answer(kbc.output, 0);
		break;
	case 0xdd: /* as QEMU: a short way to close and open the A20 gate */
	case 0xdf:
		set_a20(v & OUTPUT_A20);
		break;
	default: /* 0xf0-0xff pulse output lines low; line 0 is the reset */
		if (v >= 0xf0 && !(v & OUTPUT_NO_RESET))
			machine_reset(kbc.m);
		break;
	}
}

static void write_data(uint8_t v)
{
	uint8_t command = kbc.command;

	kbc.status &= ~STATUS_COMMAND;
	kbc.command = 0;
	switch (command) {
	case 0x60:
		kbc.control = v;
		kbc.status = (kbc.status & ~STATUS_SYSTEM) | (v & CONTROL_SYSTEM);
		update_irq();
		break;
	case 0xd1:
		write_output(v);
		break;
	case 0xd2:
		answer(v, 0);
		break;
	case 0xd3:
		answer(v, STATUS_AUX);
		break;
	case 0xd4:
		answer(NO_ANSWER, STATUS_AUX | STATUS_TIMEOUT);
		break;
	default: /* a byte for the keyboard */
		answer(NO_ANSWER, STATUS_TIMEOUT);
		break;
	}
}

static void kbc_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev, (void)size;
	if (port == 0x64)
		write_command((uint8_t)value);
	else
		write_data((uint8_t)value);
}

static uint32_t kbc_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)size;
	if (port == 0x64)
		return kbc.status;
	kbc.status &= ~(STATUS_OUTPUT_FULL | STATUS_AUX | STATUS_TIMEOUT);
	update_irq();
	return kbc.data;
}

/* Bit 0 resets when it rises. */
static void port_a_out(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	(void)dev, (void)port, (void)size;
	if ((value & PORT_A_RESET) && !(kbc.port_a & PORT_A_RESET))
		machine_reset(kbc.m);
	set_a20(value & PORT_A_A20);
	kbc.port_a = (uint8_t)value;
}

static uint32_t port_a_in(void *dev, uint16_t port, unsigned size)
{
	(void)dev, (void)port, (void)size;
	return kbc.port_a;
}

void i8042_init(struct machine *m)
{
	struct io_range r = {.in = kbc_in, .out = kbc_out, .bytes_only = true};

	kbc.m = m;
	kbc.status = STATUS_SYSTEM | STATUS_UNLOCKED;
	kbc.control = CONTROL_TRANSLATE | CONTROL_SYSTEM;
	kbc.output = OUTPUT_NO_RESET | OUTPUT_A20;
	kbc.data = kbc.command = 0;
	kbc.port_a = PORT_A_A20;
	r.first = r.last = 0x60;
	bus_add_io(&m->bus, &r);
	r.first = r.last = 0x64;
	bus_add_io(&m->bus, &r);
	r.first = r.last = 0x92, r.in = port_a_in, r.out = port_a_out;
	bus_add_io(&m->bus, &r);
}

/* SPDX-License-Identifier: MIT */
/* The PC as a list. A device that is not here is absent: its ports and addresses read as all ones.
 */
#include "wedge/devices/devices.h"

/* The 8259s come first: the others connect their interrupt lines to them. */
static void (*const devices[])(struct machine *m) = {
    i8259_init, i8254_init, mc146818_init, uart16550_init, i8042_init, reset_init, virtio_init,
};

void devices_init(struct machine *m)
{
	m->bus = (struct bus){0};
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		devices[i](m);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gdb's protocol under libFuzzer: each line of the input is a packet for a small machine. */
#include "wedge/core/gdb.h"
#include "wedge/stub/stub.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void swallow(const void *bytes, size_t size)
{
	static volatile uint8_t sink;

	for (size_t i = 0; i < size; i++)
		sink ^= ((const uint8_t *)bytes)[i];
}

static void feed(struct gdb *g, struct vcpu *v, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	if (byte != '\n') {
		if (gdb_receive(g, byte) == GDB_PACKET_READY)
			gdb_packet(g, v);
		return;
	}
	/* End a packet with the right sum, so that what lies behind is reached; begin another. */
	if (g->frame == FRAME_DATA) {
		uint8_t sum = g->sum;

		feed(g, v, '#');
		feed(g, v, (uint8_t)digits[sum >> 4]);
		feed(g, v, (uint8_t)digits[sum & 15]);
	}
	feed(g, v, '$');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gdb g;
	static struct site site = {
	    .slot = 0x1000, .trampoline = 0x2000, .slot_len = 8, .insn_off = 3, .rewritten = true};
	struct machine *m = stub_machine(0x10000);

	memset(&g, 0, sizeof(g));
	g.send = swallow;
	site.insn.length = 1;
	m->sites = &site;
	m->nr_sites = 1;
	memcpy(m->ram + 0x1000, "\xe9\xfb\x0f\x00\x00", 5);
	for (size_t i = 0; i < size; i++)
		feed(&g, &m->cpu, data[i]);
	gdb_unbreak_all(&g);
	m->sites = NULL;
	m->nr_sites = 0;
	stub_machine_free(m);
	return 0;
}

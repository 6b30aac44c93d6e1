/* SPDX-License-Identifier: MIT */
/* Frames of the remote serial protocol: $data#sum, + and -, and the interrupt byte. */
#include "wedge/core/gdb.h"

#define INTERRUPT 0x03

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void begin(struct gdb *g)
{
	g->frame = FRAME_DATA;
	g->length = 0;
	g->sum = 0;
	g->overrun = false;
}

static enum gdb_event receive_idle(struct gdb *g, uint8_t byte)
{
	if (byte == INTERRUPT)
		return GDB_INTERRUPT;
	if (byte == '$')
		begin(g);
	else if (byte == '-' && g->reply_length)
		g->send(g->reply, g->reply_length);
	return GDB_NOTHING;
}

static void receive_data(struct gdb *g, uint8_t byte)
{
	if (byte == '$') {
		begin(g); /* the end of the last one was lost */
		return;
	}
	if (byte == '#') {
		g->frame = FRAME_SUM1;
		return;
	}
	g->sum += byte;
	if (g->length < GDB_PACKET)
		g->packet[g->length++] = (char)byte;
	else
		g->overrun = true;
}

/* Both digits of the sum are there. A packet that is too long will not get shorter when it is sent
 * again: it gets the answer of an unknown one. */
static enum gdb_event end(struct gdb *g, bool good)
{
	g->frame = FRAME_IDLE;
	if (!good) {
		g->send("-", 1);
		return GDB_NOTHING;
	}
	g->send("+", 1);
	if (g->overrun)
		g->length = 0;
	g->packet[g->length] = '\0';
	return GDB_PACKET_READY;
}

enum gdb_event gdb_receive(struct gdb *g, uint8_t byte)
{
	switch (g->frame) {
	case FRAME_IDLE:
		return receive_idle(g, byte);
	case FRAME_DATA:
		receive_data(g, byte);
		return GDB_NOTHING;
	case FRAME_SUM1:
		g->told = byte;
		g->frame = FRAME_SUM2;
		return GDB_NOTHING;
	case FRAME_SUM2:
		return end(g, hex_value(g->told) >= 0 && hex_value(byte) >= 0 &&
				  hex_value(g->told) * 16 + hex_value(byte) == g->sum);
	}
	return GDB_NOTHING;
}

void gdb_reply(struct gdb *g, const char *text, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum = 0;
	size_t n = 0;

	if (length > GDB_PACKET)
		length = GDB_PACKET;
	g->reply[n++] = '$';
	for (size_t i = 0; i < length; i++) {
		sum += (uint8_t)text[i];
		g->reply[n++] = text[i];
	}
	g->reply[n++] = '#';
	g->reply[n++] = digits[sum >> 4];
	g->reply[n++] = digits[sum & 15];
	g->reply_length = n;
	g->send(g->reply, n);
}

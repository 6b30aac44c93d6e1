/* SPDX-License-Identifier: MIT */
/*
 * The machine's side of gdb's remote serial protocol (gdb manual, appendix E), as far as one
 * virtual CPU needs it: packets in and out, registers, memory, breakpoints. A platform brings the
 * connection and runs the guest; nothing here waits, allocates, or trusts a byte of what it is
 * given.
 */
#ifndef WEDGE_CORE_GDB_H
#define WEDGE_CORE_GDB_H

#include "wedge/core/machine.h"

#define GDB_PACKET 4096 /* the longest packet, either way, without its frame */
#define GDB_BREAKPOINTS 128

#define GDB_SIGINT 2
#define GDB_SIGTRAP 5

struct gdb_breakpoint {
	uint32_t linear; /* as gdb named it */
	uint32_t at;     /* where its int3 is: there, or at the start of the slot it lies in */
	uint8_t *byte;   /* the int3 in RAM; null: not mapped so far */
	uint8_t saved;   /* what stood there */
	bool used;
};

struct gdb {
	/* Bytes for gdb; set by the platform. */
	void (*send)(const void *bytes, size_t size);
	enum { FRAME_IDLE, FRAME_DATA, FRAME_SUM1, FRAME_SUM2 } frame;
	uint8_t sum, told;
	bool overrun;
	size_t length, reply_length;
	char packet[GDB_PACKET + 1];
	char reply[GDB_PACKET + 5]; /* framed, kept to be sent again */
	bool swbreak;               /* gdb wants to know which stops are breakpoints */
	int signal;                 /* of the last stop */
	bool at_breakpoint;
	struct gdb_breakpoint breakpoints[GDB_BREAKPOINTS];
	bool waiting; /* some of them are not put in yet */
};

enum gdb_event { GDB_NOTHING, GDB_PACKET_READY, GDB_INTERRUPT };
/* Take one byte from gdb. After GDB_PACKET_READY call gdb_packet before the next one. */
enum gdb_event gdb_receive(struct gdb *g, uint8_t byte);

enum gdb_action { GDB_STAY, GDB_CONTINUE, GDB_STEP, GDB_DETACH, GDB_KILL };
/* Do what the packet asks for, answer it, and say what becomes of the guest. */
enum gdb_action gdb_packet(struct gdb *g, struct vcpu *v);

/* Tell gdb that the guest has stopped, or ended. */
void gdb_stopped(struct gdb *g, int signal, bool at_breakpoint);
void gdb_exited(struct gdb *g, int status);

/* Frame and send a reply. */
void gdb_reply(struct gdb *g, const char *text, size_t length);

/*
 * Guest memory as gdb sees and changes it: without the int3 of breakpoints, with a rewritten slot
 * as it was built. A write into such a slot undoes its rewriting. Returns how many bytes were read;
 * a write is all or nothing.
 */
uint32_t gdb_read(struct gdb *g, struct vcpu *v, uint32_t linear, uint8_t *out, uint32_t size);
bool gdb_write(struct gdb *g, struct vcpu *v, uint32_t linear, const uint8_t *in, uint32_t size);

/* Breakpoints stay with the page they were set in. One whose page is not mapped yet is put in by
 * gdb_retry, which costs nothing if there is none. */
bool gdb_break(struct gdb *g, struct vcpu *v, uint32_t linear);
void gdb_unbreak(struct gdb *g, uint32_t linear);
void gdb_unbreak_all(struct gdb *g);
void gdb_retry(struct gdb *g, struct vcpu *v);
/* RAM was filled anew: every breakpoint waits to be put in again. */
void gdb_forget(struct gdb *g);
/* An int3 ended at eip. True if it is a breakpoint's: eip is where gdb set it. */
bool gdb_hit(struct gdb *g, struct vcpu *v);

/* The rewritten site around a linear address if its jump is what memory holds, else null. */
struct site *gdb_site(struct gdb *g, struct vcpu *v, uint32_t linear);

#endif

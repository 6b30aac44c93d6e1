/* SPDX-License-Identifier: MIT */
/*
 * Platform `stub`: runs nothing, remembers everything. Unit tests of core and devices link to it,
 * set the time and the input, and look at what the code under test asked of its platform.
 */
#ifndef WEDGE_STUB_STUB_H
#define WEDGE_STUB_STUB_H

#include "wedge/platform.h"

#include <setjmp.h>

#define STUB_SERIAL_PORTS 4
#define STUB_BUFFER 4096
#define STUB_DRIVES 2
#define STUB_DISK 65536 /* bytes */

struct stub {
	uint64_t now;       /* what platform_now gives; tests move it */
	uint64_t wallclock; /* what platform_wallclock gives at now == 0; advances with now */
	uint64_t tsc;       /* what platform_tsc gives */
	uint64_t timer;     /* the last deadline asked for by platform_timer */
	uint64_t idle;      /* the last deadline asked for by platform_idle, and how often */
	unsigned idle_calls;
	struct {
		char out[STUB_BUFFER]; /* zero-terminated */
		size_t out_len;
		uint8_t in[STUB_BUFFER]; /* fill by stub_serial_input */
		size_t in_len, in_pos;
	} serial[STUB_SERIAL_PORTS];
	uint16_t columns, rows; /* of the terminal; zeroes: there is none */
	struct {
		uint8_t data[STUB_DISK];
		bool read_only, fails; /* fails: every read and write is an error */
		unsigned flushes, discards;
	} drive[STUB_DRIVES];
	uint8_t net_in[STUB_BUFFER], net_out[STUB_BUFFER]; /* one frame each way */
	size_t net_waiting, net_sent;
	bool net_wake;
	char messages[STUB_BUFFER]; /* everything given to platform_message */
	size_t messages_len;
	unsigned segment_calls[NR_SEGS]; /* platform_segment, by register */
	unsigned table_calls;
	uint32_t user_limit;
	bool map_refuses_page0; /* as Linux does; true after stub_reset */
	unsigned map_room;      /* pages that may be mapped at a time; no bound after stub_reset */
	bool armed;             /* stub_catch is waiting for an exit */
	jmp_buf exit;
	int status;
	bool was_reset; /* the exit was platform_reset */
};

extern struct stub stub;

/* Forget everything: time 0, no mappings, no output. */
void stub_reset(void);

/*
 * A machine with ram_size bytes of zeroed RAM, a reset vCPU of zeroes and no device; freed by
 * stub_machine_free. The vCPU is not put through vcpu_reset: libraries under test may not have it.
 */
struct machine *stub_machine(uint32_t ram_size);
void stub_machine_free(struct machine *m);

void stub_serial_input(unsigned port, const char *text);

/* The mapping of a linear page: true and *phys, *rights (MAP_*) if there is one. */
bool stub_mapped(uint32_t linear, uint32_t *phys, unsigned *rights);
/* The same as ring 3 sees it, of a machine with user_spaces. */
bool stub_user_mapped(uint32_t linear, uint32_t *phys, unsigned *rights);
/* How many pages are mapped. */
unsigned stub_nr_mapped(void);

#define STUB_RETURNED (-1) /* stub_catch: the statement ended by itself */
#define STUB_RESET (-2)    /* stub_catch: platform_reset was called */

/* Run a statement; gives the status of platform_exit if it was called, or one of the above. */
#define stub_catch(...)                                                                            \
	({                                                                                         \
		stub.armed = true;                                                                 \
		if (!setjmp(stub.exit)) {                                                          \
			__VA_ARGS__;                                                               \
			stub.status = STUB_RETURNED;                                               \
		}                                                                                  \
		stub.armed = false;                                                                \
		stub.status;                                                                       \
	})

#endif

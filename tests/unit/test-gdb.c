/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gdb's protocol: frames, registers, memory, breakpoints; and bytes of no meaning. */
#include "tests/unit/cpu.h"
#include "wedge/core/gdb.h"
#include "afterburner/kinds.h"

#include <stdio.h>

#define PLACE 0x10000u

static struct gdb gdb;
static char sent[3 * GDB_PACKET];
static size_t sent_length;

static void collect(const void *bytes, size_t size)
{
	if (sent_length + size < sizeof(sent))
		memcpy(sent + sent_length, bytes, size);
	sent_length += sent_length + size < sizeof(sent) ? size : 0;
	sent[sent_length] = '\0';
}

static struct vcpu *start(void)
{
	struct vcpu *v = cpu_new();

	gdb = (struct gdb){.send = collect};
	machine_original = NULL;
	return v;
}

/* Send a packet; returns what becomes of the guest, and leaves the answer's data in `sent`. */
static enum gdb_action ask(struct vcpu *v, const char *data)
{
	enum gdb_action action = GDB_STAY;
	char frame[GDB_PACKET + 8];
	uint8_t sum = 0;
	int n;

	for (const char *c = data; *c; c++)
		sum += (uint8_t)*c;
	n = snprintf(frame, sizeof(frame), "$%s#%02x", data, sum);
	sent_length = 0;
	for (int i = 0; i < n; i++)
		if (gdb_receive(&gdb, (uint8_t)frame[i]) == GDB_PACKET_READY)
			action = gdb_packet(&gdb, v);
	ck_assert_int_eq(sent[0], '+');
	if (sent_length > 1) {
		char *end = strchr(sent, '#');

		ck_assert_int_eq(sent[1], '$');
		*end = '\0';
		memmove(sent, sent + 2, (size_t)(end - sent) - 1);
	}
	return action;
}

#define ck_answer(v, question, answer)                                                             \
	do {                                                                                       \
		ck_assert_int_eq(ask(v, question), GDB_STAY);                                      \
		ck_assert_str_eq(sent, answer);                                                    \
	} while (0)

START_TEST(test_frames)
{
	struct vcpu *v = start();

	ck_assert_int_eq(gdb_receive(&gdb, 3), GDB_INTERRUPT);
	sent_length = 0;
	for (const char *c = "$?#00"; *c; c++)
		ck_assert_int_eq(gdb_receive(&gdb, (uint8_t)*c), GDB_NOTHING);
	ck_assert_str_eq(sent, "-"); /* a wrong sum */
	ck_answer(v, "qC", "QC1");
	sent_length = 0;
	gdb_receive(&gdb, '-');
	ck_assert_str_eq(sent, "$QC1#c5");
	ck_answer(v, "vCont?", "");
	ck_answer(v, "Qnonsense", "");
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_registers)
{
	struct vcpu *v = start();
	char all[1 + 16 * 8 + 1];

	v->gpr[R_ECX] = 0x12345678;
	v->eip = 0xc0100000;
	v->eflags = FLAG_1 | FLAG_IF;
	ck_answer(v, "p1", "78563412");
	ck_answer(v, "p8", "000010c0");
	ck_answer(v, "p9", "02020000");
	ck_answer(v, "pa", "08000000");
	ck_answer(v, "p10", "xxxxxxxx");
	ck_answer(v, "P1=efbeadde", "OK");
	ck_assert_uint_eq(v->gpr[R_ECX], 0xdeadbeef);
	ck_answer(v, "P9=00000200", "OK"); /* VM cannot be set */
	ck_assert_uint_eq(v->eflags, FLAG_1);
	ck_answer(v, "Pa=10000000", "E16");
	ck_answer(v, "P1=ef", "E16");
	ck_answer(v, "P10=00000000", "E16");
	ask(v, "g");
	ck_assert_uint_eq(strlen(sent), 16 * 8);
	ck_assert_int_eq(strncmp(sent + 8, "efbeadde", 8), 0);
	sent[8] = 'f';
	memmove(sent + 1, sent, 16 * 8 + 1);
	sent[0] = 'G';
	memcpy(all, sent, sizeof(all));
	ck_answer(v, all, "OK");
	ck_assert_uint_eq(v->gpr[R_ECX], 0xdeadbeff);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_memory)
{
	struct vcpu *v = start();

	ck_answer(v, "M10000,4:01020304", "OK");
	ck_assert_uint_eq(peek32(v, PLACE), 0x04030201);
	ck_answer(v, "m10001,2", "0203");
	ck_answer(v, "mffffe,8", "0000"); /* as far as RAM goes */
	ck_answer(v, "m100000,1", "E0e");
	ck_answer(v, "Mfffff,2:0102", "E0e");
	ck_assert_uint_eq(v->machine->ram[0xfffff], 0);
	ck_answer(v, "M10000,4:0102", "E16");
	ck_answer(v, "m10000", "E16");
	ck_answer(v, "m123456789,1", "E16");
	ask(v, "m0,ffffffff");
	ck_assert_uint_eq(strlen(sent), GDB_PACKET);
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_breakpoints)
{
	struct vcpu *v = start();
	uint8_t *ram = v->machine->ram;

	ram[PLACE] = 0x55;
	ck_answer(v, "Z0,10000,1", "OK");
	ck_answer(v, "Z0,10000,1", "OK");
	ck_assert_uint_eq(ram[PLACE], 0xcc);
	ck_answer(v, "m10000,1", "55");
	ck_answer(v, "M10000,1:66", "OK"); /* below the breakpoint */
	ck_assert_uint_eq(ram[PLACE], 0xcc);
	v->eip = PLACE + 1;
	ck_assert(gdb_hit(&gdb, v));
	ck_assert_uint_eq(v->eip, PLACE);
	ck_answer(v, "z0,10000,1", "OK");
	ck_assert_uint_eq(ram[PLACE], 0x66);
	v->eip = PLACE + 1;
	ck_assert(!gdb_hit(&gdb, v));
	ck_answer(v, "Z2,10000,1", "");
	/* Not mapped yet. */
	ck_answer(v, "Z0,c0010000,1", "OK");
	gdb_retry(&gdb, v);
	ck_assert_uint_eq(ram[PLACE], 0x66);
	for (unsigned i = 0; i < 1024; i++)
		poke32(v, 0x81000 + 4 * i, (i << 12) | 3);
	poke32(v, 0x80000 + 0x300 * 4, 0x81003);
	v->cr3 = 0x80000;
	v->cr0 |= CR0_PG;
	gdb_retry(&gdb, v);
	ck_assert_uint_eq(ram[PLACE], 0xcc);
	ask(v, "D");
	gdb_unbreak_all(&gdb);
	ck_assert_uint_eq(ram[PLACE], 0x66);
	stub_machine_free(v->machine);
}
END_TEST

/* A slot that holds a jump to trampoline 0x10105: nopl, sti, one byte of padding. */
static void add_slot(struct vcpu *v)
{
	struct site *site = malloc(sizeof(*site));

	*site = (struct site){.slot = PLACE,
			      .trampoline = PLACE + 0x105,
			      .insn_off = 4,
			      .slot_len = 6,
			      .rewritten = true,
			      .kind = AB_STI};
	ck_assert(insn_decode((const uint8_t *)"\xfb", 1, &site->insn));
	v->machine->sites = site;
	v->machine->nr_sites = 1;
	memcpy(v->machine->ram + PLACE, "\xe9\x00\x01\x00\x00\xcc", 6);
}

static bool image(uint32_t linear, void *out, uint32_t size)
{
	if (linear - PLACE > 6 || size > 6 - (linear - PLACE))
		return false;
	memcpy(out, "\x0f\x1f\x40\x00\xfb\x90" + (linear - PLACE), size);
	return true;
}

START_TEST(test_slot)
{
	struct vcpu *v = start();
	uint8_t *ram = v->machine->ram;

	add_slot(v);
	machine_original = image;
	ck_answer(v, "m10000,6", "0f1f4000fb90");
	/* At the instruction: the jump before it is what stops. */
	ck_answer(v, "Z0,10004,1", "OK");
	ck_assert_mem_eq(ram + PLACE, "\xcc\x00\x01\x00\x00\xcc", 6);
	ck_answer(v, "m10000,6", "0f1f4000fb90");
	v->eip = PLACE + 1;
	ck_assert(gdb_hit(&gdb, v));
	ck_assert_uint_eq(v->eip, PLACE + 4);
	ck_answer(v, "Z0,10000,1", "OK"); /* a second one in the same byte */
	ck_answer(v, "z0,10004,1", "OK");
	ck_assert_uint_eq(ram[PLACE], 0xcc);
	ck_answer(v, "z0,10000,1", "OK");
	ck_assert_mem_eq(ram + PLACE, "\xe9\x00\x01\x00\x00\xcc", 6);
	ck_answer(v, "Z0,10005,1", "E16"); /* never executed */
	ck_answer(v, "M10000,4:0f1f4000", "OK");
	ck_assert_uint_eq(ram[PLACE], 0xe9); /* it says so already */
	ck_answer(v, "M10004,1:fa", "OK");
	ck_assert_mem_eq(ram + PLACE, "\x0f\x1f\x40\x00\xfa\x90", 6);
	ck_answer(v, "m10000,6", "0f1f4000fa90");
	stub_machine_free(v->machine);
}
END_TEST

START_TEST(test_run_control)
{
	struct vcpu *v = start();

	ck_assert_int_eq(ask(v, "c"), GDB_CONTINUE);
	ck_assert_int_eq(ask(v, "s20000"), GDB_STEP);
	ck_assert_uint_eq(v->eip, 0x20000);
	ck_assert_int_eq(ask(v, "C05;30000"), GDB_CONTINUE);
	ck_assert_uint_eq(v->eip, 0x30000);
	ck_assert_int_eq(ask(v, "S05"), GDB_STEP);
	ck_assert_int_eq(ask(v, "cxyz"), GDB_STAY);
	ck_assert_str_eq(sent, "E16");
	ck_assert_int_eq(ask(v, "D"), GDB_DETACH);
	ck_assert_int_eq(ask(v, "k"), GDB_KILL);
	ck_answer(v, "qSupported:xmlRegisters=i386;swbreak+",
		  "PacketSize=1000;qXfer:features:read+;swbreak+");
	sent_length = 0;
	gdb_stopped(&gdb, GDB_SIGTRAP, true);
	ck_assert_str_eq(sent, "$T05thread:1;swbreak:;#3b");
	ck_answer(v, "?", "T05thread:1;swbreak:;");
	ask(v, "qXfer:features:read:target.xml:0,ffb");
	ck_assert_int_eq(strncmp(sent, "l<?xml", 6), 0);
	ck_answer(v, "qXfer:features:read:target.xml:ffff,10", "E00");
	ask(v, "qRcmd,696e666f20726567697374657273"); /* info registers */
	ck_assert_int_eq(strncmp(sent, "O656178", 7), 0);
	stub_machine_free(v->machine);
}
END_TEST

/* Packets of letters that mean something with arguments that may not, and plain noise. */
START_TEST(test_noise)
{
	static const char letters[] = "?gGpPmMZzHTqcCsSDkvXQ0123456789abcdef,:;=$#-+\x03";
	struct vcpu *v = start();
	uint32_t state = 1;

	add_slot(v);
	for (unsigned i = 0; i < 2000000; i++) {
		uint8_t byte;

		state = state * 1664525u + 1013904223u;
		byte = state >> 30 ? (uint8_t)letters[(state >> 8) % (sizeof(letters) - 1)]
				   : (uint8_t)(state >> 16);
		sent_length = 0;
		if (gdb.frame == FRAME_SUM2 || gdb.frame == FRAME_SUM1) /* let them through */
			byte = (uint8_t) "0123456789abcdef"[gdb.frame == FRAME_SUM1 ? gdb.sum >> 4
										    : gdb.sum & 15];
		if (gdb_receive(&gdb, byte) == GDB_PACKET_READY)
			gdb_packet(&gdb, v);
	}
	stub_machine_free(v->machine);
}
END_TEST

UNIT_MAIN("gdb", test_frames, test_registers, test_memory, test_breakpoints, test_slot,
	  test_run_control, test_noise)

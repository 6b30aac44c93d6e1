/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio-mmio.c, virtqueue.c and the devices behind them, as a driver meets them: a good one first,
 * then one that does what the specification forbids. */
#include "tests/unit/driver.h"

#define HEADER 0x4000u
#define STATUS_BYTE 0x4100u

enum { RO_SLOT = 1, RNG_SLOT = 2, NET_SLOT = 4 };

static void setup(void)
{
	m = stub_machine(RAM);
	m->virtio[0] = (struct virtio_slot){.id = VIRTIO_BLOCK, .unit = 0};
	m->virtio[RO_SLOT] = (struct virtio_slot){.id = VIRTIO_BLOCK, .unit = 1};
	m->virtio[RNG_SLOT] = (struct virtio_slot){.id = VIRTIO_ENTROPY};
	m->virtio[NET_SLOT] = (struct virtio_slot){.id = VIRTIO_NET};
	stub.drive[1].read_only = true;
	devices_init(m);
	init_pics(0x01);
	start(0, 0);
}

static void header(uint32_t type, uint64_t sector)
{
	memcpy(m->ram + HEADER, &type, 4);
	memset(m->ram + HEADER + 4, 0, 4);
	memcpy(m->ram + HEADER + 8, &sector, 8);
	m->ram[STATUS_BYTE] = 0xaa;
}

/* A request of header, data and status; gives the status. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t size, bool in)
{
	header(type, sector);
	desc(0, HEADER, 16, DESC_NEXT, size ? 1 : 2);
	desc(1, DATA, size, DESC_NEXT | (in ? DESC_WRITE : 0), 2);
	desc(2, STATUS_BYTE, 1, DESC_WRITE, 0);
	offer(0);
	ck_assert_uint_eq(get16(USED + 2), avail_idx);
	return m->ram[STATUS_BYTE];
}

START_TEST(test_registers)
{
	setup();
	ck_assert_uint_eq(reg(0x00), 0x74726976);
	ck_assert_uint_eq(reg(0x04), 2);
	ck_assert_uint_eq(reg(0x08), VIRTIO_BLOCK);
	ck_assert_uint_eq(reg(0x34), VIRTQ_MAX);
	ck_assert_uint_eq(reg(0x100), STUB_DISK / 512);
	ck_assert_uint_eq(reg(0xb0), 0xffffffff);
	set(0x14, 1);
	ck_assert_uint_eq(reg(0x10), 1);
	set(0x30, 1); /* there is no second queue */
	ck_assert_uint_eq(reg(0x34), 0);
	set(0x44, 1);
	ck_assert_uint_eq(reg(0x44), 0);
	slot = RO_SLOT;
	set(0x14, 0);
	ck_assert_uint_eq(reg(0x10) & (1u << 5 | 1u << 13), 1u << 5);
	slot = RNG_SLOT;
	ck_assert_uint_eq(reg(0x08), VIRTIO_ENTROPY);
}
END_TEST

/* Without VERSION_1, or with a bit that was not offered, FEATURES_OK does not stay. */
START_TEST(test_features)
{
	setup();
	set(0x70, 0);
	set(0x70, 3);
	set(0x70, 11);
	ck_assert_uint_eq(reg(0x70), 3);
	set(0x24, 1);
	set(0x20, 1);
	set(0x24, 0);
	set(0x20, 1u << 31);
	set(0x70, 11);
	ck_assert_uint_eq(reg(0x70), 3);
	set(0x24, 0);
	set(0x20, 0);
	set(0x70, 11);
	ck_assert_uint_eq(reg(0x70), 11);
}
END_TEST

START_TEST(test_read_write)
{
	setup();
	memset(m->ram + DATA, 0x33, 1024);
	ck_assert_uint_eq(request(1, 3, 1024, false), 0);
	ck_assert_uint_eq(stub.drive[0].data[3 * 512 + 1023], 0x33);
	ck_assert_uint_eq(stub.drive[0].data[3 * 512 + 1024], 0);
	memset(m->ram + DATA, 0, 1024);
	ck_assert_uint_eq(request(0, 4, 512, true), 0);
	ck_assert_uint_eq(m->ram[DATA + 511], 0x33);
	ck_assert_uint_eq(m->ram[DATA + 512], 0);
	ck_assert_uint_eq(request(4, 0, 0, false), 0);
	ck_assert_uint_eq(stub.drive[0].flushes, 1);
	ck_assert_uint_eq(request(8, 0, 20, true), 0);
	ck_assert_str_eq((char *)m->ram + DATA, "afterburner-0");
	ck_assert_uint_eq(request(99, 0, 0, false), 2);
}
END_TEST

START_TEST(test_bounds)
{
	setup();
	ck_assert_uint_eq(request(0, STUB_DISK / 512 - 1, 512, true), 0);
	ck_assert_uint_eq(request(0, STUB_DISK / 512 - 1, 1024, true), 1);
	ck_assert_uint_eq(request(0, STUB_DISK / 512, 512, true), 1);
	ck_assert_uint_eq(request(1, UINT64_MAX, 512, false), 1);
	ck_assert_uint_eq(request(1, UINT64_MAX / 512 + 1, 512, false), 1);
	ck_assert_uint_eq(request(0, 0, 100, true), 1);
	stub.drive[0].fails = true;
	ck_assert_uint_eq(request(0, 0, 512, true), 1);
	ck_assert(!needs_reset());
	start(RO_SLOT, 0);
	ck_assert_uint_eq(request(1, 0, 512, false), 1);
}
END_TEST

static uint8_t ranges(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	memcpy(m->ram + DATA, &sector, 8);
	memcpy(m->ram + DATA + 8, &sectors, 4);
	memcpy(m->ram + DATA + 12, &flags, 4);
	return request(type, 0, 16, false);
}

START_TEST(test_discard)
{
	setup();
	memset(stub.drive[0].data, 0x77, STUB_DISK);
	ck_assert_uint_eq(ranges(11, 2, 1, 0), 0);
	ck_assert_uint_eq(stub.drive[0].discards, 1);
	ck_assert_uint_eq(stub.drive[0].data[2 * 512], 0);
	ck_assert_uint_eq(stub.drive[0].data[3 * 512], 0x77);
	ck_assert_uint_eq(ranges(13, 3, 1, 1), 0);
	ck_assert_uint_eq(stub.drive[0].data[3 * 512], 0);
	ck_assert_uint_eq(ranges(11, 2, 1, 1), 2);
	ck_assert_uint_eq(ranges(13, 2, 1, 2), 2);
	ck_assert_uint_eq(ranges(11, UINT64_MAX - 1, 4, 0), 1);
	ck_assert_uint_eq(ranges(13, 0, UINT32_MAX, 0), 1);
	ck_assert_uint_eq(request(11, 0, 24, false), 1);
	ck_assert_uint_eq(request(11, 0, 0, false), 1);
}
END_TEST

/* Header, data and status may be cut anywhere: 2.7.4. */
START_TEST(test_framing)
{
	setup();
	memset(stub.drive[0].data, 0x55, 512);
	header(0, 0);
	desc(0, HEADER, 5, DESC_NEXT, 1);
	desc(1, HEADER + 5, 0, DESC_NEXT, 2);
	desc(2, HEADER + 5, 11, DESC_NEXT, 3);
	desc(3, DATA, 500, DESC_NEXT | DESC_WRITE, 4);
	desc(4, DATA + 500, 13, DESC_NEXT | DESC_WRITE, 5);
	desc(5, DATA + 600, 0, DESC_WRITE, 0);
	offer(0);
	ck_assert_uint_eq(get16(USED + 2), 1);
	ck_assert_uint_eq(m->ram[DATA + 511], 0x55);
	ck_assert_uint_eq(m->ram[DATA + 512], 0);
	ck_assert(!needs_reset());
}
END_TEST

START_TEST(test_interrupt)
{
	setup();
	request(4, 0, 0, false);
	ck_assert_uint_eq(reg(0x60), 1);
	ck_assert(irq_pending(&m->bus));
	ck_assert_uint_eq(irq_acknowledge(&m->bus), 0x25);
	out8(0x20, 0x20);
	set(0x64, 1);
	ck_assert_uint_eq(reg(0x60), 0);
	put16(AVAIL, 1); /* no interrupts, please */
	request(4, 0, 0, false);
	ck_assert_uint_eq(reg(0x60), 0);
	ck_assert(!irq_pending(&m->bus));
}
END_TEST

START_TEST(test_event_index)
{
	setup();
	start(0, 1u << 29);
	put16(USED + 2, 0);
	put16(AVAIL + 4 + 2 * SIZE, 1); /* used_event: after the second */
	request(4, 0, 0, false);
	ck_assert_uint_eq(reg(0x60), 0);
	ck_assert_uint_eq(get16(USED + 4 + 8 * SIZE), 1); /* avail_event: kick for the next */
	request(4, 0, 0, false);
	ck_assert_uint_eq(reg(0x60), 1);
	ck_assert_uint_eq(get16(USED + 4 + 8 * SIZE), 2);
}
END_TEST

START_TEST(test_entropy)
{
	setup();
	start(RNG_SLOT, 0);
	put16(USED + 2, 0);
	desc(0, DATA, 64, DESC_WRITE, 0);
	offer(0);
	ck_assert_uint_eq(get16(USED + 2), 1);
	ck_assert_uint_eq(get16(USED + 8), 64);
	ck_assert_uint_eq(m->ram[DATA + 63], 0x5a);
	ck_assert_uint_eq(m->ram[DATA + 64], 0);
}
END_TEST

/* Both queues of the card, in each other's place but for the available rings. */
START_TEST(test_network)
{
	static const uint8_t header[12] = {[10] = 1};

	setup();
	start(NET_SLOT, 0);
	start_second();
	desc(0, DATA, 2000, DESC_WRITE, 0);
	put16(USED + 2, 0);
	offer(0);
	ck_assert(stub.net_wake);
	ck_assert_uint_eq(get16(USED + 2), 0);
	memcpy(stub.net_in, "a frame", 7);
	stub.net_waiting = 7;
	at(1000000);
	ck_assert_uint_eq(get16(USED + 2), 1);
	ck_assert_uint_eq(get16(USED + 8), 19);
	ck_assert(!memcmp(m->ram + DATA, header, 12));
	ck_assert(!memcmp(m->ram + DATA + 12, "a frame", 7));
	ck_assert_uint_eq(reg(0x60), 1);
	ck_assert(!stub.net_wake); /* no buffer is left */
	stub.net_waiting = 7;
	at(2000000);
	ck_assert_uint_eq(stub.net_waiting, 7); /* it stays on the wire */
	desc(0, DATA, 18, DESC_WRITE, 0);
	offer(0);
	ck_assert_uint_eq(get16(USED + 2), 2); /* too small: lost */
	ck_assert_uint_eq(get16(USED + 16), 0);

	desc(1, DATA, 20, 0, 0);
	memcpy(m->ram + DATA + 12, "outgoing", 8);
	offer_second(1, 1);
	ck_assert_uint_eq(stub.net_sent, 8);
	ck_assert(!memcmp(stub.net_out, "outgoing", 8));
	ck_assert(!needs_reset());
	desc(1, DATA, 11, 0, 0);
	put16(AVAIL + 0x106, 1);
	put16(AVAIL + 0x102, 2);
	set(0x50, 1);
	ck_assert(needs_reset());
}
END_TEST

/* What a driver must not do. Each stops the device with a message, and a reset makes it good. */
static void bad_loop(void)
{
	desc(0, HEADER, 16, DESC_NEXT, 1);
	desc(1, DATA, 512, DESC_NEXT, 0);
	offer(0);
}
static void bad_self(void)
{
	desc(0, HEADER, 16, DESC_NEXT, 0);
	offer(0);
}
static void bad_head(void)
{
	offer(SIZE);
}
static void bad_next(void)
{
	desc(0, HEADER, 16, DESC_NEXT, 0xffff);
	offer(0);
}
static void bad_address(void)
{
	desc(0, RAM, 16, 0, 0);
	offer(0);
}
static void bad_end(void)
{
	desc(0, RAM - 8, 16, 0, 0);
	offer(0);
}
static void bad_wrap(void)
{
	desc(0, UINT64_MAX - 7, 16, 0, 0);
	offer(0);
}
static void bad_length(void)
{
	desc(0, HEADER, UINT32_MAX, 0, 0);
	offer(0);
}
static void bad_order(void)
{
	desc(0, STATUS_BYTE, 1, DESC_NEXT | DESC_WRITE, 1);
	desc(1, HEADER, 16, 0, 0);
	offer(0);
}
static void bad_indirect(void)
{
	desc(0, DATA, 64, 4, 0); /* VIRTIO_F_INDIRECT_DESC is not offered */
	offer(0);
}
static void bad_header(void)
{
	desc(0, HEADER, 15, DESC_NEXT, 1);
	desc(1, STATUS_BYTE, 1, DESC_WRITE, 0);
	offer(0);
}
static void bad_status(void)
{
	desc(0, HEADER, 16, 0, 0);
	offer(0);
}
static void bad_count(void)
{
	avail_idx = SIZE;
	offer(0);
}
static void bad_queue(uint32_t offset, uint32_t value)
{
	set(0x44, 0);
	set(offset, value);
	set(0x44, 1);
	ck_assert_uint_eq(reg(0x44), 0);
}
static void bad_queue_end(void)
{
	bad_queue(0x80, RAM - 64);
}
static void bad_queue_align(void)
{
	bad_queue(0x80, TABLE + 8);
}
static void bad_queue_high(void)
{
	bad_queue(0xa4, 1);
}
static void bad_queue_size(void)
{
	bad_queue(0x38, 7);
}
static void bad_queue_huge(void)
{
	bad_queue(0x38, 0x10000);
}

static void (*const bad[])(void) = {
    bad_loop,  bad_self,      bad_head,        bad_next,       bad_address,    bad_end,
    bad_wrap,  bad_length,    bad_order,       bad_indirect,   bad_header,     bad_status,
    bad_count, bad_queue_end, bad_queue_align, bad_queue_high, bad_queue_size, bad_queue_huge,
};

START_TEST(test_hostile)
{
	setup();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		stub.messages_len = 0;
		bad[i]();
		ck_assert_msg(needs_reset(), "case %zu", i);
		ck_assert_msg(strstr(stub.messages, "0xfeb00000"), "case %zu", i);
		ck_assert_uint_eq(reg(0x60) & 2, 2);
		put16(USED + 2, 0);
		put16(AVAIL + 2, 0);
		avail_idx = 0;
		offer(0); /* it does nothing any more */
		ck_assert_uint_eq(get16(USED + 2), 0);
		memset(m->ram, 0, 0x5000);
		start(0, 0);
		ck_assert_uint_eq(request(4, 0, 0, false), 0);
		memset(m->ram, 0, 0x5000);
		start(0, 0);
	}
}
END_TEST

/* Data of a request may be the rings themselves: what was taken is not read again. */
START_TEST(test_overwritten)
{
	setup();
	memset(stub.drive[0].data, 0xff, 0x3000);
	header(0, 0);
	desc(0, HEADER, 16, DESC_NEXT, 1);
	desc(1, TABLE, 0x3000, DESC_NEXT | DESC_WRITE, 2);
	desc(2, STATUS_BYTE, 1, DESC_WRITE, 0);
	offer(0);
	ck_assert_uint_eq(m->ram[STATUS_BYTE], 0);
	ck_assert_uint_eq(get16(USED + 2), 1);
	ck_assert(needs_reset()); /* by the available index of 0xffff */
}
END_TEST

UNIT_MAIN("virtio", test_registers, test_features, test_read_write, test_bounds, test_discard,
	  test_framing, test_interrupt, test_event_index, test_entropy, test_network, test_hostile,
	  test_overwritten)

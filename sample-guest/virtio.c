/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chapter 17: a device in memory. The entropy source at a virtio-mmio transport, polled:
 * virtio 1.2, 4.2 and 5.4. What looks like loads and stores here are registers; nothing in the
 * instructions tells, but a profile does.
 */
#include "kernel.h"

#define TRANSPORTS 0xfeb00000 /* eight in a page, as in QEMU's microvm */
#define TRANSPORT_SIZE 0x200
#define NR_TRANSPORTS 8
#define VMAP_INDEX 1000

#define MAGIC 0x74726976
#define ENTROPY 4
#define QUEUE_SIZE 8
#define PTE_UNCACHED 0x10u

enum reg {
	REG_MAGIC = 0x00,
	REG_VERSION = 0x04,
	REG_DEVICE_ID = 0x08,
	REG_DRIVER_FEATURES = 0x20,
	REG_DRIVER_FEATURES_SEL = 0x24,
	REG_PAGE_SIZE = 0x28, /* this and the next two of version 1, 4.2.4 */
	REG_QUEUE_SEL = 0x30,
	REG_QUEUE_NUM = 0x38,
	REG_QUEUE_ALIGN = 0x3c,
	REG_QUEUE_PFN = 0x40,
	REG_QUEUE_READY = 0x44,
	REG_QUEUE_NOTIFY = 0x50,
	REG_INTERRUPT_STATUS = 0x60,
	REG_INTERRUPT_ACK = 0x64,
	REG_STATUS = 0x70,
	REG_QUEUE_DESC = 0x80,
	REG_QUEUE_DRIVER = 0x90,
	REG_QUEUE_DEVICE = 0xa0,
};

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define DESC_WRITE 2

/* Laid out as version 1 wants it; later versions take any place. */
static struct {
	struct {
		uint64_t address;
		uint32_t size;
		uint16_t flags, next;
	} desc[QUEUE_SIZE];
	volatile struct {
		uint16_t flags, index, ring[QUEUE_SIZE];
	} driver;
	volatile struct {
		uint16_t flags, index;
		struct {
			uint32_t id, size;
		} ring[QUEUE_SIZE];
	} device __attribute__((aligned(PAGE_SIZE)));
} queue __attribute__((aligned(PAGE_SIZE)));

static volatile uint32_t *device; /* its registers; null: none found */

static uint32_t get(enum reg r)
{
	return device[r / 4];
}

static void set(enum reg r, uint32_t value)
{
	device[r / 4] = value;
}

static bool find(void)
{
	const uint8_t *transports =
	    vmap(VMAP_INDEX, TRANSPORTS, PTE_PRESENT | PTE_WRITABLE | PTE_UNCACHED);

	for (unsigned i = 0; i < NR_TRANSPORTS; i++) {
		device = (volatile uint32_t *)(transports + i * TRANSPORT_SIZE);
		if (get(REG_MAGIC) == MAGIC && get(REG_DEVICE_ID) == ENTROPY)
			return true;
	}
	device = NULL;
	return false;
}

static void set_address(enum reg r, const volatile void *at)
{
	set(r, virt_to_phys((const void *)at));
	set(r + 4, 0);
}

static void start_queue(void)
{
	set(REG_QUEUE_SEL, 0);
	set(REG_QUEUE_NUM, QUEUE_SIZE);
	if (get(REG_VERSION) == 1) {
		set(REG_PAGE_SIZE, PAGE_SIZE);
		set(REG_QUEUE_ALIGN, PAGE_SIZE);
		set(REG_QUEUE_PFN, virt_to_phys(&queue) / PAGE_SIZE);
		return;
	}
	set_address(REG_QUEUE_DESC, queue.desc);
	set_address(REG_QUEUE_DRIVER, &queue.driver);
	set_address(REG_QUEUE_DEVICE, &queue.device);
	set(REG_QUEUE_READY, 1);
}

static void start(void)
{
	bool modern = get(REG_VERSION) > 1;

	memset(&queue, 0, sizeof(queue));
	set(REG_STATUS, 0);
	set(REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	if (modern) { /* VIRTIO_F_VERSION_1 is bit 32 */
		set(REG_DRIVER_FEATURES_SEL, 1);
		set(REG_DRIVER_FEATURES, 1);
		set(REG_STATUS, get(REG_STATUS) | STATUS_FEATURES_OK);
	}
	start_queue();
	set(REG_STATUS, get(REG_STATUS) | STATUS_DRIVER_OK);
}

bool virtio_found(void)
{
	static bool looked;

	if (!looked && find())
		start();
	looked = true;
	return device;
}

/* Random bytes from the device; how many it gave. */
uint32_t virtio_random(void *to, uint32_t size)
{
	uint16_t before = queue.driver.index;

	queue.desc[0].address = virt_to_phys(to);
	queue.desc[0].size = size;
	queue.desc[0].flags = DESC_WRITE;
	queue.driver.ring[before % QUEUE_SIZE] = 0;
	queue.driver.index = before + 1;
	set(REG_QUEUE_NOTIFY, 0);
	while (queue.device.index == before)
		;
	set(REG_INTERRUPT_ACK, get(REG_INTERRUPT_STATUS));
	asm volatile("" ::: "memory");
	return queue.device.ring[before % QUEUE_SIZE].size;
}

/* What one look at a register costs, in cycles. */
uint32_t virtio_cost(unsigned rounds)
{
	uint64_t start_time = rdtsc();

	for (unsigned i = 0; i < rounds; i++)
		get(REG_INTERRUPT_STATUS);
	return (uint32_t)(rdtsc() - start_time) / rounds;
}

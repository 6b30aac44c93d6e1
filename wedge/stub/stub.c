/* SPDX-License-Identifier: MIT */
/* Platform `stub`: see stub.h. */
#include "wedge/stub/stub.h"

#include <cpuid.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define NR_PAGES (1u << 20)
#define PAGE_MAPPED                                                                                \
	0x800u /* in stub_pages, beside MAP_* in the low bits and the frame in the high */

struct stub stub;
static uint32_t stub_pages[2][NR_PAGES]; /* [1]: ring 3's, of a machine with user_spaces */

void stub_reset(void)
{
	memset(&stub, 0, sizeof(stub));
	memset(stub_pages, 0, sizeof(stub_pages));
	stub.timer = UINT64_MAX;
	stub.map_refuses_page0 = true;
	stub.map_room = UINT32_MAX;
}

struct machine *stub_machine(uint32_t ram_size)
{
	struct machine *m = calloc(1, sizeof(*m));
	uint8_t *ram = calloc(1, ram_size);

	if (!m || !ram)
		abort();
	m->ram = ram;
	m->ram_size = ram_size;
	m->cpu.machine = m;
	return m;
}

void stub_machine_free(struct machine *m)
{
	free(m->sites);
	free(m->ram);
	free(m);
}

void stub_serial_input(unsigned port, const char *text)
{
	for (; *text && stub.serial[port].in_len < STUB_BUFFER; text++)
		stub.serial[port].in[stub.serial[port].in_len++] = (uint8_t)*text;
}

static bool mapped(bool user, uint32_t linear, uint32_t *phys, unsigned *rights)
{
	uint32_t entry = stub_pages[user][linear / PAGE];

	if (!(entry & PAGE_MAPPED))
		return false;
	if (phys)
		*phys = (entry & ~(PAGE - 1)) | (linear & (PAGE - 1));
	if (rights)
		*rights = entry & (PAGE_MAPPED - 1);
	return true;
}

bool stub_mapped(uint32_t linear, uint32_t *phys, unsigned *rights)
{
	return mapped(false, linear, phys, rights);
}

bool stub_user_mapped(uint32_t linear, uint32_t *phys, unsigned *rights)
{
	return mapped(true, linear, phys, rights);
}

unsigned stub_nr_mapped(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < NR_PAGES; i++)
		n += !!(stub_pages[0][i] & PAGE_MAPPED);
	return n;
}

bool platform_map(struct machine *m, uint32_t linear, uint32_t phys, uint32_t pages,
		  unsigned rights)
{
	if ((linear | phys) % PAGE || (uint64_t)phys + (uint64_t)pages * PAGE > m->ram_size)
		abort();
	if (linear == 0 && stub.map_refuses_page0)
		return false;
	m->no_room = stub.map_room != UINT32_MAX && stub_nr_mapped() + pages > stub.map_room;
	if (m->no_room)
		return false;
	for (uint32_t i = 0; i < pages; i++)
		stub_pages[m->user_view][linear / PAGE + i] =
		    (phys + i * PAGE) | PAGE_MAPPED | rights;
	return true;
}

void platform_unmap(struct machine *m, uint32_t linear, uint32_t pages)
{
	uint32_t *page = stub_pages[m->user_view];

	if (linear % PAGE || linear / PAGE + pages > NR_PAGES)
		abort();
	memset(page + linear / PAGE, 0, (size_t)pages * sizeof(*page));
}

void platform_segment(struct vcpu *v, enum segreg s)
{
	(void)v;
	stub.segment_calls[s]++;
}

void platform_tables(struct vcpu *v)
{
	(void)v;
	stub.table_calls++;
}

bool platform_segment_fault(struct vcpu *v, const struct insn *in)
{
	(void)v;
	(void)in;
	return false;
}

void platform_user_limit(struct machine *m, uint32_t limit)
{
	(void)m;
	stub.user_limit = limit;
}

uint64_t platform_now(void)
{
	return stub.now;
}

uint64_t platform_wallclock(void)
{
	return stub.wallclock + stub.now / 1000000000u;
}

uint64_t platform_tsc(void)
{
	return stub.tsc;
}

bool platform_tsc_stable(void)
{
	return true;
}

void platform_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	__cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
}

/* x87 and SSE only, so that tests give the same on every host. */
uint64_t platform_xcr0(void)
{
	return 3;
}

bool platform_xsetbv(uint64_t xcr0)
{
	return !(xcr0 & ~platform_xcr0());
}

void platform_timer(uint64_t deadline)
{
	stub.timer = deadline;
}

void platform_idle(uint64_t deadline)
{
	stub.idle = deadline;
	stub.idle_calls++;
	/* Sleeping takes as long as it was asked to. */
	if (deadline != UINT64_MAX && deadline > stub.now)
		stub.now = deadline;
}

void platform_serial_write(unsigned port, uint8_t byte)
{
	if (stub.serial[port].out_len < STUB_BUFFER - 1)
		stub.serial[port].out[stub.serial[port].out_len++] = (char)byte;
}

int platform_serial_read(unsigned port)
{
	if (stub.serial[port].in_pos == stub.serial[port].in_len)
		return -1;
	return stub.serial[port].in[stub.serial[port].in_pos++];
}

bool platform_console_size(uint16_t *columns, uint16_t *rows)
{
	*columns = stub.columns;
	*rows = stub.rows;
	return stub.columns && stub.rows;
}

uint64_t platform_block_sectors(unsigned drive)
{
	(void)drive;
	return STUB_DISK / PLATFORM_SECTOR;
}

bool platform_block_read_only(unsigned drive)
{
	return stub.drive[drive].read_only;
}

/* Offsets outside the disk are the caller's fault: that is what tests are to find. */
static uint8_t *on_disk(unsigned drive, uint64_t offset, uint64_t size)
{
	if (drive >= STUB_DRIVES || size > STUB_DISK || offset > STUB_DISK - size)
		abort();
	return stub.drive[drive].data + offset;
}

enum platform_block_result platform_block_read(unsigned drive, uint64_t offset,
					       const struct platform_buffer *to, unsigned n)
{
	if (stub.drive[drive].fails)
		return BLOCK_ERROR;
	for (; n--; offset += to++->size)
		memmove(to->base, on_disk(drive, offset, to->size), to->size);
	return BLOCK_OK;
}

enum platform_block_result platform_block_write(unsigned drive, uint64_t offset,
						const struct platform_buffer *from, unsigned n)
{
	if (stub.drive[drive].fails || stub.drive[drive].read_only)
		return BLOCK_ERROR;
	for (; n--; offset += from++->size)
		memmove(on_disk(drive, offset, from->size), from->base, from->size);
	return BLOCK_OK;
}

enum platform_block_result platform_block_flush(unsigned drive)
{
	stub.drive[drive].flushes++;
	return BLOCK_OK;
}

enum platform_block_result platform_block_discard(unsigned drive, uint64_t offset, uint64_t size)
{
	memset(on_disk(drive, offset, size), 0, size);
	stub.drive[drive].discards++;
	return BLOCK_OK;
}

enum platform_block_result platform_block_zero(unsigned drive, uint64_t offset, uint64_t size,
					       bool unmap)
{
	(void)unmap;
	memset(on_disk(drive, offset, size), 0, size);
	return BLOCK_OK;
}

void platform_net_send(const struct platform_buffer *frame, unsigned n)
{
	stub.net_sent = 0;
	for (; n--; frame++) {
		size_t room = STUB_BUFFER - stub.net_sent;
		size_t size = frame->size < room ? frame->size : room;

		memcpy(stub.net_out + stub.net_sent, frame->base, size);
		stub.net_sent += size;
	}
}

size_t platform_net_receive(void *frame, size_t size)
{
	size_t n = stub.net_waiting;

	stub.net_waiting = 0;
	if (n > size)
		abort();
	memcpy(frame, stub.net_in, n);
	return n;
}

void platform_net_wake(bool wake)
{
	stub.net_wake = wake;
}

bool platform_random(void *to, size_t size)
{
	memset(to, 0x5a, size);
	return true;
}

void platform_message(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(stub.messages + stub.messages_len, STUB_BUFFER - stub.messages_len, fmt, ap);
	va_end(ap);
	if (n > 0)
		stub.messages_len += (size_t)n;
	if (stub.messages_len > STUB_BUFFER - 1)
		stub.messages_len = STUB_BUFFER - 1;
}

void platform_fpu_save(void)
{
}

void platform_fpu_restore(void)
{
}

static _Noreturn void leave(int status)
{
	if (!stub.armed) {
		fprintf(stderr, "%sstub: the machine ended with status %d outside stub_catch\n",
			stub.messages, status);
		abort();
	}
	stub.status = status;
	longjmp(stub.exit, 1);
}

void platform_exit(struct machine *m, int status)
{
	(void)m;
	leave(status);
}

void platform_reset(struct machine *m)
{
	(void)m;
	stub.was_reset = true;
	leave(STUB_RESET);
}

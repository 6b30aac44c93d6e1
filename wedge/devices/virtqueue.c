/* SPDX-License-Identifier: MIT */
/* See virtqueue.h. */
#include "wedge/devices/virtqueue.h"

#define DESC_NEXT 1u
#define DESC_WRITE 2u
#define AVAIL_NO_INTERRUPT 1u

/* 2.7.5. Descriptors and rings are little-endian, as the CPU is. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* Offsets in the driver area (2.7.6) and the device area (2.7.8). Both begin with flags and idx. */
#define RING_IDX 2u
#define RING_ELEMENTS 4u
#define AVAIL_ELEMENT 2u
#define USED_ELEMENT 8u

static uint64_t avail_size(const struct virtqueue *q)
{
	return RING_ELEMENTS + AVAIL_ELEMENT * (uint64_t)q->size + 2;
}

static uint64_t used_size(const struct virtqueue *q)
{
	return RING_ELEMENTS + USED_ELEMENT * (uint64_t)q->size + 2;
}

static bool in_ram(const struct machine *m, uint64_t addr, uint64_t size)
{
	return addr < m->ram_size && size <= m->ram_size - addr;
}

/* The places were checked by virtq_enable. */
static uint16_t load16(const struct virtqueue *q, uint64_t addr)
{
	uint16_t v;

	__builtin_memcpy(&v, q->m->ram + addr, sizeof v);
	return v;
}

static void store16(const struct virtqueue *q, uint64_t addr, uint16_t v)
{
	__builtin_memcpy(q->m->ram + addr, &v, sizeof v);
}

bool virtq_enable(struct virtqueue *q)
{
	bool power_of_two = q->size && !(q->size & (q->size - 1));

	q->next_avail = q->next_used = q->signalled = 0;
	q->ready = power_of_two && q->size <= VIRTQ_MAX && !(q->table & 15) && !(q->avail & 1) &&
		   !(q->used & 3) &&
		   in_ram(q->m, q->table, (uint64_t)q->size * sizeof(struct desc)) &&
		   in_ram(q->m, q->avail, avail_size(q)) && in_ram(q->m, q->used, used_size(q));
	return q->ready;
}

static enum virtq_result broken(struct virtqueue *q, const char *why)
{
	q->complaint = why;
	return VIRTQ_BROKEN;
}

/* Put one descriptor's buffer into the chain. Null, or what is wrong with it. */
static const char *add_buffer(const struct virtqueue *q, struct virtq_chain *c,
			      const struct desc *d)
{
	if (!(d->flags & DESC_WRITE) && c->nr_in)
		return "a buffer to read behind one to write";
	if (d->flags & ~(DESC_NEXT | DESC_WRITE))
		return "a descriptor with unknown flags";
	if (!in_ram(q->m, d->addr, d->len))
		return "a buffer outside RAM";
	c->buffers[c->nr_out + c->nr_in] =
	    (struct platform_buffer){.base = q->m->ram + d->addr, .size = d->len};
	if (d->flags & DESC_WRITE && q->m->changes)
		q->m->changes(q->m, d->addr, d->len);
	if (d->flags & DESC_WRITE)
		c->nr_in++;
	else
		c->nr_out++;
	return NULL;
}

static enum virtq_result walk(struct virtqueue *q, struct virtq_chain *c)
{
	uint16_t at = c->head;
	const char *why;
	struct desc d;

	do {
		if (at >= q->size)
			return broken(q, "a descriptor behind the end of the table");
		if (c->nr_out + c->nr_in == q->size)
			return broken(q, "a loop of descriptors");
		__builtin_memcpy(&d, q->m->ram + q->table + at * sizeof d, sizeof d);
		why = add_buffer(q, c, &d);
		if (why)
			return broken(q, why);
		at = d.next;
	} while (d.flags & DESC_NEXT);
	c->out = c->buffers;
	c->in = c->buffers + c->nr_out;
	return VIRTQ_CHAIN;
}

bool virtq_waiting(const struct virtqueue *q)
{
	return load16(q, q->avail + RING_IDX) != q->next_avail;
}

enum virtq_result virtq_take(struct virtqueue *q, struct virtq_chain *c)
{
	uint16_t waiting = (uint16_t)(load16(q, q->avail + RING_IDX) - q->next_avail);
	uint32_t place = q->next_avail & (q->size - 1u);

	if (waiting > q->size)
		return broken(q, "more requests than descriptors");
	/* The driver is to kick for whatever comes next: 2.7.10. */
	if (q->event_index)
		store16(q, q->used + used_size(q) - 2, (uint16_t)(q->next_avail + !!waiting));
	if (!waiting)
		return VIRTQ_EMPTY;
	c->head = load16(q, q->avail + RING_ELEMENTS + place * AVAIL_ELEMENT);
	c->nr_out = c->nr_in = 0;
	q->next_avail++;
	return walk(q, c);
}

void virtq_give(struct virtqueue *q, const struct virtq_chain *c, uint32_t written)
{
	uint32_t element[2] = {c->head, written};
	uint32_t place = q->next_used & (q->size - 1u);

	__builtin_memcpy(q->m->ram + q->used + RING_ELEMENTS + place * USED_ELEMENT, element,
			 sizeof element);
	q->next_used++;
	store16(q, q->used + RING_IDX, q->next_used);
}

/* 2.7.7: without event index a flag decides; with it, whether the index has been passed. */
bool virtq_wants_interrupt(struct virtqueue *q)
{
	uint16_t before = q->signalled, now = q->next_used;
	uint16_t event;

	q->signalled = now;
	if (now == before)
		return false;
	if (!q->event_index)
		return !(load16(q, q->avail) & AVAIL_NO_INTERRUPT);
	event = load16(q, q->avail + avail_size(q) - 2);
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

static uint64_t total(const struct platform_buffer *b, unsigned n)
{
	uint64_t size = 0;

	while (n--)
		size += b++->size;
	return size;
}

uint64_t virtq_out_size(const struct virtq_chain *c)
{
	return total(c->out, c->nr_out);
}

uint64_t virtq_in_size(const struct virtq_chain *c)
{
	return total(c->in, c->nr_in);
}

/* Advance by the bytes of the first buffer that are wanted; gives where they are. */
static uint8_t *next_bytes(struct platform_buffer **b, uint16_t *n, size_t wanted, size_t *got)
{
	uint8_t *base = (*b)->base;

	*got = wanted < (*b)->size ? wanted : (*b)->size;
	(*b)->base = base + *got;
	(*b)->size -= *got;
	if (!(*b)->size) {
		++*b;
		--*n;
	}
	return base;
}

bool virtq_pull(struct virtq_chain *c, void *to, size_t size)
{
	uint8_t *t = to;
	size_t got;

	if (size > virtq_out_size(c))
		return false;
	for (; size; size -= got, t += got) {
		const uint8_t *from = next_bytes(&c->out, &c->nr_out, size, &got);
		__builtin_memcpy(t, from, got);
	}
	return true;
}

bool virtq_push(struct virtq_chain *c, const void *from, size_t size)
{
	const uint8_t *f = from;
	size_t got;

	if (size > virtq_in_size(c))
		return false;
	for (; size; size -= got, f += got) {
		uint8_t *to = next_bytes(&c->in, &c->nr_in, size, &got);
		__builtin_memcpy(to, f, got);
	}
	return true;
}

uint8_t *virtq_last_byte(struct virtq_chain *c)
{
	for (unsigned i = c->nr_in; i--;)
		if (c->in[i].size)
			return (uint8_t *)c->in[i].base + --c->in[i].size;
	return NULL;
}

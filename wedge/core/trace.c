/* SPDX-License-Identifier: MIT */
#include "wedge/core/trace.h"
#include "wedge/core/sensitive.h"
#include "wedge/core/step.h"
#include "wedge/platform.h"

int memcmp(const void *a, const void *b, size_t size); /* string.c */

#define BY_CR3 UINT32_MAX /* a table's parent: CR3, or a PDPTE register */
#define FRAME_MASK 0xffffffffff000ull

static uint64_t entry_at(const struct vcpu *v, uint32_t at)
{
	uint64_t entry = 0;

	phys_read(v->machine, at, &entry, v->cr4 & CR4_PAE ? 8 : 4);
	return entry;
}

static bool names(uint64_t entry, uint32_t frame)
{
	return (entry & PTE_P) && (entry & FRAME_MASK) >> 12 == frame;
}

/* The page directories in force: one, or with PAE four. */
static unsigned directories(const struct vcpu *v, uint64_t entries[4])
{
	if (!(v->cr4 & CR4_PAE)) {
		entries[0] = v->cr3 | PTE_P;
		return 1;
	}
	__builtin_memcpy(entries, v->pdpte, sizeof v->pdpte);
	return 4;
}

/* Is a frame that was a page table one still? */
static bool in_use(const struct vcpu *v, uint32_t frame)
{
	struct trace *t = v->machine->trace;
	struct trace_table *table = &t->table[frame];
	uint64_t directory[4];
	unsigned n = directories(v, directory);

	if (table->parent != BY_CR3 && t->table[table->parent >> 12].level == table->level + 1 &&
	    names(entry_at(v, table->parent), frame))
		return true;
	for (unsigned i = 0; i < n; i++) {
		uint32_t at = (uint32_t)(directory[i] & FRAME_MASK) | (table->parent & 0xfff);

		if (!(directory[i] & PTE_P))
			continue;
		if (table->parent == BY_CR3 ? names(directory[i], frame)
					    : names(entry_at(v, at), frame)) {
			/* Tables of the kernel are named by all directories. */
			table->parent = table->parent == BY_CR3 ? BY_CR3 : at;
			return true;
		}
	}
	return false;
}

/* Is it a page table in use? One that is so no more is ordinary memory from now on. */
static bool watched(const struct vcpu *v, uint64_t phys)
{
	struct trace_table *table = &v->machine->trace->table[phys >> 12];

	if (phys >= v->machine->ram_size || !table->level)
		return false;
	if (in_use(v, (uint32_t)(phys >> 12)))
		return true;
	table->level = 0;
	return false;
}

static bool is_device(const struct machine *m, uint64_t phys)
{
	return phys >= m->ram_size || (phys >= TRACE_VGA && phys < TRACE_VGA_END);
}

/* Whatever is mapped to a frame goes; it comes back read-only. Sites that have a call use it there
 * from now on. */
static void protect(struct machine *m, uint32_t frame)
{
	struct space *s = &m->spaces[m->space];

	for (uint32_t i = 0; i < NR_CHUNKS; i++) {
		if (!s->chunk[i].mapped)
			continue;
		for (uint32_t p = i * CHUNK; p < (i + 1) * CHUNK; p++) {
			if (!(s->page[p] & S_MAPPED) || m->trace->frame[p] != frame)
				continue;
			sensitive_mark(m, p * PAGE);
			platform_unmap(m, p * PAGE, 1);
			space_set_state(s, p, 1, 0);
		}
	}
}

/* The tables that lead to a linear address are in use. */
static void mark_tables(struct vcpu *v, uint32_t linear)
{
	struct machine *m = v->machine;
	uint32_t parent = BY_CR3;
	struct walk w;

	walk(v, linear, &w);
	for (unsigned i = 0; i < w.levels && w.entry[i].at < m->ram_size; i++) {
		uint32_t frame = (uint32_t)(w.entry[i].at >> 12);
		struct trace_table *table = &m->trace->table[frame];
		bool fresh = !table->level;

		*table = (struct trace_table){.parent = parent, .level = (uint8_t)(2 - i)};
		if (fresh)
			protect(m, frame);
		parent = (uint32_t)w.entry[i].at;
	}
}

bool trace_stops(struct vcpu *v, uint32_t linear, enum access access, uint64_t phys)
{
	struct trace *t = v->machine->trace;

	if (is_device(v->machine, phys)) {
		t->device_traps += v->cpl == 0;
		return true;
	}
	mark_tables(v, linear);
	if (access != ACCESS_WRITE || !watched(v, phys))
		return false;
	if (v->cpl) { /* user memory: the table has gone, and nobody has seen it go */
		t->table[phys >> 12].level = 0;
		return false;
	}
	t->table_traps++;
	return true;
}

bool trace_map(struct vcpu *v, uint32_t linear, uint64_t phys, unsigned *rights)
{
	struct trace *t = v->machine->trace;

	if (is_device(v->machine, phys))
		return false;
	mark_tables(v, linear);
	if (t->table[phys >> 12].level) {
		sensitive_mark(v->machine, linear);
		*rights &= ~MAP_WRITE;
	}
	t->frame[linear / PAGE] = (uint32_t)(phys >> 12);
	return true;
}

bool trace_release(struct vcpu *v, uint32_t linear)
{
	struct translation tr;
	struct trace *t = v->machine->trace;

	if (!t || !mmu_peek(v, linear, &tr) || tr.phys >= v->machine->ram_size ||
	    !t->table[tr.phys >> 12].level)
		return false;
	t->table[tr.phys >> 12].level = 0;
	t->lost++;
	return true;
}

void trace_begin(struct vcpu *v)
{
	struct trace *t = v->machine->trace;

	if (!t)
		return;
	t->address = linear_eip(v);
	t->inside = v->cpl == 0;
	t->loaded = NULL;
	t->loaded_phys = UINT64_MAX;
}

void trace_end(struct vcpu *v)
{
	if (v->machine->trace)
		v->machine->trace->inside = false;
}

static void set_name(struct trace_site *s, const char *name)
{
	for (unsigned i = 0; name[i] && i + 1 < sizeof s->device; i++)
		s->device[i] = name[i];
}

/* What was accessed, but for the count. */
static struct trace_site describe(const struct vcpu *v, uint64_t phys, uint32_t size)
{
	const struct machine *m = v->machine;
	struct trace_site s = {.address = m->trace->address, .size = (uint8_t)size};
	const struct mmio_range *range;

	if (!is_device(m, phys)) {
		s.level = m->trace->table[phys >> 12].level;
		return s;
	}
	range = bus_mmio_at(&m->bus, phys);
	s.reg = (uint32_t)(range ? phys - range->first : phys);
	if (phys < m->ram_size)
		s.reg = 0;
	set_name(&s, phys < m->ram_size ? "vga" : range ? range->name : "absent");
	return s;
}

static bool alike(const struct trace_site *a, const struct trace_site *b)
{
	return a->address == b->address && a->reg == b->reg && a->level == b->level &&
	       a->direction == b->direction && a->size == b->size &&
	       !memcmp(a->device, b->device, sizeof a->device);
}

/* Count by a hash table with linear probing; null if it is full. */
static struct trace_site *count(struct trace *t, const struct trace_site *s)
{
	uint32_t at = s->address * 2654435761u ^ (s->reg + s->direction * 64u) * 40503u;

	t->accesses++;
	for (uint32_t i = 0; i < TRACE_SITES; i++) {
		struct trace_site *found = &t->site[(at + i) % TRACE_SITES];

		if (!found->size) {
			*found = *s;
			t->nr_sites++;
		} else if (!alike(found, s)) {
			continue;
		}
		found->count++;
		return found;
	}
	t->lost++;
	return NULL;
}

void trace_access(struct vcpu *v, uint64_t phys, uint32_t size, bool write)
{
	struct trace *t = v->machine->trace;
	bool device = is_device(v->machine, phys), update = t->loaded_phys == phys;
	struct trace_site s;

	if (!t->inside)
		return;
	if (!write) {
		t->loaded_phys = phys;
		t->loaded = NULL;
	}
	if (!device && !(write && watched(v, phys)))
		return;
	s = describe(v, phys, size);
	s.direction = !write ? TRACE_LOAD : update ? TRACE_UPDATE : TRACE_STORE;
	if (update && write && t->loaded) { /* the load was the first half of this */
		t->loaded->count--;
		t->accesses--;
	}
	t->loaded = count(t, &s);
}

/* SPDX-License-Identifier: MIT */
/* Guest memory: translation with its faults and side effects, linear and physical access. */
#include "wedge/core/walk.h"
#include "wedge/core/access.h"
#include "wedge/core/code.h"
#include "wedge/core/interrupt.h"
#include "wedge/core/trace.h"

/* The error code of a page fault, SDM vol. 3, 4.7. */
static bool page_fault(struct vcpu *v, uint32_t linear, enum access access, unsigned cpl,
		       uint32_t error)
{
	if (access == ACCESS_WRITE)
		error |= PF_WRITE;
	if (access == ACCESS_FETCH && walk_nx(v))
		error |= PF_FETCH;
	if (cpl == 3)
		error |= PF_USER;
	return vcpu_raise_pf(v, linear, error);
}

/* SDM vol. 3, 4.6.1; SMEP and SMAP are not offered. */
static bool permitted(const struct vcpu *v, const struct translation *t, enum access access,
		      unsigned cpl)
{
	if (cpl == 3 && !t->user)
		return false;
	if (access == ACCESS_WRITE && !t->writable && (cpl == 3 || (v->cr0 & CR0_WP)))
		return false;
	return !(access == ACCESS_FETCH && t->nx);
}

/* SDM vol. 3, 4.8: A in every entry used, D in the last one for a write. */
static void set_accessed_dirty(struct vcpu *v, struct walk *w, bool write)
{
	for (unsigned i = 0; i < w->levels; i++) {
		uint32_t old = (uint32_t)w->entry[i].value;
		uint32_t new = old | PTE_A;

		if (write && i == w->levels - 1)
			new |= PTE_D;
		if (new != old)
			phys_write(v->machine, w->entry[i].at, &new, sizeof(new));
	}
	w->t.dirty |= write;
	w->t.accessed = true;
}

bool mmu_translate(struct vcpu *v, uint32_t linear, enum access access, unsigned cpl,
		   struct translation *t)
{
	struct walk w;

	if (!walk(v, linear, &w))
		return page_fault(v, linear, access, cpl, w.error);
	if (!permitted(v, &w.t, access, cpl))
		return page_fault(v, linear, access, cpl, PF_PRESENT);
	set_accessed_dirty(v, &w, access == ACCESS_WRITE);
	if (cpl == 3 && v->cpl == 3 && linear >= v->machine->user_limit)
		shadow_reach(v, linear);
	*t = w.t;
	return true;
}

bool mmu_peek(const struct vcpu *v, uint32_t linear, struct translation *t)
{
	struct walk w;

	if (!walk(v, linear, &w))
		return false;
	*t = w.t;
	return true;
}

/* How much of size lies in the page of the address. */
static uint32_t in_page(uint32_t linear, uint32_t size)
{
	uint32_t room = PAGE - (linear & (PAGE - 1));

	return size < room ? size : room;
}

/* Translate every page of a range; the last byte's translation is forgotten like the others. */
static bool check_range(struct vcpu *v, uint32_t linear, uint32_t size, enum access access,
			unsigned cpl)
{
	struct translation t;

	while (size) {
		uint32_t n = in_page(linear, size);

		if (!mmu_translate(v, linear, access, cpl, &t))
			return false;
		linear += n;
		size -= n;
	}
	return true;
}

bool mmu_check_write(struct vcpu *v, uint32_t linear, uint32_t size, unsigned cpl)
{
	return check_range(v, linear, size, ACCESS_WRITE, cpl);
}

bool mmu_read(struct vcpu *v, uint32_t linear, void *out, uint32_t size, unsigned cpl)
{
	struct translation t;
	uint8_t *to = out;

	if (in_page(linear, size) < size && !check_range(v, linear, size, ACCESS_READ, cpl))
		return false;
	while (size) {
		uint32_t n = in_page(linear, size);

		if (!mmu_translate(v, linear, ACCESS_READ, cpl, &t))
			return false;
		if (v->machine->trace)
			trace_access(v, t.phys, n, false);
		phys_read(v->machine, t.phys, to, n);
		linear += n;
		to += n;
		size -= n;
	}
	return true;
}

bool mmu_write(struct vcpu *v, uint32_t linear, const void *in, uint32_t size, unsigned cpl)
{
	struct translation t;
	const uint8_t *from = in;

	if (in_page(linear, size) < size && !check_range(v, linear, size, ACCESS_WRITE, cpl))
		return false;
	while (size) {
		uint32_t n = in_page(linear, size);

		if (!mmu_translate(v, linear, ACCESS_WRITE, cpl, &t))
			return false;
		if (v->machine->trace)
			trace_access(v, t.phys, n, true);
		phys_write(v->machine, t.phys, from, n);
		linear += n;
		from += n;
		size -= n;
	}
	return true;
}

uint32_t mmu_fetch(struct vcpu *v, uint32_t linear, void *out, uint32_t size, unsigned cpl)
{
	struct translation t;
	uint8_t *to = out;
	uint32_t done = 0;

	while (done < size) {
		uint32_t n = in_page(linear + done, size - done);

		if (!mmu_translate(v, linear + done, ACCESS_FETCH, cpl, &t)) {
			if (done)
				v->fault.raised = false;
			return done;
		}
		phys_read(v->machine, t.phys, to + done, n);
		done += n;
	}
	return done;
}

/* Bytes of an access that lie in RAM. */
static uint32_t in_ram(const struct machine *m, uint64_t phys, uint32_t size)
{
	if (phys >= m->ram_size)
		return 0;
	return size < m->ram_size - phys ? size : (uint32_t)(m->ram_size - phys);
}

/* The largest naturally aligned piece, up to 8 bytes: what devices are asked for at once. */
static uint32_t device_piece(uint64_t phys, uint32_t size)
{
	uint32_t n = 8;

	while (n > size || (phys & (n - 1)))
		n /= 2;
	return n;
}

void phys_read(struct machine *m, uint64_t phys, void *out, uint32_t size)
{
	uint32_t n = in_ram(m, phys, size);
	uint8_t *to = out;

	copy_bytes(to, m->ram + phys, n);
	while (n < size) {
		uint32_t piece = device_piece(phys + n, size - n);
		uint64_t value;

		if (!bus_mmio_read(&m->bus, phys + n, piece, &value))
			value = ~0ull;
		copy_bytes(to + n, &value, piece);
		n += piece;
	}
}

void phys_write(struct machine *m, uint64_t phys, const void *in, uint32_t size)
{
	uint32_t n = in_ram(m, phys, size);
	const uint8_t *from = in;

	if (m->code && n)
		code_changed(m, phys, n);
	copy_bytes(m->ram + phys, from, n);
	while (n < size) {
		uint32_t piece = device_piece(phys + n, size - n);
		uint64_t value = 0;

		copy_bytes(&value, from + n, piece);
		bus_mmio_write(&m->bus, phys + n, piece, value);
		n += piece;
	}
}

/* SPDX-License-Identifier: MIT */
/* Sites by address, and counts of what trapped without one. */
#include "wedge/core/code.h"

struct site *machine_site_at(struct machine *m, uint32_t address)
{
	uint32_t low = 0, high = m->nr_sites;

	/* The last site that does not start above the address. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->sites[middle].slot <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - m->sites[low - 1].slot >= m->sites[low - 1].slot_len)
		return code_site_at(m, address);
	return &m->sites[low - 1];
}

void machine_count_trap(struct machine *m, uint32_t address)
{
	struct site *s = machine_site_at(m, address);

	if (s) {
		s->exits++;
		s->traps++;
		return;
	}
	for (unsigned i = 0; i < NR_UNPADDED; i++) {
		struct unpadded *u = &m->unpadded[i];

		if (!u->count || u->eip == address) {
			u->eip = address;
			u->count++;
			return;
		}
	}
	m->unpadded_other++;
}

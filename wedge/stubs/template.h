/* SPDX-License-Identifier: MIT */
/* The templates of templates.S: find one, copy it, resolve its symbols. */
#ifndef WEDGE_STUBS_TEMPLATE_H
#define WEDGE_STUBS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values for the undefined symbols of a template. */
struct template_symbols {
	uint32_t win, gate, site_id, site_end, counter, seg_sel, seg_host, seg_user_host;
};

/*
 * Copy template `name` to out, where it will run at linear address `at`, and resolve its symbols.
 * Returns its length in bytes; 0 if there is no such template or it does not fit in room.
 */
size_t template_copy(const char *name, const struct template_symbols *symbols, uint32_t at,
		     uint8_t *out, size_t room);

#endif

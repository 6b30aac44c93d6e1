/* SPDX-License-Identifier: MIT */
/* What a record claims, checked against the bytes: at load for the image, at run time for what the
 * guest loads. */
#ifndef WEDGE_CORE_RECORD_H
#define WEDGE_CORE_RECORD_H

#include "afterburner/format.h"
#include "wedge/core/machine.h"

/* What is wrong with a record by itself; null if nothing is. */
const char *record_check(const struct ab_record *r);

/*
 * The site that the record tells of, from the slot_len bytes of its slot: decoded, of the kind it
 * is said to be, all else padding. The record was checked. Null, or what is wrong; s->slot is left
 * alone.
 */
const char *record_decode(const struct ab_record *r, const uint8_t *bytes, struct site *s);

#endif

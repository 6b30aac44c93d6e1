/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the records of an image to decoded sites. */
#ifndef LOADER_SITES_H
#define LOADER_SITES_H

#include "loader/image.h"
#include "wedge/core/machine.h"

/*
 * Read the note and every record, check each against the image's bytes, decode it. On success
 * *sites (to be freed) holds *count sites, ordered by address. On false a message has been printed
 * that names file, section, offset and reason.
 */
bool sites_read(const struct image *img, struct site **sites, uint32_t *count);

#endif

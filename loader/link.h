/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn link`: a bootable file of a guest. */
#ifndef LOADER_LINK_H
#define LOADER_LINK_H

#include "loader/image.h"

/*
 * Write to fd the multiboot kernel made of a Linux image: its segments as they are, and a stub that
 * enters it by the 32-bit boot protocol. On false a message has been printed.
 */
bool link_native(const struct image *img, int fd);

/* Write to fd the image as it is. */
bool link_copy(const struct image *img, int fd);

/* If the image was made by link_native, take the stub off again: the Linux kernel is left. */
bool link_unwrap(struct image *img);

#endif

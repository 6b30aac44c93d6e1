/* SPDX-License-Identifier: MIT */
/* Between net.c, slirp.c and time.c. */
#ifndef WEDGE_LINUX_NET_H
#define WEDGE_LINUX_NET_H

#include "wedge/linux/linux.h"

/* Where an idle guest's sleep has to look; -1: nowhere. */
int net_input_fd(void);

/* Start the process that is the network behind the card; gives its socket, or -1 after a message.
 */
int slirp_start(const struct linux_forward *forwards, unsigned n);

#endif

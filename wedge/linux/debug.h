/* SPDX-License-Identifier: MIT */
/*
 * The person at the machine: gdb (gdb.c) and the console (console.c). Both work at the same point,
 * the end of an exit, when struct vcpu is complete and true.
 */
#ifndef WEDGE_LINUX_DEBUG_H
#define WEDGE_LINUX_DEBUG_H

#include "wedge/linux/linux.h"

/* Before the monitor's processes are made: gdb's connection has a process of its own. */
bool gdb_init(const struct linux_config *c);
int gdb_fd(void);        /* readable when gdb has something to say; -1: no gdb */
bool gdb_stepping(void); /* the guest is to execute one instruction */
/* Is this exit gdb's own: a breakpoint, or (stepped) the end of a step? Then nobody else sees it.
 */
bool gdb_takes(struct vcpu *v, const struct exit *x, bool stepped);
bool gdb_wanted(const struct vcpu *v);
void gdb_stop(struct vcpu *v);  /* until gdb lets the guest go on */
void gdb_begin(struct vcpu *v); /* -S */
void gdb_reset(void);           /* RAM is as at power on */
void gdb_end(int status);       /* the machine ends */

/* Ctrl-A c: input goes to the console and not to the guest. */
void console_toggle(void);
bool console_open(void);
void console_key(uint8_t key);
void console_run(struct vcpu *v); /* until it is closed */

#endif

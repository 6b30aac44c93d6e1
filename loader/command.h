/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sub-commands of `afterburn`. Each is an argp program of its own; argv[0] is "afterburn NAME".
 */
#ifndef LOADER_COMMAND_H
#define LOADER_COMMAND_H

#define COMMAND_USAGE 2 /* exit status for a bad option or bad input */

int cmd_run(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_link(int argc, char **argv);

#endif

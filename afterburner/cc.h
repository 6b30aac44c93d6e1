/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef AFTERBURNER_CC_H
#define AFTERBURNER_CC_H

/*
 * `afterburn cc` and afterburn-gcc: become gcc with the pass in front of the assembler. argv[0] is
 * not looked at; -fafterburn-profile=FILE and -fafterburn-plugin load the plugin; all other
 * arguments go to gcc as they are. Returns only on failure, with the exit status.
 */
int cmd_cc(int argc, char **argv);

#endif

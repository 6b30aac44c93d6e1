/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sub-commands of `afterburn` that belong to the build. Each returns the exit status. */
#ifndef AFTERBURNER_COMMANDS_H
#define AFTERBURNER_COMMANDS_H

#include "afterburner/cc.h"

int cmd_check(int argc, char **argv);
int cmd_census(int argc, char **argv);
int cmd_profile_files(int argc, char **argv); /* afterburn profile --merge and --symbols */
int cmd_report(int argc, char **argv);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gcc with the assembler pass: what a makefile takes as CC. */
#include "afterburner/cc.h"

int main(int argc, char **argv)
{
	return cmd_cc(argc, argv);
}

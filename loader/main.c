/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command `afterburn`: a table of sub-commands. */
#include "config.h"

#include "afterburner/commands.h"
#include "loader/command.h"

#include <argp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* gcc's own --help knows nothing of the pass. */
static int cc(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--help"))
		return cmd_cc(argc, argv);
	puts("Usage: afterburn cc [GCC-OPTION...] FILE...\n"
	     "gcc with an assembler pass that pads and records sensitive instructions.\n\n"
	     "  -Wa,--afterburner-off   leave the file as it is written, and record that\n"
	     "  -Wa,--afterburner-user  the file runs in ring 3 of the guest: pad `int' alone\n"
	     "  -fafterburn-profile=FILE  pad the memory operations of a profile, too (or\n"
	     "                            AFTERBURN_PROFILE=FILE in the environment)\n"
	     "  -fafterburn-plugin        know __attribute__((afterburner_sensitive))\n\n"
	     "All other options are gcc's (`gcc --help'); -flto is refused. In the source\n"
	     "`.set .Lafterburner_off, 1' and `, 0' enclose what stays as it is written.\n"
	     "AFTERBURNER_OFF=1 in the environment turns the pass off, AFTERBURNER_GCC\n"
	     "names another compiler. For makefiles: CC=afterburn-gcc.");
	return 0;
}

static const struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "run a guest on bare metal (under QEMU) or as a Linux process", cmd_run},
    {"link", "make a bootable file of a guest", cmd_link},
    {"cc", "gcc with the assembler pass, which pads and records", cc},
    {"check", "compare the records of a file with its disassembly", cmd_check},
    {"census", "count the sites of a file", cmd_census},
    {"profile",
     "run a guest and count its accesses to page tables and devices; merge such profiles",
     cmd_profile},
    {"report", "what a profile tells, hottest first", cmd_report},
};
#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *f)
{
	fputs("Usage: afterburn COMMAND [OPTION...] [FILE...]\n\n", f);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`afterburn COMMAND --help' tells the options of a command;"
	      "\n`afterburn --version' the version.\n",
	      f);
}

/*
 * A standard descriptor that the caller closed would be the number of the next file, a disk even,
 * and get the guest's output. Opened the wrong way round each gives an error, as if it were closed.
 */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			exit(COMMAND_USAGE);
}

int main(int argc, char **argv)
{
	char name[64];

	hold_standard_descriptors();

	argp_err_exit_status = COMMAND_USAGE;
	if (argc < 2) {
		print_help(stderr);
		return COMMAND_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("afterburn " PACKAGE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "afterburn %s", argv[1]);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "afterburn: no command `%s'; `afterburn --help' lists them\n", argv[1]);
	return COMMAND_USAGE;
}

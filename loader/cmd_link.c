/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn link`: make a bootable file. */
#include "config.h"

#include "loader/boot.h"
#include "loader/command.h"
#include "loader/link.h"
#include "loader/message.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPT_ON = 256, OPT_KERNEL_TYPE, OPT_VERBOSE };

static const struct argp_option options[] = {
    {"on", OPT_ON, "PLATFORM", 0, "native: bare metal (default, the only one)", 0},
    {NULL, 'o', "IMAGE", 0, "the file to write", 0},
    {"kernel-type", OPT_KERNEL_TYPE, "TYPE", 0, "auto (default), multiboot, linux", 0},
    {"verbose", OPT_VERBOSE, NULL, 0, "tell what was done", 0},
    {0},
};

struct options {
	const char *guest, *output;
	enum guest_kind kind;
};

static error_t parse(int key, char *arg, struct argp_state *as)
{
	struct options *o = as->input;

	switch (key) {
	case OPT_ON:
		if (strcmp(arg, "native"))
			argp_error(as, "-on: no platform `%s' to link for; there is native", arg);
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case OPT_KERNEL_TYPE:
		if (!guest_kind_parse(arg, &o->kind))
			argp_error(as, "-kernel-type: `%s' is not auto, multiboot or linux", arg);
		return 0;
	case OPT_VERBOSE:
		message_verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->guest)
			argp_error(as, "one guest at a time: `%s' and `%s'", o->guest, arg);
		o->guest = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->guest)
			argp_error(as, "no guest given");
		if (!o->output)
			argp_error(as, "no output file given: -o IMAGE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "GUEST",
    .doc = "Make a file of a guest that QEMU's -kernel and GRUB's `multiboot' boot."
	   "\vA Linux vmlinux gets a stub that enters it by the 32-bit boot protocol; its own "
	   "bytes stay what they are. A multiboot kernel is such a file already and is copied.",
};

static bool write_image(const struct image *img, enum guest_kind kind, int fd)
{
	if (kind == GUEST_LINUX && !img->bootable)
		return link_native(img, fd);
	fprintf(stderr, "afterburn: %s is a multiboot kernel: copied as it is\n", img->path);
	return link_copy(img, fd);
}

/* Write beside the output and rename: a failure leaves no half of a file. */
static bool write_output(const struct image *img, enum guest_kind kind, const char *output)
{
	char temporary[4096];
	bool good;
	int fd;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.tmp%d", output, (int)getpid()) >=
	    sizeof(temporary))
		return refuse(output, "is too long a name");
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	if (fd < 0)
		return refuse(output, "%s", strerror(errno));
	good = write_image(img, kind, fd);
	if (close(fd) && good)
		good = refuse(output, "%s", strerror(errno));
	if (good && rename(temporary, output))
		good = refuse(output, "%s", strerror(errno));
	if (!good)
		unlink(temporary);
	return good;
}

int cmd_link(int argc, char **argv)
{
	struct options o = {0};
	struct image img;
	enum guest_kind kind;
	bool good;

	if (argp_parse(&argp, argc, argv, ARGP_LONG_ONLY, NULL, &o))
		return COMMAND_USAGE;
	if (!image_open(&img, o.guest))
		return COMMAND_USAGE;
	good = boot_recognise(&img, o.kind, &kind) && write_output(&img, kind, o.output);
	if (good)
		note("wrote %s", o.output);
	image_close(&img);
	return good ? 0 : COMMAND_USAGE;
}

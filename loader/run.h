/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn run`: its options, and the platforms it can start a guest on. */
#ifndef LOADER_RUN_H
#define LOADER_RUN_H

#include "loader/image.h"

#include <argp.h>

#define RUN_MAX_DRIVES 5
#define RUN_RAM_DEFAULT (128u << 20)
#define RUN_RAM_MIN (4u << 20)
#define RUN_RAM_MAX (3u << 30)

struct run_options {
	const char *guest;
	enum guest_kind kind; /* as forced by -kernel-type */
	uint32_t ram_size;
	const char *initrd, *append;
	const char *serial; /* "stdio", "none", or a file's name */
	bool serial_file;   /* serial names a file */
	bool console;       /* -console virtio: the terminal is at a virtio console */
	const char *drives[RUN_MAX_DRIVES];
	unsigned nr_drives;
	const char *nic;     /* null: none */
	bool entropy;        /* -device virtio-rng-device */
	bool no_defaults;    /* -nodefaults: no serial port and no entropy that is not asked for */
	char **qemu_options; /* further arguments of QEMU, for platform native */
	unsigned nr_qemu_options;
	uint32_t window; /* 0: the platform's default */
	const char *gdb; /* where to listen for gdb: "tcp::PORT", "tcp:HOST:PORT"; or null */
	bool stopped;    /* wait for gdb before the first instruction */
	bool isolated;   /* -isolation process */
	bool no_reboot, no_rewrite, stats, verbose;
	struct trace *trace; /* `afterburn profile': where to count; else null */
};

/* One place a guest can run. run returns the exit status, or does not return. */
struct run_platform {
	const char *name;
	int (*run)(const struct run_options *o);
};

extern const struct run_platform run_platform_linux, run_platform_native;

/* What the options of `afterburn run' ask for, and their parser, whose input it is. */
struct run_request {
	struct run_options o;
	const struct run_platform *platform;
};
#define RUN_REQUEST_DEFAULT                                                                        \
	{                                                                                          \
		.o = {.ram_size = RUN_RAM_DEFAULT}, .platform = &run_platform_linux                \
	}
extern const struct argp run_argp;

#endif

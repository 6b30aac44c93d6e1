/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `afterburn run`: options as QEMU's, with one dash or two. */
#include "loader/boot.h"
#include "loader/command.h"
#include "loader/message.h"
#include "loader/run.h"
#include "loader/virtio.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct run_platform *const platforms[] = {&run_platform_linux, &run_platform_native};
#define NR_PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

enum {
	OPT_ON = 256,
	OPT_INITRD,
	OPT_APPEND,
	OPT_SERIAL,
	OPT_DRIVE,
	OPT_DEVICE,
	OPT_NIC,
	OPT_KERNEL_TYPE,
	OPT_CONSOLE,
	OPT_NO_DEFAULTS,
	OPT_NO_REBOOT,
	OPT_ISOLATION,
	OPT_GDB,
	OPT_WINDOW,
	OPT_NO_REWRITE,
	OPT_STATS,
	OPT_VERBOSE,
};

static const struct argp_option options[] = {
    {"on", OPT_ON, "PLATFORM", 0,
     "linux: as a process of this machine (default); native: as on "
     "bare metal, under qemu-system-i386",
     1},
    {NULL, 'm', "SIZE", 0, "RAM, in MiB or with a suffix K, M, G (default 128M)", 1},
    {"append", OPT_APPEND, "TEXT", 0, "the kernel's command line", 1},
    {"initrd", OPT_INITRD, "FILE", 0,
     "initial RAM disk; for a multiboot kernel modules, \"FILE ARGS,FILE ARGS\"", 1},
    {"drive", OPT_DRIVE, "SPEC", 0, "a virtio disk: file=NAME,format=raw,readonly=on", 1},
    {"device", OPT_DEVICE, "NAME", 0, "virtio-rng-device: the host's random numbers (default)", 1},
    {"nic", OPT_NIC, "SPEC", 0,
     "a virtio network card: user,hostfwd=tcp::PORT-:PORT or tap,ifname=NAME", 1},
    {"serial", OPT_SERIAL, "WHERE", 0, "first serial port: stdio (default), file:NAME, none", 1},
    {"console", OPT_CONSOLE, "DEVICE", 0,
     "what the terminal is at: serial (default), or virtio for a virtio console, hvc0", 1},
    {"nodefaults", OPT_NO_DEFAULTS, NULL, 0,
     "no serial port and no random numbers that are not asked for", 1},
    {"isolation", OPT_ISOLATION, "KIND", 0,
     "what keeps user code of the guest from its kernel: segment (default; fast) or process "
     "(strong)",
     1},
    {"no-reboot", OPT_NO_REBOOT, NULL, 0, "end when the guest resets", 1},
    {"gdb", OPT_GDB, "tcp:[HOST]:PORT", 0, "wait for gdb's `target remote' there", 1},
    {NULL, 'S', NULL, 0, "stand still until gdb says otherwise", 1},
    {"kernel-type", OPT_KERNEL_TYPE, "TYPE", 0, "auto (default), multiboot, linux", 2},
    {"window", OPT_WINDOW, "ADDRESS", 0, "place of the wedge in the guest's linear space", 2},
    {"no-rewrite", OPT_NO_REWRITE, NULL, 0,
     "leave every site native that traps in ring 3: trap and emulate", 2},
    {"stats", OPT_STATS, NULL, 0, "print at exit how often each kind of site ran or trapped", 2},
    {"verbose", OPT_VERBOSE, NULL, 0, "tell what is loaded where, and how long rewriting took", 2},
    {0},
};

static uint32_t parse_ram(const char *text, struct argp_state *as)
{
	static const char suffixes[] = "KMG";
	char *end;
	unsigned long long n;
	const char *suffix;
	unsigned shift = 20;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end) {
		suffix = strchr(suffixes, *end & ~0x20);
		if (!suffix || end[1])
			argp_error(as, "-m: `%s' is no size", text);
		else
			shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (errno || end == text || *text == '-' || n > (RUN_RAM_MAX >> 10) ||
	    n << shift < RUN_RAM_MIN || n << shift > RUN_RAM_MAX || (n << shift) % 4096)
		argp_error(as, "-m: `%s' is not 4M to 3G", text);
	return (uint32_t)(n << shift);
}

static uint32_t parse_window(const char *text, struct argp_state *as)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 0);
	if (errno || *end || end == text || n > UINT32_MAX || n == 0 || n % (4u << 20))
		argp_error(as, "-window: `%s' is not a multiple of 4 MiB below 4 GiB", text);
	return (uint32_t)n;
}

static const struct run_platform *parse_platform(const char *text, struct argp_state *as)
{
	for (size_t i = 0; i < NR_PLATFORMS; i++)
		if (!strcmp(platforms[i]->name, text))
			return platforms[i];
	argp_error(as, "-on: no platform `%s'; there are linux and native", text);
	return NULL;
}

static void parse_serial(const char *text, struct run_options *o, struct argp_state *as)
{
	o->serial_file = !strncmp(text, "file:", 5);
	if (!o->serial_file && strcmp(text, "stdio") && strcmp(text, "none"))
		argp_error(as, "-serial: `%s' is not stdio, file:NAME or none", text);
	o->serial = o->serial_file ? text + 5 : text;
}

static void parse_console(const char *text, struct run_options *o, struct argp_state *as)
{
	o->console = !strcmp(text, "virtio");
	if (!o->console && strcmp(text, "serial"))
		argp_error(as, "-console: `%s' is not serial or virtio", text);
}

/* What one option alone cannot tell. */
static void finish(struct run_options *o, struct argp_state *as)
{
	if (!o->guest)
		argp_error(as, "no guest given");
	if (o->stopped && !o->gdb)
		argp_error(as, "-S needs -gdb: nobody could let the guest go on");
	if (virtio_wanted(o) > VIRTIO_MAX_DEVICES)
		argp_error(as, "more than %u virtio devices", VIRTIO_MAX_DEVICES);
	if (!o->serial)
		o->serial = o->no_defaults ? "none" : "stdio";
}

static error_t parse(int key, char *arg, struct argp_state *as)
{
	struct run_request *s = as->input;
	struct run_options *o = &s->o;

	switch (key) {
	case OPT_ON:
		s->platform = parse_platform(arg, as);
		return 0;
	case 'm':
		o->ram_size = parse_ram(arg, as);
		return 0;
	case OPT_APPEND:
		o->append = arg;
		return 0;
	case OPT_INITRD:
		o->initrd = arg;
		return 0;
	case OPT_DRIVE:
		if (o->nr_drives == RUN_MAX_DRIVES)
			argp_error(as, "-drive: at most %d", RUN_MAX_DRIVES);
		o->drives[o->nr_drives++] = arg;
		return 0;
	case OPT_DEVICE:
		if (strcmp(arg, "virtio-rng-device"))
			argp_error(as, "-device: `%s' is not virtio-rng-device", arg);
		o->entropy = true;
		return 0;
	case OPT_NIC:
		if (o->nic)
			argp_error(as, "-nic: at most one");
		o->nic = strcmp(arg, "none") ? arg : NULL;
		return 0;
	case OPT_SERIAL:
		parse_serial(arg, o, as);
		return 0;
	case OPT_CONSOLE:
		parse_console(arg, o, as);
		return 0;
	case OPT_NO_DEFAULTS:
		o->no_defaults = true;
		return 0;
	case OPT_KERNEL_TYPE:
		if (!guest_kind_parse(arg, &o->kind))
			argp_error(as, "-kernel-type: `%s' is not auto, multiboot or linux", arg);
		return 0;
	case OPT_WINDOW:
		o->window = parse_window(arg, as);
		return 0;
	case OPT_ISOLATION:
		if (strcmp(arg, "segment") && strcmp(arg, "process"))
			argp_error(as, "-isolation: `%s' is not segment or process", arg);
		o->isolated = !strcmp(arg, "process");
		return 0;
	case OPT_NO_REBOOT:
		o->no_reboot = true;
		return 0;
	case OPT_GDB:
		o->gdb = arg;
		return 0;
	case 'S':
		o->stopped = true;
		return 0;
	case OPT_NO_REWRITE:
		o->no_rewrite = true;
		return 0;
	case OPT_STATS:
		o->stats = true;
		return 0;
	case OPT_VERBOSE:
		o->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->guest && as->quoted) {
			/* `GUEST -- ...': the rest is QEMU's. */
			o->qemu_options = &as->argv[as->next - 1];
			o->nr_qemu_options = (unsigned)(as->argc - as->next + 1);
			as->next = as->argc;
			return 0;
		}
		if (o->guest)
			argp_error(as, "one guest at a time: `%s' and `%s'", o->guest, arg);
		o->guest = arg;
		return 0;
	case ARGP_KEY_END:
		finish(o, as);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp run_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "GUEST [-- QEMU-OPTION...]",
    .doc = "Run a guest kernel that was built with `afterburn cc'."
	   "\vGUEST is a multiboot kernel or a Linux vmlinux, as an ELF file. The exit status is "
	   "0 after power-off, (VALUE << 1) | 1 after a write of VALUE to the debug-exit port "
	   "0xf4, 2 for a bad option or a bad file, 124 if the guest needs what is not supported, "
	   "125 after a triple fault, 126 if it halts for ever. Ctrl-A h lists the terminal's "
	   "keys. With -on native, "
	   "what follows `--' is handed to QEMU.",
};

int cmd_run(int argc, char **argv)
{
	struct run_request s = RUN_REQUEST_DEFAULT;

	if (argp_parse(&run_argp, argc, argv, ARGP_LONG_ONLY, NULL, &s))
		return COMMAND_USAGE;
	message_verbose = s.o.verbose;
	return s.platform->run(&s.o);
}

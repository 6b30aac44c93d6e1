/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * -on native: the guest as on bare metal, its slots untouched, under QEMU's emulated PC. The one
 * place of the QEMU command line: microvm has the devices of the wedge's PC and no others.
 */
#include "config.h"

#include "loader/boot.h"
#include "loader/link.h"
#include "loader/message.h"
#include "loader/run.h"
#include "loader/virtio.h"
#include "wedge/platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_QEMU_OPTIONS 32
#define MAX_ARGS (64 + 4 * RUN_MAX_DRIVES + MAX_QEMU_OPTIONS)
#define MAX_TEXT 512

/* Without ACPI the virtio interrupts go to the 8259s; the command line is made here. */
#define MACHINE "microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on,auto-kernel-cmdline=off"
/* No local APIC and no machine checks: like the wedge. */
#define CPU "max,-apic,-mce,-mca"

struct command {
	const char *argv[MAX_ARGS + 1];
	unsigned argc;
	char text[2 * RUN_MAX_DRIVES + 8][MAX_TEXT]; /* arguments made here */
	unsigned nr_text;
};

static void add(struct command *c, const char *arg)
{
	if (c->argc < MAX_ARGS)
		c->argv[c->argc++] = arg;
}

static void add2(struct command *c, const char *option, const char *value)
{
	add(c, option);
	add(c, value);
}

/* The next made-up argument; the caller prints into it. */
static char *text(struct command *c)
{
	return c->text[c->nr_text++];
}

/* The terminal, and what is at it: QEMU gives input to the last of them. */
static void add_terminal(struct command *c, const struct run_options *o)
{
	char *serial = text(c);
	bool person = isatty(STDIN_FILENO);

	if (o->serial_file)
		snprintf(serial, MAX_TEXT, "file:%s", o->serial);
	else if (strcmp(o->serial, "stdio"))
		snprintf(serial, MAX_TEXT, "null");
	else if (o->console)
		snprintf(serial, MAX_TEXT, "chardev:terminal");
	else
		/* Ctrl-C goes to the guest; Ctrl-A x leaves. */
		snprintf(serial, MAX_TEXT, person ? "mon:stdio" : "stdio");
	if (o->console) {
		add2(c, "-chardev", "stdio,id=terminal,mux=on,signal=off");
		if (person)
			add2(c, "-mon", "chardev=terminal");
	}
	add2(c, "-serial", serial);
}

static void add_machine(struct command *c, const struct run_options *o)
{
	char *ram = text(c);

	add(c, QEMU_SYSTEM_I386);
	add2(c, "-accel", "tcg");
	add2(c, "-M", MACHINE);
	add2(c, "-cpu", CPU);
	add2(c, "-device", "i8042"); /* its reset line is how a PC reboots */
	add2(c, "-device", "isa-debug-exit,iobase=0xf4,iosize=4");
	add(c, "-nodefaults");
	add(c, "-no-user-config");
	add2(c, "-display", "none");
	snprintf(ram, MAX_TEXT, "%uK", o->ram_size >> 10);
	add2(c, "-m", ram);
	add_terminal(c, o);
	if (o->no_reboot)
		add(c, "-no-reboot");
	if (o->gdb)
		add2(c, "-gdb", o->gdb);
	if (o->stopped)
		add(c, "-S");
}

static bool add_drive(struct command *c, const struct run_options *o, unsigned unit, unsigned bus)
{
	char *drive = text(c), *device = text(c);

	if ((size_t)snprintf(drive, MAX_TEXT, "if=none,id=drive%u,%s", unit, o->drives[unit]) >=
	    MAX_TEXT)
		return refuse(NULL, "-drive: `%s' is too long", o->drives[unit]);
	snprintf(device, MAX_TEXT, "virtio-blk-device,drive=drive%u,bus=virtio-mmio-bus.%u", unit,
		 bus);
	add2(c, "-drive", drive);
	add2(c, "-device", device);
	return true;
}

static bool add_nic(struct command *c, const struct run_options *o, unsigned bus)
{
	char *netdev = text(c), *device = text(c);
	int type = (int)strcspn(o->nic, ",");

	if ((size_t)snprintf(netdev, MAX_TEXT, "%.*s,id=net0%s", type, o->nic, o->nic + type) >=
	    MAX_TEXT)
		return refuse(NULL, "-nic: `%s' is too long", o->nic);
	snprintf(device, MAX_TEXT, "virtio-net-device,netdev=net0,bus=virtio-mmio-bus.%u", bus);
	add2(c, "-netdev", netdev);
	add2(c, "-device", device);
	return true;
}

static void add_device(struct command *c, const char *name, unsigned bus)
{
	char *device = text(c);

	snprintf(device, MAX_TEXT, "%s,bus=virtio-mmio-bus.%u", name, bus);
	add2(c, "-device", device);
}

static bool add_virtio(struct command *c, const struct run_options *o,
		       const struct virtio_slot slots[VIRTIO_SLOTS])
{
	for (unsigned i = 0; i < VIRTIO_SLOTS; i++) {
		if (slots[i].id == VIRTIO_BLOCK && !add_drive(c, o, slots[i].unit, i))
			return false;
		if (slots[i].id == VIRTIO_NET && !add_nic(c, o, i))
			return false;
		if (slots[i].id == VIRTIO_ENTROPY)
			add_device(c, "virtio-rng-device", i);
		if (slots[i].id == VIRTIO_CONSOLE) {
			add_device(c, "virtio-serial-device", i);
			add2(c, "-device", "virtconsole,chardev=terminal");
		}
	}
	return true;
}

/* Without ACPI Linux learns of virtio devices from its command line. QEMU's firmware tells it of
 * an APIC that the CPU does not have (in an MP table): it must not wait for that one's timer. */
static void add_command_line(struct command *c, const struct run_options *o,
			     const struct virtio_slot *slots, bool nolapic)
{
	static char line[4096];
	char words[VIRTIO_WORDS_SIZE] = "";
	const char *append = o->append ? o->append : "";

	if (slots)
		virtio_words(slots, words);
	snprintf(line, sizeof(line), "%s%s%s%s%s", nolapic ? "nolapic" : "",
		 nolapic && (*words || *append) ? " " : "", words, *words && *append ? " " : "",
		 append);
	if (*line)
		add2(c, "-append", line);
}

/* The file QEMU boots: the guest itself if it is multiboot, else linked into memory. */
static bool kernel_file(const struct run_options *o, char *path, bool *linux_guest, bool *nolapic)
{
	struct image img;
	enum guest_kind kind;
	bool good;
	int fd;

	if (!image_open(&img, o->guest))
		return false;
	if (!boot_recognise(&img, o->kind, &kind) || !image_fits(&img, o->ram_size, 0, 0)) {
		image_close(&img);
		return false;
	}
	*linux_guest = kind == GUEST_LINUX;
	*nolapic = *linux_guest && linux_has_parameter(&img, "nolapic");
	if (!*linux_guest || img.bootable) {
		image_close(&img);
		snprintf(path, MAX_TEXT, "%s", o->guest);
		return true;
	}
	fd = memfd_create("linked", 0);
	good = fd >= 0 ? link_native(&img, fd)
		       : refuse(NULL, "no memory for the linked image: %s", strerror(errno));
	image_close(&img);
	/* The descriptor stays open over exec: QEMU reads the file through it. */
	snprintf(path, MAX_TEXT, "/proc/self/fd/%d", fd);
	return good;
}

static int run(const struct run_options *o)
{
	struct command c = {0};
	char kernel[MAX_TEXT];
	struct virtio_slot slots[VIRTIO_SLOTS];
	bool linux_guest, nolapic;

	if (strlen(o->guest) >= MAX_TEXT) {
		refuse(NULL, "`%s' is too long a name", o->guest);
		return WEDGE_EXIT_USAGE;
	}
	if (o->no_rewrite || o->stats || o->window) {
		refuse(NULL, "%s is not for platform native: nothing is rewritten there",
		       o->no_rewrite ? "--no-rewrite"
		       : o->stats    ? "--stats"
				     : "-window");
		return WEDGE_EXIT_USAGE;
	}
	if (o->nr_qemu_options > MAX_QEMU_OPTIONS) {
		refuse(NULL, "more than %d options for QEMU", MAX_QEMU_OPTIONS);
		return WEDGE_EXIT_USAGE;
	}
	if (!kernel_file(o, kernel, &linux_guest, &nolapic))
		return WEDGE_EXIT_USAGE;
	add_machine(&c, o);
	virtio_assign(o, slots);
	if (!add_virtio(&c, o, slots))
		return WEDGE_EXIT_USAGE;
	add2(&c, "-kernel", kernel);
	add_command_line(&c, o, linux_guest ? slots : NULL, nolapic);
	if (o->initrd)
		add2(&c, "-initrd", o->initrd);
	for (unsigned i = 0; i < o->nr_qemu_options; i++)
		add(&c, o->qemu_options[i]);
	for (unsigned i = 0; i < c.argc; i++)
		note("%s%s", i ? "\t" : "", c.argv[i]);
	execv(c.argv[0], (char **)(uintptr_t)c.argv);
	refuse(c.argv[0], "%s", strerror(errno));
	return WEDGE_EXIT_INTERNAL;
}

const struct run_platform run_platform_native = {
    .name = "native",
    .run = run,
};

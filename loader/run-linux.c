/* SPDX-License-Identifier: GPL-3.0-or-later */
/* -on linux: load the guest into a process, rewrite it, go. */
#include "config.h"

#include "loader/boot.h"
#include "loader/message.h"
#include "loader/rewrite.h"
#include "loader/run.h"
#include "loader/virtio.h"
#include "wedge/core/code.h"
#include "wedge/linux/linux.h"
#include "wedge/platform.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* All that a reset of the guest needs to boot it again. */
struct guest {
	struct image img;
	struct boot boot;
	struct rewrite rewrite;
};

static bool open_serial(const struct run_options *o, struct linux_config *c)
{
	int com1 = -1;

	if (o->serial_file)
		com1 = open(o->serial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	else if (!strcmp(o->serial, "stdio"))
		com1 = STDOUT_FILENO;
	if (o->serial_file && com1 < 0)
		return refuse(o->serial, "%s", strerror(errno));
	c->output[PLATFORM_COM1] = com1;
	c->output[PLATFORM_CONSOLE] = o->console ? STDOUT_FILENO : -1;
	c->input_port = o->console ? PLATFORM_CONSOLE : PLATFORM_COM1;
	c->input = c->output[c->input_port] == STDOUT_FILENO ? STDIN_FILENO : -1;
	c->raw_terminal = c->input >= 0 && isatty(c->input);
	return true;
}

/* gdb's protocol can do anything to the guest: without a host's name only this machine is let in.
 */
static bool open_gdb(const struct run_options *o, struct linux_config *c)
{
	struct addrinfo *info = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	char host[256] = "";
	const char *port;
	int one = 1, error;

	c->gdb_listen = -1;
	c->stopped = o->stopped;
	if (!o->gdb)
		return true;
	port = strrchr(o->gdb, ':');
	if (strncmp(o->gdb, "tcp:", 4) || port < o->gdb + 4 || !port[1] ||
	    (size_t)(port - o->gdb - 4) >= sizeof(host))
		return refuse(NULL, "-gdb: `%s' is not tcp:[HOST]:PORT", o->gdb);
	memcpy(host, o->gdb + 4, (size_t)(port - o->gdb - 4));
	error = getaddrinfo(*host ? host : "127.0.0.1", port + 1, &hints, &info);
	if (error)
		return refuse(NULL, "-gdb: `%s': %s", o->gdb, gai_strerror(error));
	c->gdb_listen = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->gdb_listen, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (c->gdb_listen < 0 || bind(c->gdb_listen, info->ai_addr, info->ai_addrlen) < 0 ||
	    listen(c->gdb_listen, 1) < 0)
		return refuse(NULL, "-gdb: `%s': %s", o->gdb, strerror(errno));
	freeaddrinfo(info);
	return true;
}

static void add_word(char *words, size_t size, const char *format, uint32_t value)
{
	size_t n = strlen(words);

	snprintf(words + n, size - n, format, n ? " " : "", value);
}

static bool asked_for(const struct run_options *o, const char *word)
{
	return o->append && strstr(o->append, word);
}

/* Words that Linux needs on its command line: to leave the window alone, to keep time as the host
 * does, which calibration against the 8254 does to 0.05 % only, to find its devices. */
static void platform_args(const struct run_options *o, uint32_t window, char *buf, size_t size)
{
	struct virtio_slot slots[VIRTIO_SLOTS];
	char words[VIRTIO_WORDS_SIZE];
	uint32_t khz = linux_tsc_khz();

	*buf = 0;
	if (!asked_for(o, "reservetop="))
		add_word(buf, size, "%sreservetop=0x%x", -window);
	if (khz && !asked_for(o, "tsc_early_khz="))
		add_word(buf, size, "%stsc_early_khz=%u", khz);
	virtio_assign(o, slots);
	virtio_words(slots, words);
	snprintf(buf + strlen(buf), size - strlen(buf), "%s%s", *buf && *words ? " " : "", words);
	if (*buf)
		note("added to the command line: %s", buf);
}

static bool connect_nic(const struct run_options *o)
{
	static struct nic_spec nic;

	if (!o->nic)
		return true;
	return nic_parse(o->nic, &nic) &&
	       (nic.tap ? linux_nic_tap(nic.tap) : linux_nic_user(nic.forwards, nic.nr_forwards));
}

static bool open_drives(const struct run_options *o)
{
	struct drive_spec d;

	for (unsigned i = 0; i < o->nr_drives; i++)
		if (!drive_parse(o->drives[i], &d) || !linux_drive(d.file, d.read_only))
			return false;
	return true;
}

/* After loading: the image is in RAM, the registers are set, every patch is planned. */
static bool fill(struct machine *m, void *arg)
{
	struct guest *g = arg;

	boot_enter(&g->boot, m);
	rewrite_commit(&g->rewrite, m);
	return true;
}

static const struct image *rewritten;

/* What stood in a slot before it was rewritten: for gdb. */
static bool original(uint32_t linear, void *out, uint32_t size)
{
	const struct load_segment *seg = image_segment(rewritten, linear, size);

	if (seg)
		memcpy(out, seg->data + (linear - seg->vaddr), size);
	return seg;
}

/* What the wedge needs to do the same to code that the guest loads: which code is done already, and
 * the rest of the room. */
static void prepare_late(const struct image *img, struct machine *m, const struct code_area *area,
			 size_t used, bool keep_trapping)
{
	for (unsigned i = 0; i < img->nr_sections; i++) {
		const struct section *s = &img->sections[i];
		const struct load_segment *seg = image_segment(img, s->addr, s->size);

		if ((s->flags & SHF_ALLOC) && (s->flags & SHF_EXECINSTR) && s->size && seg)
			code_add_image(m, s->addr, s->addr - seg->vaddr + seg->paddr, s->size);
	}
	m->code->room = area->code + used;
	m->code->room_at = area->at + (uint32_t)used;
	m->code->room_size = (uint32_t)(area->room - used);
	m->code->keep_trapping = keep_trapping;
}

static bool plan_rewrite(struct guest *g, struct machine *m, const struct run_options *o)
{
	struct rewrite *r = &g->rewrite;
	struct code_area area;

	linux_trampolines(m, &area.code, &area.at, &area.room);
	if (!rewrite_plan(r, &g->img, m, &area, o->no_rewrite))
		return false;
	prepare_late(&g->img, m, &area, r->trampoline_bytes, o->no_rewrite);
	note("%u of %u sites get a trampoline, %zu bytes at 0x%x", r->nr_patches, m->nr_sites,
	     r->trampoline_bytes, area.at);
	return true;
}

static void tell_plan(const struct guest *g)
{
	for (unsigned i = 0; i < g->img.nr_segments; i++)
		note("segment 0x%08x at physical 0x%08x, 0x%x bytes in the file, 0x%x in memory",
		     g->img.segments[i].vaddr, g->img.segments[i].paddr, g->img.segments[i].filesz,
		     g->img.segments[i].memsz);
	for (unsigned i = 0; i < g->boot.nr_modules; i++)
		note("module %s at physical 0x%08x, 0x%x bytes", g->boot.modules[i].string,
		     g->boot.modules[i].paddr, g->boot.modules[i].size);
	note("%s, entry at physical 0x%x, boot information at 0x%x",
	     g->boot.kind == GUEST_LINUX ? "Linux" : "multiboot", g->img.entry, g->boot.info);
	note("command line: %s", g->boot.command_line);
}

static bool plan_boot(struct guest *g, const struct run_options *o, uint32_t window)
{
	enum guest_kind kind;
	char words[VIRTIO_WORDS_SIZE + 64];

	if (!boot_recognise(&g->img, o->kind, &kind) ||
	    !image_fits(&g->img, o->ram_size, window, LINUX_WINDOW_SIZE))
		return false;
	words[0] = 0;
	if (kind == GUEST_LINUX)
		platform_args(o, window, words, sizeof(words));
	if (!boot_options(&g->boot, &g->img, kind, o->append, o->initrd, words) ||
	    !boot_plan(&g->boot, o->ram_size))
		return false;
	tell_plan(g);
	return true;
}

/*
 * Descriptors that the caller left open are none of the machine's. They are noted before the first
 * file is opened, and closed when all are: an option may name one (/dev/fd/5).
 */
static bool inherited[1024];
#define NR_INHERITED ((int)(sizeof(inherited) / sizeof(*inherited)))

static void note_inherited(void)
{
	for (int fd = STDERR_FILENO + 1; fd < NR_INHERITED; fd++)
		inherited[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void close_inherited(void)
{
	for (int fd = 0; fd < NR_INHERITED; fd++)
		if (inherited[fd])
			close(fd);
	close_range(NR_INHERITED, ~0u, 0);
}

static int run(const struct run_options *o)
{
	static struct guest guest; /* lives as long as the process: linux_run does not return */
	struct linux_config config = {
	    .ram_size = o->ram_size,
	    .trace = o->trace,
	    .stats = o->stats,
	    .no_reboot = o->no_reboot,
	    .isolated = o->isolated,
	    .window = o->window ? o->window : LINUX_WINDOW_DEFAULT,
	};
	struct machine *m;

	linux_tsc_begin();
	note_inherited();
	if (o->nr_qemu_options) {
		refuse(NULL, "options for QEMU are not supported on platform linux");
		return WEDGE_EXIT_USAGE;
	}
	if (!image_open(&guest.img, o->guest) || !plan_boot(&guest, o, config.window) ||
	    !connect_nic(o) || !open_drives(o) || !open_serial(o, &config) || !open_gdb(o, &config))
		return WEDGE_EXIT_USAGE;
	m = linux_create(&config);
	if (!m)
		return WEDGE_EXIT_INTERNAL;
	virtio_assign(o, m->virtio);
	if (!plan_rewrite(&guest, m, o))
		return WEDGE_EXIT_USAGE;
	close_inherited();
	image_use_symbols(&guest.img);
	rewritten = &guest.img;
	machine_original = original;
	fill(m, &guest);
	note("read and decoded in %.2f ms, emitted in %.2f ms, written in %.2f ms",
	     (double)guest.rewrite.read_ns / 1e6, (double)guest.rewrite.emit_ns / 1e6,
	     (double)guest.rewrite.commit_ns / 1e6);
	linux_run(m, fill, &guest);
}

const struct run_platform run_platform_linux = {
    .name = "linux",
    .run = run,
};

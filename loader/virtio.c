/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See virtio.h. */
#include "loader/virtio.h"

#include "loader/message.h"
#include "wedge/devices/virtio.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The transport whose line is that of the real-time clock stays free. */
#define RTC_SLOT 3u

static void add_device(struct virtio_slot slots[VIRTIO_SLOTS], uint8_t id, unsigned unit)
{
	unsigned i = 0;

	while (slots[i].id != VIRTIO_NONE || i == RTC_SLOT)
		i++;
	slots[i] = (struct virtio_slot){.id = id, .unit = (uint8_t)unit};
}

unsigned virtio_wanted(const struct run_options *o)
{
	return o->nr_drives + (o->nic != NULL) + o->console + o->entropy;
}

void virtio_assign(const struct run_options *o, struct virtio_slot slots[VIRTIO_SLOTS])
{
	memset(slots, 0, VIRTIO_SLOTS * sizeof(*slots));
	for (unsigned i = 0; i < o->nr_drives; i++)
		add_device(slots, VIRTIO_BLOCK, i);
	if (o->nic)
		add_device(slots, VIRTIO_NET, 0);
	if (o->console)
		add_device(slots, VIRTIO_CONSOLE, 0);
	if (o->entropy || (!o->no_defaults && virtio_wanted(o) < VIRTIO_MAX_DEVICES))
		add_device(slots, VIRTIO_ENTROPY, 0);
}

void virtio_words(const struct virtio_slot slots[VIRTIO_SLOTS], char words[VIRTIO_WORDS_SIZE])
{
	size_t n = 0;

	words[0] = 0;
	for (unsigned i = 0; i < VIRTIO_SLOTS; i++)
		if (slots[i].id != VIRTIO_NONE)
			n += (size_t)snprintf(words + n, VIRTIO_WORDS_SIZE - n,
					      "%svirtio_mmio.device=0x%x@0x%x:%u", n ? " " : "",
					      VIRTIO_SIZE, VIRTIO_BASE + i * VIRTIO_SIZE,
					      VIRTIO_LINE + i);
}

/* Cut the next "KEY=VALUE" off a list; a doubled comma is one of the value. */
static char *next_setting(char **list, char **value)
{
	char *key = *list, *in = *list, *out = *list;

	for (; *in && (*in != ',' || in[1] == ','); *out++ = *in++)
		in += *in == ',';
	*list = *in ? in + 1 : in;
	*out = 0;
	*value = strchr(key, '=');
	if (*value)
		*(*value)++ = 0;
	return key;
}

static bool on_or_off(const char *value, bool *on)
{
	*on = !strcmp(value, "on");
	return *on || !strcmp(value, "off");
}

static bool set(struct drive_spec *d, const char *key, char *value)
{
	if (!strcmp(key, "file")) {
		d->file = value;
		return *value;
	}
	if (!strcmp(key, "readonly") || !strcmp(key, "read-only"))
		return on_or_off(value, &d->read_only);
	if (!strcmp(key, "format"))
		return !strcmp(value, "raw");
	return false;
}

/* "[ADDRESS]:PORT", with this character behind it. */
static bool parse_end(char **text, char behind, struct in_addr *address, uint16_t *port)
{
	char *colon = strchr(*text, ':'), *end;
	unsigned long n;

	if (!colon)
		return false;
	*colon = 0;
	if (**text && inet_pton(AF_INET, *text, address) != 1)
		return false;
	n = strtoul(colon + 1, &end, 10);
	if (*end != behind || end == colon + 1 || n == 0 || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	*text = end + 1;
	return true;
}

static bool parse_forward(char *text, struct linux_forward *f)
{
	f->udp = !strncmp(text, "udp:", 4);
	if (!f->udp && strncmp(text, "tcp:", 4))
		return false;
	text += 4;
	return parse_end(&text, '-', &f->host, &f->host_port) &&
	       parse_end(&text, 0, &f->guest, &f->guest_port);
}

static bool set_nic(struct nic_spec *nic, bool user, const char *key, char *value)
{
	if (user)
		return !strcmp(key, "hostfwd") && nic->nr_forwards < LINUX_FORWARDS &&
		       parse_forward(value, &nic->forwards[nic->nr_forwards++]);
	if (!strcmp(key, "ifname")) {
		nic->tap = value;
		return *value;
	}
	/* QEMU's wish not to run a script is granted. */
	return (!strcmp(key, "script") || !strcmp(key, "downscript")) && !strcmp(value, "no");
}

bool nic_parse(const char *spec, struct nic_spec *nic)
{
	char *list = strdup(spec), *type, *key, *value;
	bool user;

	*nic = (struct nic_spec){0};
	if (!list)
		return refuse(NULL, "no memory");
	type = next_setting(&list, &value);
	user = !strcmp(type, "user");
	if (value || (!user && strcmp(type, "tap")))
		return refuse(NULL, "-nic: `%s' is neither user nor tap", spec);
	while (*list) {
		key = next_setting(&list, &value);
		if (!value || !set_nic(nic, user, key, value))
			return refuse(NULL, "-nic: `%s' in `%s': platform linux knows %s", key,
				      spec,
				      user ? "hostfwd=tcp:[ADDRESS]:PORT-[ADDRESS]:PORT"
					   : "ifname=NAME, script=no, downscript=no");
	}
	if (!user && !nic->tap)
		return refuse(NULL, "-nic: `%s' has no ifname=NAME", spec);
	return true;
}

bool drive_parse(const char *spec, struct drive_spec *d)
{
	char *list = strdup(spec), *key, *value; /* d->file points into it */

	*d = (struct drive_spec){0};
	if (!list)
		return refuse(NULL, "no memory");
	while (*list) {
		key = next_setting(&list, &value);
		if (!value || !set(d, key, value))
			return refuse(NULL,
				      "-drive: `%s%s%s' is not file=NAME, format=raw, readonly=on "
				      "or readonly=off, which platform linux knows",
				      key, value ? "=" : "", value ? value : "");
	}
	if (!d->file)
		return refuse(NULL, "-drive: `%s' has no file=NAME", spec);
	return true;
}

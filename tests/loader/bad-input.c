/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hostile images, each the good one with a few bytes changed or cut off, and what must be said
 * about it. Without an argument every case is loaded in this process, which is built with
 * sanitizers; with a directory the images are written there, for the real command (bad-input.sh).
 */
#include "tests/loader/good.h"
#include "tests/loader/load.h"

#include "afterburner/kinds.h"
#include "loader/message.h"
#include "loader/multiboot.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EDITS 5

struct edit {
	uint32_t offset, size;
	uint64_t value;
};

struct bad_case {
	const char *name, *expect; /* expect: part of the message; null: the image is good */
	struct edit edits[MAX_EDITS];
	uint32_t length; /* cut to this many bytes, 0: all */
};

#define FIELD(field, value)                                                                        \
	{                                                                                          \
		offsetof(struct good_image, field), sizeof(((struct good_image *)0)->field), value \
	}
#define TEXT(at, size, value)                                                                      \
	{                                                                                          \
		offsetof(struct good_image, text) + (at), size, value                              \
	}
#define AT(field) offsetof(struct good_image, field)

#define CASE(name_, expect_, ...) {.name = name_, .expect = expect_, .edits = {__VA_ARGS__}},
#define CUT(name_, expect_, length_) {.name = name_, .expect = expect_, .length = length_},

static const struct bad_case cases[] = {
#include "tests/loader/bad-input.def"
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

static size_t build(const struct bad_case *c, uint8_t *out)
{
	static struct good_image g;

	good_build(&g);
	memcpy(out, &g, sizeof(g));
	for (unsigned i = 0; i < MAX_EDITS; i++) {
		const struct edit *e = &c->edits[i];

		if (e->offset + e->size > sizeof(g) || e->size > sizeof(e->value))
			abort();
		memcpy(out + e->offset, &e->value, e->size);
	}
	return c->length ? c->length : sizeof(g);
}

static char said[1024]; /* the first message of a case */

static void take_message(const char *line)
{
	if (!*said)
		snprintf(said, sizeof(said), "%s", line);
}

static bool run_case(unsigned number, const struct bad_case *c)
{
	/* Exactly as large as the file, so that the sanitizer sees a byte too far. */
	static uint8_t whole[sizeof(struct good_image)];
	size_t size = build(c, whole);
	uint8_t *data = malloc(size);
	struct loaded loaded;
	bool good, right;

	if (!data)
		abort();
	memcpy(data, whole, size);
	*said = 0;
	good = load_image(data, size, &loaded);
	right = c->expect ? !good && strstr(said, c->expect) : good;
	printf("%sok %u - %s%s%s\n", right ? "" : "not ", number, c->name, *said ? ": " : "", said);
	free(data);
	return right;
}

static int write_cases(const char *directory)
{
	uint8_t data[sizeof(struct good_image)];
	char path[4096];

	for (unsigned i = 0; i < NR_CASES; i++) {
		size_t size = build(&cases[i], data);
		FILE *f;

		snprintf(path, sizeof(path), "%s/%03u.elf", directory, i + 1);
		f = fopen(path, "wb");
		if (!f || fwrite(data, 1, size, f) != size || fclose(f)) {
			perror(path);
			return 1;
		}
		printf("%03u\t%s\t%s\n", i + 1, cases[i].expect ? cases[i].expect : "-",
		       cases[i].name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool right = true;

	if (argc > 1)
		return write_cases(argv[1]);
	message_sink = take_message;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", NR_CASES);
	for (unsigned i = 0; i < NR_CASES; i++)
		right &= run_case(i + 1, &cases[i]);
	return !right;
}

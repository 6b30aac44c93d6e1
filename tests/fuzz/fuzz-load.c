/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loader under libFuzzer: any bytes through the whole load path (ELF, records, multiboot,
 * Linux, planning and writing into a machine that is never run). Only a crash or a leak is a
 * failure.
 */
#include "loader/message.h"
#include "tests/loader/good.h"
#include "tests/loader/load.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

static void say_nothing(const char *line)
{
	(void)line;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	message_sink = say_nothing;
	return 0;
}

/*
 * Half of the time start from the good image again, so that mutations reach what lies behind the
 * first checks.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
	static struct good_image g;

	if (seed % 2 && room >= sizeof(g)) {
		unsigned state = seed;

		good_build(&g);
		memcpy(data, &g, sizeof(g));
		for (unsigned i = 0; i < 1 + seed / 2 % 6; i++) {
			state = state * 1103515245u + 12345u;
			data[(state >> 8) % sizeof(g)] ^= (uint8_t)(1u << (state >> 4 & 7));
		}
		size = sizeof(g);
	}
	return LLVMFuzzerMutate(data, size, room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1); /* libelf may write to it */
	struct loaded loaded;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	load_image(copy, size, &loaded);
	free(copy);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles under libFuzzer: what is accepted must be written and read back as the same. */
#include "config.h"

#include "afterburner/profile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(struct profile *p, size_t *size)
{
	char *text;
	FILE *f = open_memstream(&text, size);

	if (!f || !profile_write(p, f))
		abort();
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile p, q;
	char error[256], *first, *second;
	size_t first_size, second_size;

	if (!profile_parse(&p, (const char *)data, size, error, sizeof(error)))
		return 0;
	first = written(&p, &first_size);
	if (!profile_parse(&q, first, first_size, error, sizeof(error)))
		abort();
	second = written(&q, &second_size);
	if (first_size != second_size || memcmp(first, second, first_size))
		abort();
	profile_merge(&q, &p);
	profile_free(&p);
	profile_free(&q);
	free(first);
	free(second);
	return 0;
}

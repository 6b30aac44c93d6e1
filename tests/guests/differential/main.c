/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differential test: each sensitive instruction from random state. One line a variant, with a hash
 * over everything that came out of its cases; run natively and on a wedge the output must be the
 * same.
 *
 *   seed=N      of the whole run
 *   cases=M     at least so many in all
 *   variant=N   this one only
 *   verbose=1   every case with its state before and after
 */
#include "tests/guests/differential/main.h"

extern const struct variant kernel_variants[], kernel_variants_end[], plain_variants[],
    plain_variants_end[], user_variants[], user_variants_end[], calls_variants[],
    emulated_variants[], emulated_variants_end[], calls_variants_end[], memory_variants[],
    memory_variants_end[];
void case_enter(const struct input *in);

struct mode {
	const char *name;
	const struct variant *first, *end;
	unsigned ring;
};

static const struct mode modes[] = {
    {"padded", kernel_variants, kernel_variants_end, 0},
    {"plain", plain_variants, plain_variants_end, 0},
    {"user", user_variants, user_variants_end, 3},
    {"call", calls_variants, calls_variants_end, 3},
    {"mem0", emulated_variants, emulated_variants_end, 0},
    {"mem3", emulated_variants, emulated_variants_end, 3},
    {"site", memory_variants, memory_variants_end, 0},
};

static uint32_t seed, verbose, total;

static uint32_t hash_words(uint32_t h, const void *from, unsigned bytes)
{
	const uint32_t *p = from;

	for (unsigned i = 0; i < bytes / 4; i++)
		h = (h ^ p[i]) * 16777619u ^ h >> 15;
	return h;
}

static void make_pending(void)
{
	pit_oneshot(10);
	while (!(pic_irr() & 1))
		;
	pic_mask(0, false);
}

static void show(const char *what, const uint32_t *r, const char *const *names, unsigned n)
{
	print("%s", what);
	for (unsigned i = 0; i < n; i++)
		print(" %s=%08x", names[i], r[i]);
	print("\n");
}

static void show_case(unsigned n, const struct input *in)
{
	static const char *const before[] = {"eax",   "ecx",    "edx",  "ebx",    "esp", "ebp",
					     "esi",   "edi",    "es",   "ds",     "fs",  "gs",
					     "frame", "eflags", "ring", "pending"};
	static const char *const after[] = {
	    "eax",  "ecx",  "edx",  "ebx", "esp",  "ebp",  "esi",    "edi",   "eflags", "eip",
	    "cs",   "ss",   "ds",   "es",  "fs",   "gs",   "vector", "error", "cr0",    "cr2",
	    "cr3",  "cr4",  "dr0",  "dr1", "dr2",  "dr3",  "dr6",    "dr7",   "gdtl",   "gdtb",
	    "idtl", "idtb", "ldtr", "tr",  "msr0", "msr1", "msr2",   "data",  "stack",  "tables"};

	_Static_assert(sizeof(after) == sizeof(outcome), "a name for each word");
	print("case %u\n", n);
	show(" in", (const uint32_t *)in, before, sizeof(before) / 4);
	show(" out", (const uint32_t *)&outcome, after, sizeof(after) / 4);
}

static void run_case(const struct mode *m, const struct variant *v, uint32_t case_seed, unsigned n)
{
	struct input in = {.ring = m->ring};

	machine_reset();
	prepare_input(&in, v, &case_seed);
	if (in.pending)
		make_pending();
	memset(&outcome, 0, sizeof(outcome));
	case_enter(&in);
	machine_capture(&in, v);
	if (in.pending) {
		pic_mask(0, true);
		pit_stop();
	}
	if (verbose)
		show_case(n, &in);
}

static void run_variant(const struct mode *m, const struct variant *v, unsigned number,
			unsigned cases)
{
	uint32_t h = 2166136261u;

	if (verbose)
		print("%u %s %s\n", number, m->name, v->name);
	for (unsigned n = 0; n < cases; n++) {
		run_case(m, v, seed ^ number * 0x9e3779b9 ^ n * 0x85ebca6b, n);
		h = hash_words(h, &outcome, sizeof(outcome));
	}
	total += cases;
	print("%4u %6s %08x %s\n", number, m->name, h, v->name);
}

static uint32_t count_variants(void)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		n += (uint32_t)(modes[i].end - modes[i].first);
	return n;
}

void test_main(void)
{
	uint32_t wanted = option("cases", 20000), only = option("variant", ~0u), number = 0;
	uint32_t variants = count_variants();
	uint32_t each = (wanted + variants - 1) / variants;

	seed = option("seed", 1);
	verbose = option("verbose", 0);
	print("seed %u, %u variants, %u cases each\n", seed, variants, each);
	machine_init();
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		for (const struct variant *v = modes[i].first; v < modes[i].end; v++, number++)
			if (only == ~0u || only == number)
				run_variant(&modes[i], v, number, each);
	print("%u cases\n", total);
	machine_reset();
}

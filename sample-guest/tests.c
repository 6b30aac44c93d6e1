/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The self-tests' results in the Test Anything Protocol (testanything.org): a plan, then one line
 * each.
 *
 * No name and no diagnostic of a passing test holds an address, a time or a figure of the machine:
 * the output is the same, line by line, wherever the kernel runs. "tests=flags,segments" on the
 * command line picks suites.
 */
#include "test.h"

static const struct suite {
	const char *name;
	const struct test *tests;
} suites[] = {
    {"flags", flags_tests},       {"interrupts", interrupt_tests},
    {"tables", table_tests},      {"segments", segment_tests},
    {"far", far_tests},           {"io", io_tests},
    {"control", control_tests},   {"extensions", extension_tests},
    {"devices", device_tests},    {"paging", paging_tests},
    {"pae", pae_tests},           {"tasks", task_tests},
    {"processes", process_tests}, {"faults", fault_tests},
};

uint32_t try_esp;

bool check_failed(const char *file, int line, const char *what)
{
	print("# %s:%d: %s\n", file, line, what);
	if (caught.vector != NO_VECTOR)
		print("# last exception %d error %x cr2 %x eip %x\n", (int)caught.vector,
		      caught.error, caught.cr2, caught.eip);
	return false;
}

/* Is name one of the comma-separated words of list, which ends at a blank? */
static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (;;) {
		if (!memcmp(list, name, length) &&
		    (!list[length] || list[length] == ' ' || list[length] == ','))
			return true;
		while (*list && *list != ' ' && *list != ',')
			list++;
		if (*list++ != ',')
			return false;
	}
}

static const char *find_option(const char *cmdline, const char *key)
{
	size_t length = strlen(key);

	for (; *cmdline; cmdline++)
		if (!memcmp(cmdline, key, length))
			return cmdline + length;
	return NULL;
}

static unsigned run_one(const struct suite *s, const struct test *t, unsigned number)
{
	bool ok;

	caught.vector = NO_VECTOR;
	sti();
	ok = t->run();
	sti();
	print("%sok %u - %s: %s\n", ok ? "" : "not ", number, s->name, t->name);
	return !ok;
}

unsigned tests_run(const char *cmdline)
{
	const char *only = find_option(cmdline, "tests=");
	const char *cost = find_option(cmdline, "cost");
	unsigned planned = 0, number = 0, failed = 0;
	const struct suite *s;
	const struct test *t;

	for (s = suites; s < suites + ARRAY_SIZE(suites); s++)
		for (t = s->tests; t->name; t++)
			planned += !only || listed(only, s->name);
	print("TAP version 13\n1..%u\n", planned);
	for (s = suites; s < suites + ARRAY_SIZE(suites); s++)
		for (t = s->tests; t->name; t++)
			if (!only || listed(only, s->name))
				failed += run_one(s, t, ++number);
	if (cost && virtio_found())
		print("# a device register: %u cycles\n", virtio_cost(2000));
	if (failed)
		print("# %u of %u failed\n", failed, planned);
	return failed;
}

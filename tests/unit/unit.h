/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every unit test starts with: Check, the stub platform, and a main() from a list of tests. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include "wedge/stub/stub.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/*
 * UNIT_MAIN("name", test_a, test_b): run these tests, each in a process of its own and on a stub
 * platform that was reset.
 */
#define UNIT_MAIN(name, ...)                                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = {__VA_ARGS__};                                        \
		Suite *suite = suite_create(name);                                                 \
		TCase *tcase = tcase_create(name);                                                 \
		SRunner *runner = srunner_create(suite);                                           \
		int failed;                                                                        \
                                                                                                   \
		tcase_add_checked_fixture(tcase, stub_reset, NULL);                                \
		tcase_set_timeout(tcase, 60);                                                      \
		for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)                        \
			tcase_add_test(tcase, tests[i]);                                           \
		suite_add_tcase(suite, tcase);                                                     \
		srunner_run_all(runner, CK_NORMAL);                                                \
		failed = srunner_ntests_failed(runner);                                            \
		srunner_free(runner);                                                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The least a guest can do: says hello on COM1 and leaves through the debug-exit port. */
#include "tests/guests/runtime/runtime.h"

void test_main(void)
{
	print("hello\n");
}

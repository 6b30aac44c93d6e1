/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says hello and gives back one more than its argument. */
#include "user.h"

int main(uint32_t argument)
{
	const char *text = "# hello from ring 3\n";

	CHECK(write(text) == 20);
	return argument + 1;
}

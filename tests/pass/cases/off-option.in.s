# --32 --afterburner-off
# SPDX-License-Identifier: GPL-3.0-or-later
	cli
	.data
	.long 1
	.text
	hlt

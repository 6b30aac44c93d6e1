# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	cli
	.data
	.long 1
	.text
	hlt
# left 2

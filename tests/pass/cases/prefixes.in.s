# --32
# SPDX-License-Identifier: GPL-3.0-or-later
	rep insb
	rep; insb
	rep ; outsl
	rep
	insw
	repne; scasb
	rep; ret
	rep
	# comment
	movsb
	cs lgdt 4
	data16 lgdt (%eax)
	lock; cmpxchg %eax, (%ebx)
	es; movsb

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stub, embedded into the loader. */
	.section .rodata
	.balign 16
	.globl native_stub, native_stub_size
native_stub:
	.incbin "loader/native-stub/stub.bin"
1:
	.balign 4
native_stub_size:
	.long 1b - native_stub
	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stub, embedded into the loader. */
	.section .rodata
	.balign 16
	.globl native_stub, native_stub_end
native_stub:
	.incbin "loader/native-stub/stub.bin"
native_stub_end:
	.section .note.GNU-stack, "", @progbits

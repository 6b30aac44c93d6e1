# --64
	.section .text.group, "axG", @progbits, foo, comdat
	.weak foo
foo:	cli
	ret
	.text
	call foo
	hlt

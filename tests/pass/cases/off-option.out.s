# --32
	cli
	.data
	.long 1
	.text
	hlt
# left 2

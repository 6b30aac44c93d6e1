# --32 --afterburner-off
	cli
	.data
	.long 1
	.text
	hlt

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the assembler pass costs: processor time of `as` with and without it, fewest of several runs, on a
# file of typical size and on one of 500,000 lines, each with one sensitive instruction in 500 lines, as Linux
# has. Fails above 3 ms more for the former or 1.3 times the latter.
#   AFTERBURN_AS   the pass (default: afterburner/as in the build directory)
. "$(dirname "$0")/lib.sh"
pass=${AFTERBURN_AS:-afterburner/as}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# source LINES: what a compiler writes: functions with labels, .loc, .cfi and operands of all sorts.
source_of() {
	awk -v lines="$1" 'BEGIN {
		print "\t.file \"bench.c\"\n\t.text"
		for (n = 2; n < lines; f++) {
			printf "\t.p2align 4\n\t.globl\tfunction_%d\n\t.type\tfunction_%d, @function\nfunction_%d:\n", f, f, f
			printf ".LFB%d:\n\t.cfi_startproc\n\tpushl\t%%ebp\n\t.cfi_def_cfa_offset 8\n\tmovl\t%%esp, %%ebp\n", f
			for (i = 0; i < 48; i++) {
				printf "\tmovl\t%d(%%ebp), %%eax\n\tmovzbl\t(%%eax,%%edx,4), %%ecx\n", i * 4
				printf "\tcmpl\t$%d, %%ecx\n\tjne\t.L%d_%d\n\tleal\tvariable+%d, %%eax\n", i, f, i, i
				printf "\tcall\tfunction_%d\n\taddl\t%%eax, %%ebx\n.L%d_%d:\n", f, f, i
				printf "\tmovl\t$.LC%d, (%%esp)\n\txorl\t%%edx, %%edx\n", f
			}
			printf "#APP\n# 29 \"irqflags.h\" 1\n\tpushf ; pop %%eax\n# 0 \"\" 2\n#NO_APP\n"
			printf "\tleave\n\t.cfi_restore 5\n\tret\n\t.cfi_endproc\n"
			printf "\t.size\tfunction_%d, .-function_%d\n\t.section\t.rodata.str1.1,\"aMS\",@progbits,1\n", f, f
			printf ".LC%d:\n\t.string\t\"message %d; of a function\"\n\t.text\n", f, f
			n += 503
		}
	}'
}

# Processor time, in microseconds, of the fewest of RUNS runs of COMMAND...
cost() {
	local runs=$1 best=0 i
	shift
	for ((i = 0; i < runs; i++)); do
		local TIMEFORMAT='%U %S' t
		t=$({ time "$@" >/dev/null; } 2>&1 | awk '{ printf "%d", ($1 + $2) * 1000000 }')
		if [ "$best" = 0 ] || [ "$t" -lt "$best" ]; then best=$t; fi
	done
	echo "$best"
}

# Many runs in one measurement: a single one is near the resolution of the clock.
repeat() {
	local n=$1 i
	shift
	for ((i = 0; i < n; i++)); do "$@"; done
}

milliseconds() {
	awk -v us="$1" -v n="$2" 'BEGIN { printf "%.2f", us / n / 1000 }'
}

# measure LINES RUNS: sets plain and padded, milliseconds.
measure() {
	source_of "$1" >"$dir/s.s"
	plain=$(milliseconds "$(cost 5 repeat "$2" as --32 "$dir/s.s" -o "$dir/o.o")" "$2")
	padded=$(milliseconds "$(cost 5 repeat "$2" "$pass" --32 "$dir/s.s" -o "$dir/o.o")" "$2")
	emit "assembling $1 lines" ms lower "plain as" "$plain"
	emit "assembling $1 lines" ms lower pass "$padded"
}

# goal WHAT CONDITION: an awk expression in p (plain) and q (with the pass).
goal() {
	awk -v p="$plain" -v q="$padded" "BEGIN { exit !($2) }" && return
	echo "pass: $1: $plain ms without, $padded ms with it" >&2
	failed=1
}

failed=0
measure 3000 20
goal "more than 3 ms a file" "q - p <= 3"
measure 500000 1
goal "more than 1.3 times" "q <= p * 1.3"
exit $failed

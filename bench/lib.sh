# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the benchmarks (bash). Each is a script bench/NAME.sh that calls emit once for each figure; all else
# that it prints goes to stderr. bench/run calls it in the build directory with these set:
#
#   SRCDIR                    the source tree
#   AFTERBURN, AFTERBURN_CC   the command, and afterburn-gcc
#   QEMU                      qemu-system-i386

set -euo pipefail
: "${SRCDIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${AFTERBURN:=./afterburn}"
: "${AFTERBURN_CC:=./afterburner/afterburn-gcc}" "${QEMU:=qemu-system-i386}"

# emit NAME UNIT lower|higher SYSTEM VALUE: one figure. The same NAME with other SYSTEMs is one row of the table.
# VALUE may be `-', for a system that has none.
emit() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5"
}

# median: of the numbers on stdin, one a line.
median() {
	sort -g | awk '{ v[NR] = $1 } END { if (!NR) exit 1; print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# now: seconds, with fraction.
now() {
	date +%s.%N
}

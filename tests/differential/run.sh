#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The differential test: the same random cases natively under QEMU and on the wedge.
#
#   run.sh [--seed N] [--cases M] [--no-rewrite] [--isolation KIND] GUEST.elf
#
# As root, the wedge is the user nobody's: root may map page 0, whose accesses are to be emulated. Prints the seed, the variants whose results differ and, for the first of them, the first case that does:
# what it started from and each word of the state behind it that is not the same. Exit 1 on a difference.
set -u

seed=$((($(date +%s) ^ $$) & 0x7fffffff))
cases=20000
rewrite=
: "${AFTERBURN:=./afterburn}" "${TIMEOUT:=120}"

while [ $# -gt 1 ]; do
	case $1 in
	--seed) seed=$2; shift 2 ;;
	--cases) cases=$2; shift 2 ;;
	--no-rewrite) rewrite=--no-rewrite; shift ;;
	--isolation) rewrite="${rewrite:+$rewrite }-isolation $2"; shift 2 ;;
	*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	esac
done
guest=${1:?run.sh: which guest?}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# A place that nobody can read, too: the build may be in a home directory.
cp "$AFTERBURN" "$guest" "$out" && chmod 755 "$out" || exit 1
AFTERBURN=$out/$(basename "$AFTERBURN") guest=$out/$(basename "$guest")
nobody=()
[ "$(id -u)" -eq 0 ] && nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

# run PLATFORM FILE OPTIONS: exit status of the machine.
run() {
	local no=$rewrite qemu=() as=("${nobody[@]}")
	# What the wedge leaves out of CPUID, the native CPU must not have either.
	[ "$1" = native ] && no="" as=() qemu=(-- -cpu "max,-apic,-smap,-monitor")
	"${as[@]}" timeout "$TIMEOUT" "$AFTERBURN" run -on "$1" $no -m 64M -no-reboot \
		-append "seed=$seed cases=$cases $3" "$guest" "${qemu[@]}" </dev/null 2>"$2.err" | tr -d '\r' >"$2"
	return "${PIPESTATUS[0]}"
}

both() {
	local p status=0
	for p in native linux; do
		run $p "$out/$p" "$1"
		[ $? -eq 1 ] && grep -qx SUCCESS "$out/$p" && continue
		echo "the guest failed on $p:"
		tail -n 5 "$out/$p"
		head -n 30 "$out/$p.err"
		status=1
	done
	return $status
}

# The first case that differs, of two verbose outputs.
first_difference() {
	awk '
		function words(line, into,    i, n, part, pair) {
			n = split(line, part, " ")
			for (i = 2; i <= n; i++) {
				split(part[i], pair, "=")
				into[pair[1]] = pair[2]
				order[i] = pair[1]
			}
			return n
		}
		FNR == NR { native[FNR] = $0; next }
		/^case/ { title = $0 }
		/^ in/ { input = $0 }
		/^ out/ && $0 != native[FNR] {
			n = words(native[FNR], a)
			words($0, b)
			print title
			print input
			for (i = 2; i <= n; i++)
				if (a[order[i]] != b[order[i]])
					printf " %-8s native %s linux %s\n", order[i], a[order[i]], b[order[i]]
			printf " both:"
			for (i = 2; i <= n; i++)
				if (a[order[i]] == b[order[i]]) printf " %s=%s", order[i], a[order[i]]
			printf "\n"
			exit
		}' "$out/native" "$out/linux"
}

echo "seed $seed, $cases cases"
both "" || { echo "FAILURE differential (seed $seed)"; exit 1; }
cmp -s "$out/native" "$out/linux" && {
	echo "SUCCESS differential ($(grep ' cases$' "$out/native"), seed $seed${rewrite:+, $rewrite})"
	exit 0
}

diff "$out/native" "$out/linux" | sed -n 's/^> //p' >"$out/differ"
cat "$out/differ"
for variant in $(awk '{ print $1 }' "$out/differ" | head -n "${DETAILS:-1}"); do
	both "variant=$variant verbose=1"
	sed -n 2p "$out/native"
	first_difference
done
echo "FAILURE differential: $(wc -l <"$out/differ") variants differ (seed $seed)"
exit 1

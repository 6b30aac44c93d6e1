# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the benchmarks that compare systems that run Linux programs, after lib.sh. All run on one CPU; what
# they print comes with the time at which it came (linux-ops -s), so that a guest's clock can be checked.
#
#   BENCH_CPU    the CPU (default: the last one that we may use)
#   BENCH_RAM    of each guest (default 512M)
#   LINUX_GUEST  a folder with padded/vmlinux (default: ./linux-guest)

: "${BENCH_CPU:=$(taskset -pc $$ | sed 's/.*[ ,-]//')}" "${BENCH_RAM:=512M}" "${LINUX_GUEST:=linux-guest}"
OPS=$PWD/bench/linux-ops
SYSTEMS_LIMIT=${SYSTEMS_LIMIT:-180} # seconds for a run of a system
SYSTEMS_TMP=$(mktemp -d)
litter=("$SYSTEMS_TMP") # goes at the end
started=                # the system that runs
trap 'stop; rm -rf "${litter[@]}"' EXIT
trap 'exit 1' HUP INT TERM

say() { echo "$(basename "$0" .sh): $*" >&2; }

# stamped COMMAND...: on the CPU, each of its lines behind the nanoseconds since its start. The shell becomes it.
stamped() {
	exec timeout -k 5 "$SYSTEMS_LIMIT" "$OPS-x86-64" -s taskset -c "$BENCH_CPU" "$@" </dev/null
}

# Guests start as: boot_SYSTEM APPEND OPTION...; APPEND is the end of the kernel's command line.
boot_wedge() {
	local append=$1
	shift
	stamped "$AFTERBURN" run -on linux -m "$BENCH_RAM" -no-reboot -serial stdio "$@" \
		-append "console=ttyS0 quiet reboot=k $append" "$LINUX_GUEST/padded/vmlinux"
}

boot_native_qemu() {
	local append=$1
	shift
	stamped "$AFTERBURN" run -on native -m "$BENCH_RAM" -no-reboot -serial stdio "$@" \
		-append "console=ttyS0 quiet reboot=k $append" "$LINUX_GUEST/padded/vmlinux"
}

# User-mode Linux: Debian's, which is x86-64. Its memory is a file in /dev/shm.
boot_uml() {
	local append=$1 words
	shift
	read -ra words <<<"$append"
	stamped linux.uml mem="$BENCH_RAM" uml_dir="$SYSTEMS_TMP/uml" con0=null,fd:1 con=null ssl=null quiet "$@" \
		"${words[@]}"
}

# gVisor without hardware virtualization. The host's files are its own, behind an overlay.
run_gvisor() {
	local rootless=()
	[ "$(id -u)" -eq 0 ] || rootless=(--rootless)
	stamped runsc "${rootless[@]}" --ignore-cgroups --network=none --platform=ptrace "do" "$@"
}

# installed SYSTEM PROGRAM PACKAGE: or say why its column is empty.
installed() {
	command -v "$2" >/dev/null && return
	say "$1: no figures: $2 is not installed (Debian: $3)"
	return 1
}

# clocks_agree SYSTEM FILE: has time passed in the system as it did outside, by the counter that measured? A clock
# that differs is told only: no figure is made of it.
clocks_agree() {
	awk -F'\t' -v name="$1" '
		$2 == "clock" { n++; stamp[n] = $1; tsc[n] = $3; clock[n] = $4 }
		END {
			if (n < 2) { print name ": it did not finish"; exit 1 }
			host = stamp[n] - stamp[1]
			off = (tsc[n] - tsc[1]) / host - 1
			clock_off = (clock[n] - clock[1]) / host - 1
			if (clock_off > 0.02 || clock_off < -0.02)
				printf "%s: its clock is off by %.1f %%\n", name, clock_off * 100
			if (off > 0.02 || off < -0.02) {
				printf "%s: its time-stamp counter is off by %.1f %%\n", name, off * 100
				exit 1
			}
		}' "$2" >&2
}

# start SYSTEM LOG: what it prints goes to LOG and LOG.err. run_system, which the caller has defined, ends in `stamped'.
start() {
	: >"$2"
	run_system "$1" >"$2" 2>"$2.err" &
	started=$!
}

stop() {
	[ -z "$started" ] || kill "$started" || :
}

# finish: wait for what was started.
finish() {
	local code=0
	wait "$started" || code=$?
	started=
	return $code
}

# wait_until SECONDS COMMAND...: while what was started runs.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] && kill -0 "$started" 2>/dev/null || return
		sleep 0.2
	done
}

# failed_run SYSTEM LOG: say so; what it said itself is in LOG and LOG.err.
failed_run() {
	say "$1: no figures from a run that ended so:"
	tail -n 5 "$2" "$2.err" >&2
}

# report SYSTEM: the medians of what its runs have added to $SYSTEMS_TMP/SYSTEM.ops, as NAME, UNIT, BETTER, VALUE.
report() {
	local name unit better
	cut -f 1-3 "$SYSTEMS_TMP/$1.ops" | awk '!seen[$0]++' | while IFS=$'\t' read -r name unit better; do
		emit "$name" "$unit" "$better" "$1" \
			"$(awk -F'\t' -v name="$name" '$1 == name { print $4 }' "$SYSTEMS_TMP/$1.ops" | median)"
	done
}

# no_figures SYSTEM: an empty column.
no_figures() {
	local name unit better
	IFS=$'\t' read -r name unit better _ < <(cat "$SYSTEMS_TMP"/*.ops)
	emit "$name" "$unit" "$better" "$1" -
}

# compare RUNS SYSTEM...: measure SYSTEM, which the caller has defined, for each in turn, so that what else the machine
# does meets them all; then their medians. A run that fails is tried once more. A peer that does not run here has no
# figures; we and the host must have them.
compare() {
	local runs=$1 system i failed=0
	shift
	for ((i = 0; i < runs; i++)); do
		for system; do
			measure "$system" || measure "$system" || :
		done
	done
	for system; do
		if [ -s "$SYSTEMS_TMP/$system.ops" ]; then
			report "$system"
			continue
		fi
		no_figures "$system"
		[[ $system != host* && $system != wedge* ]] || failed=1
	done
	return $failed
}

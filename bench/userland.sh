#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What Debian's programs take for their work (bench/userland-ops), i386 from one disk image: in a chroot of the host,
# under the padded Linux as a process (wedge) and, the same file, under QEMU's TCG.
#   SYSTEMS   which of them (default: all); RUNS: how often (default: 1, of which each is the median of three)
. "$(dirname "$0")/lib.sh"
# shellcheck source=systems.sh
. "$(dirname "$0")/systems.sh"
PATH=$PATH:/usr/sbin:/sbin

SYSTEMS_LIMIT=1800
# On a disk, as the user's files are, and not where /tmp may be.
work=$(mktemp -d "$PWD/bench/userland.XXXXXX")
litter+=("$work")

code=0
image=$("$SRCDIR/linux-guest/make-debian") || code=$?
[ $code -ne 77 ] || { say "no figures: there is no Debian disk"; exit 0; }
[ $code -eq 0 ] || exit 1
make -s bench/linux-ops-i386 bench/linux-ops-x86-64 >&2
rate=$("$OPS-x86-64" -c)

# What /bench has, in a guest and in the chroot.
bench=$work/bench
mkdir "$bench"
cp "$SRCDIR/bench/userland-ops" "$SRCDIR/bench/userland.py" "$bench"
cp "$OPS-i386" "$bench/linux-ops"
"$SRCDIR/bench/userland-source" >"$bench/source.c"
create='create table t(a integer primary key, b text, c real);'
inserts() { seq 1 "$1" | awk '{ printf "insert into t values(%d, \"row %d\", %d / 8.0);\n", $1, $1 * 7 % 1000, $1 }'; }
{ echo "$create begin;"; inserts 100000; echo 'commit; select count(*) from t;'; } >"$bench/at-once.sql"
{ echo "$create"; inserts 1000; echo 'select count(*) from t;'; } >"$bench/one-by-one.sql"
head -c 256M /dev/urandom >"$work/disk"

# The guests' disk: the image with /bench.
cp --sparse=always "$image" "$work/root.img"
{
	echo 'mkdir bench'
	for f in "$bench"/*; do
		name=bench/$(basename "$f")
		echo "write $f $name"
		[ ! -x "$f" ] || echo "set_inode_field $name mode 0100755"
	done
} | debugfs -w "$work/root.img" >"$work/debugfs" 2>&1
# The host's folder: the same image, with its files' owners lost. Mounts end with their namespace.
mkdir "$work/root"
debugfs -R "rdump / $work/root" "$work/root.img" >"$work/debugfs" 2>&1
ln "$work/disk" "$work/root/bench/disk"

# enter COMMAND...: sets $inside to the words that run it in the chroot; needs root, or a user namespace.
enter() {
	inside=(unshare --mount)
	[ "$(id -u)" -eq 0 ] || inside+=(--map-root-user)
	# shellcheck disable=SC2016 # for the inner shell
	inside+=(sh -c 'for d in dev proc; do mkdir -p "$0/$d" && mount --rbind "/$d" "$0/$d" || exit; done
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"' "$work/root" "$@")
}

run_system() {
	local disks=(-drive "file=$work/$1.img,format=raw" -drive "file=$work/disk,format=raw,readonly=on")
	local network=(-nic "user,hostfwd=tcp:127.0.0.1:$port-:6379")
	local append="root=/dev/vda rw run=/bench/userland-ops khz=$rate"
	case $1 in
	host)
		enter "khz=$rate" "port=$port" /bench/userland-ops
		stamped "${inside[@]}"
		;;
	wedge) boot_wedge "$append" "${disks[@]}" "${network[@]}" ;;
	native-qemu) boot_native_qemu "$append" "${disks[@]}" "${network[@]}" ;;
	esac
}

redis() {
	local program=$1
	shift
	enter "$program" -h 127.0.0.1 -p "$port" "$@"
	timeout 60 "${inside[@]}"
}

answers() { redis redis-cli ping 2>/dev/null | grep -q PONG; }
serves() { grep -qP '\tserving' "$1"; }

# client LOG: redis-benchmark on the host, not bound to the CPU; what it printed three times goes to LOG.redis as
# PIPELINE, REQUESTS/s. One connection: libslirp's listening sockets have a queue of one.
client() {
	local n
	wait_until "$SYSTEMS_LIMIT" serves "$1" && wait_until 30 answers || { say "redis does not answer"; return 1; }
	for n in 1 16 1 16 1 16; do
		redis redis-benchmark -q --csv -t set -c 1 -n $((n * 3000)) -P $n |
			awk -F'"' -v n=$n '$2 == "SET" { print n, $4 }' >>"$1.redis"
	done
	redis redis-cli shutdown nosave
}

# measure SYSTEM: one run; its figures are added to those that report takes.
measure() {
	local log=$work/$1.log good=1
	port=$((20000 + RANDOM % 10000))
	[ "$1" = host ] || cp --sparse=always "$work/root.img" "$work/$1.img"
	: >"$log.redis"
	start "$1" "$log"
	client "$log" || { good=0; stop; }
	finish || good=0
	rm -f "$work/$1.img"
	if [ $good -eq 0 ] || grep -q '	failed' "$log" || ! clocks_agree "$1" "$log"; then
		failed_run "$1" "$log"
		return 1
	fi
	awk -F'\t' -v OFS='\t' '$2 == "op" { print $3, $4, "lower", $5 }' "$log" >>"$SYSTEMS_TMP/$1.ops"
	awk -v OFS='\t' '{ print "redis SET, " ($1 == 1 ? "one by one" : "pipeline of " $1), "1/s", "higher", $2 }' \
		"$log.redis" >>"$SYSTEMS_TMP/$1.ops"
}

say "uml, gvisor: no figures: Debian's packages of them do not run i386 programs"
read -ra systems <<<"${SYSTEMS:-host wedge native-qemu}"
failed=0
compare "${RUNS:-1}" "${systems[@]}" || failed=1
for system in uml gvisor; do no_figures "$system"; done
exit $failed

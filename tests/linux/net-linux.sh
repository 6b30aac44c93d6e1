#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# User-mode networking of platform linux: ping, a file from the guest to the host by a forwarded port, and
# the same file out of the guest to the host's port and in again.
#   net-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -u
[ $# -eq 2 ] || { echo "usage: net-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
tmp=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill -9 $machine 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE net-linux: $*"
	tail -n 30 "$tmp/output" "$tmp/errors"
	exit 1
}

wait_for() {
	for ((n = 0; n < 600; n++)); do
		grep -q "$1" "$tmp/output" && return 0
		kill -0 "$machine" 2>/dev/null || return 1
		sleep 0.1
	done
	fail "no \"$1\" from the guest"
}

# A port may be taken: the machine says so, and another is tried.
start() {
	for _ in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 10000))
		rm -f "$tmp/input"
		mkfifo "$tmp/input"
		: >"$tmp/output"
		timeout 120 "$afterburn" run -on linux -m 64M -initrd "$guest/initramfs.cpio" -no-reboot \
			-append "console=ttyS0 quiet reboot=k run=shell" \
			-nic "user,hostfwd=tcp:127.0.0.1:$port-:80" "$guest/padded/vmlinux" \
			<"$tmp/input" >"$tmp/output" 2>"$tmp/errors" &
		machine=$!
		exec 3>"$tmp/input"
		wait_for '/ # ' && return
		grep -q 'cannot forward' "$tmp/errors" || fail "the machine does not start"
	done
	fail "no free port"
}

start
echo 'ifconfig eth0 10.0.2.15; route add default gw 10.0.2.2; ping -c 3 10.0.2.2 | tail -n 2' >&3
wait_for ' 0% packet loss'
echo 'mkdir /www; seq 1 300000 >/www/numbers; httpd -p 80 -h /www; echo serving $((40 + 2))' >&3
wait_for '^serving 42'
sum=$(seq 1 300000 | sha256sum)

exec 4<>"/dev/tcp/127.0.0.1/$port" || fail "cannot connect to the forwarded port"
printf 'GET /numbers HTTP/1.0\r\n\r\n' >&4
[ "$(timeout 60 sed '1,/^\r$/d' <&4 | sha256sum)" = "$sum" ] || fail "the host got something else"
exec 4>&-

echo "wget -q -O /tmp/again http://10.0.2.2:$port/numbers; sha256sum </tmp/again; echo again \$((40 + 3))" >&3
wait_for '^again 43'
grep -q "^${sum%% *}" "$tmp/output" || fail "the guest got something else"

echo exit >&3
exec 3>&-
wait "$machine" || fail "exit code $?"
machine=
# The network's process ends with the machine.
for ((n = 0; n < 50; n++)); do
	(exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	sleep 0.1
done
[ $n -lt 50 ] || fail "the forwarded port is still open"
echo "SUCCESS net-linux: ping, $(seq 1 300000 | wc -c) bytes each way"

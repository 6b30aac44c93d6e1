# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sourced by tests of the padded vmlinux as a process: a machine with a shell that is typed to.
#   . machine.sh; machine_begin NAME AFTERBURN LINUX-GUEST-BUILD-DIR
# $tmp/output is what the guest printed, $tmp/errors what the host's program said.
PATH=$PATH:/usr/sbin:/sbin
machine=
# Long enough for a loaded machine; every wait ends with what it waits for.
patience=600

machine_begin() {
	test_name=$1
	[ $# -eq 3 ] || { echo "usage: $1.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
	afterburn=$2
	guest=$3
	tmp=$(mktemp -d)
	trap '[ -z "$machine" ] || kill -9 $machine 2>/dev/null; rm -rf "$tmp"' EXIT
	trap 'exit 1' HUP INT TERM
	: >"$tmp/output"
	: >"$tmp/errors"
}

fail() {
	echo "FAILURE $test_name: $*"
	tail -n 50 "$tmp/output" "$tmp/errors"
	[ -z "$machine" ] || kill -9 $machine 2>/dev/null # a subshell has no trap
	exit 1
}

# start OPTION...: a machine with a shell at descriptor 3, which has come to its prompt.
start() {
	rm -f "$tmp/input"
	mkfifo "$tmp/input"
	: >"$tmp/output"
	"$afterburn" run -on linux -m "${memory-32M}" -initrd "$guest/initramfs.cpio" -no-reboot \
		-append "console=ttyS0 quiet reboot=k run=shell" "$@" "$guest/padded/vmlinux" \
		<"$tmp/input" >"$tmp/output" 2>"$tmp/errors" &
	machine=$!
	exec 3>"$tmp/input"
	wait_for '/ # '
}

wait_for() {
	n=0
	until grep -q "$1" "$tmp/output"; do
		n=$((n + 1))
		[ $n -lt $patience ] || fail "no \"$1\" from the guest"
		kill -0 "$machine" 2>/dev/null || grep -q "$1" "$tmp/output" || fail "ended before \"$1\""
		sleep 0.1
	done
}

# type_line COMMAND: the guest prints "done N" behind the command's output, which its echo does not.
commands=0
type_line() {
	commands=$((commands + 1))
	echo "$1; echo done \$((1000 + $commands))" >&3
	wait_for "^done $((1000 + commands))"
}

# ended WANTED [PID]: the machine ends by itself with this exit code.
ended() {
	code=0
	exec 3>&-
	wait $machine || code=$?
	machine=
	[ $code -eq "$1" ] || fail "exit code $code instead of $1"
}

leave() {
	echo exit >&3
	ended 0
}

said() { grep -q "$1" "$tmp/output" || fail "the guest did not say \"$1\""; }

# As at boot: the journal is replayed, counters that it does not hold are set; damage is exit code 4. Then
# there is nothing left to mend.
sound() {
	fsck=0
	e2fsck -fp "$1" >"$tmp/fsck" 2>&1 || fsck=$?
	[ $fsck -le 1 ] || { cat "$tmp/fsck"; fail "the file system is damaged: exit code $fsck"; }
	e2fsck -fn "$1" >>"$tmp/fsck" 2>&1 || { cat "$tmp/fsck"; fail "the file system is damaged"; }
}

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line: what is wrong is named, with exit status 2 and before anything starts.
set -u
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
./tests/loader/bad-input "$dir" > "$dir/cases" || exit 99

# named NAME: the file of a case of bad-input.def.
named() {
	awk -F '\t' -v name="$1" -v dir="$dir" '$3 == name { print dir "/" $1 ".elf" }' "$dir/cases"
}
guest=$(named "the good image")
linux=$(named "a Linux kernel by its banner and a section")
n=0
failed=0

# refused MESSAGE ARGUMENT...
refused() {
	local message=$1 status
	shift
	timeout 20 ./afterburn "$@" < /dev/null > "$dir/out" 2>&1
	status=$?
	n=$((n + 1))
	if [ $status -eq 2 ] && grep -qF -- "$message" "$dir/out"; then
		echo "ok $n - afterburn ${*//$dir\//}"
	else
		echo "not ok $n - afterburn ${*//$dir\//}: exit status $status: $(head -n 3 "$dir/out")"
		failed=1
	fi
}

# said STATUS TEXT ARGUMENT...
said() {
	local expected=$1 text=$2 status
	shift 2
	timeout 60 ./afterburn "$@" < /dev/null > "$dir/out" 2>&1
	status=$?
	n=$((n + 1))
	if [ $status -eq "$expected" ] && grep -qF -- "$text" "$dir/out"; then
		echo "ok $n - afterburn ${*//$dir\//}"
	else
		echo "not ok $n - afterburn ${*//$dir\//}: exit status $status: $(head -n 3 "$dir/out")"
		failed=1
	fi
}

refused "Usage: afterburn COMMAND"
refused "no command \`frobnicate'" frobnicate
said 0 "run " --help
said 0 "afterburn 0" --version
said 0 "run " help
said 0 "--append=TEXT" run --help
said 0 "-o IMAGE" link --help
said 0 "afterburner-off" cc --help
said 0 "--json" check --help
said 0 "--json" census --help
refused "no guest given" run
refused "one guest at a time" run "$guest" "$guest"
refused "unrecognized option" run -frobnicate "$guest"
refused "unrecognized option" run --frobnicate "$guest"
refused "requires an argument" run "$guest" -append
refused "no platform \`kvm'" run -on kvm "$guest"
for size in 0 1 3M 4T 64Q -64 64MM 5G 18446744073709551616 "" 4194305K; do
	refused "-m:" run -m "$size" "$guest"
done
refused "-serial:" run -serial tcp:1234 "$guest"
refused "No such file" run -serial file:/nonexistent/log "$guest"
refused "-kernel-type:" run -kernel-type bzimage "$guest"
for window in 1 0 0x1000 4G 0x100000000 here; do
	refused "-window:" run -window "$window" "$guest"
done
refused "overlaps the wedge's window" run -window 0xc0000000 "$guest"
refused "No such file" run /nonexistent
refused "not a regular file" run "$dir"
refused "not a regular file" run /dev/null
refused "No such file" run -initrd /nonexistent "$guest"
refused "-initrd:" run -initrd ",$guest" "$guest"
refused "-initrd:" run -initrd "$(printf "$guest,%.0s" {1..40})" "$guest"
refused "is not a regular file" run -initrd "$guest,/dev" "$guest"
truncate -s 64M "$dir/large"
refused "does not fit" run -m 16M -initrd "$dir/large" "$guest"
refused "does not fit" run -on native -m 16M "$(named "behind RAM")"
refused "\`file' is not file=NAME" run -on linux -drive file "$guest"
refused "no file=NAME" run -on linux -drive format=raw "$guest"
refused "\`format=qcow2'" run -on linux -drive file=x,format=qcow2 "$guest"
refused "No such file" run -on linux -drive "file=$dir/none" "$guest"
printf x > "$dir/odd"
refused "is not a multiple of 512" run -on linux -drive "file=$dir/odd" "$guest"
refused "neither a regular file" run -on linux -drive "file=/dev/null,readonly=on" "$guest"
refused "neither user nor tap" run -on linux -nic bridge "$guest"
refused "neither user nor tap" run -on linux -nic user=1 "$guest"
refused "no ifname=NAME" run -on linux -nic tap "$guest"
for forward in tcp::0-:80 tcp::80 tcp:80-80 sctp::80-:80 tcp::80-:80x tcp:here:80-:80 tcp::65536-:80; do
	refused "\`hostfwd'" run -on linux -nic "user,hostfwd=$forward" "$guest"
done
refused "cannot forward port" run -on linux -nic user,hostfwd=tcp:192.0.2.1:2222-:22 "$guest"
refused "at most one" run -on linux -nic user -nic user "$guest"
refused "-device:" run -device e1000 "$guest"
refused "-console:" run -console vga "$guest"
refused "-isolation:" run -isolation page "$guest"
refused "more than 7 virtio devices" run -drive file=a -drive file=b -drive file=c -drive file=d -drive file=e \
	-nic user -console virtio -device virtio-rng-device "$guest"
refused "no multiboot header" run -kernel-type multiboot "$linux"
refused "the command line is" run -kernel-type linux -append "$(printf 'x%.0s' {1..2040})" "$guest"
refused "is not for platform native" run -on native --stats "$guest"
refused "is not for platform native" run -on native --no-rewrite "$guest"
refused "no output file given" link "$guest"
refused "no platform \`linux'" link -on linux "$guest" -o "$dir/image"
refused "No such file" link /nonexistent -o "$dir/image"
refused "afterburn: /nonexistent/image: No such file" link "$guest" -o /nonexistent/image
said 33 OK run -on linux -m 16M -append "a b" -initrd "$guest one,$guest two" "$guest"
said 33 OK run --on linux -m 16M --no-rewrite "$guest"
said 33 OK run -on linux -window 0xd0000000 "$guest"
said 33 OK run -on native -m 16M -append "a b" -initrd "$guest one,$guest two" "$guest"
said 0 "copied as it is" link -on native "$guest" -o "$dir/image"
cmp "$guest" "$dir/image" || failed=1
said 33 OK run -on native "$dir/image"
said 33 OK run -on linux "$linux"
said 0 wrote link --verbose -on native "$linux" -o "$dir/image"
said 33 OK run -on native "$dir/image"
said 33 OK run -on linux "$dir/image"
said 0 "copied as it is" link -on native "$dir/image" -o "$dir/again"
cmp "$dir/image" "$dir/again" || failed=1
said 33 OK run -on native "$linux"
said 33 OK run -on native "$guest" -- -icount shift=3
./afterburn run -on linux -serial "file:$dir/log" "$guest" && failed=1
n=$((n + 1))
if [ "$(cat "$dir/log")" = OK ]; then
	echo "ok $n - -serial file: has what the guest wrote"
else
	echo "not ok $n - -serial file: has what the guest wrote"
	failed=1
fi
echo "1..$n"
exit $failed

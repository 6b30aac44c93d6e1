#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The keys of the terminal and the console behind Ctrl-A c, on a pseudo-terminal.
set -u
command -v python3 >/dev/null || exit 77
srcdir=${srcdir:-$(dirname "$0")/../..}
: "${AFTERBURN:=./afterburn}"
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
./afterburner/afterburn-gcc -m32 -c "$srcdir/tests/gdb/echo.S" -o "$dir/echo.o" &&
	ld -m elf_i386 -N --no-warn-rwx-segments -Ttext=0x100000 -e _start -o "$dir/echo" "$dir/echo.o" ||
	exit 99
timeout 120 python3 "$srcdir/tests/gdb/console.py" "$AFTERBURN" "$dir/echo"

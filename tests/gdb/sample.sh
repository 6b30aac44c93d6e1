#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Debian's gdb at the sample guest: breakpoints before paging is on, a step over a padded site, registers
# and memory, an interrupt; and the guest prints what it prints without.
set -u
command -v gdb >/dev/null || exit 77
: "${AFTERBURN:=./afterburn}" "${SAMPLE:=sample-guest/sample}"
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/gdb/port.sh
. "$(dirname "$0")/port.sh"
failed=0

timeout 100 "$AFTERBURN" run "$SAMPLE" </dev/null >"$dir/reference" 2>/dev/null

# The first instruction of the kernel is a padded cli: five bytes, one instruction.
cat >"$dir/script" <<'EOT'
x/i $pc
stepi
x/i $pc
break kernel_main
continue
p/x $cs
p magic
p $eflags
set $old = $ecx
set $ecx = 0x1234
p/x $ecx
set $ecx = $old
set *(int *)($esp - 64) = 0x5678
p/x *(int *)($esp - 64)
monitor info registers
monitor info mem
monitor nonsense
break sched_tick
continue
backtrace 2
finish
info breakpoints
delete
continue
EOT
serve -S "$SAMPLE"
ask "$SAMPLE"
expect "stopped at the first instruction, shown as it was built" '=> 0x10000c <_start>:.(cs )*cli'
expect "a site is one instruction" '=> 0x100011 <_start\+5>:.cld'
expect "a breakpoint that is set before its page is mapped" '^Breakpoint 1, kernel_main'
expect "segment registers" '^\$1 = 0x8$'
expect "the caller's argument" '^\$2 = 732803074$'
expect "flags by name" '^\$3 = \[.*PF.*\]'
expect "a register is written" '^\$4 = 0x1234$'
expect "memory is written" '^\$5 = 0x5678$'
expect "monitor info registers" '^cr0 8.* cr3 0010'
expect "monitor info mem" '^c0000000-.* KiB -wx$'
expect "monitor help" '^info registers, info mem'
expect "a breakpoint in an interrupt handler" '^Breakpoint 2, sched_tick'
expect "backtrace" '^#1 .*handle_irq'
expect "finish" '^handle_irq|^Run till exit'
expect "gdb learns of the end" 'exited with code 01'
same "$dir/reference" "the guest's output is the same with gdb"

# A guest that runs is stopped by Ctrl-C, stepped 300 times, and let go.
cat >"$dir/script" <<'EOT'
python
import gdb, os, signal, threading
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
gdb.execute("continue")
end
set $n = 0
while $n < 300
stepi
set $n = $n + 1
end
printf "steps %d\n", $n
detach
EOT
serve -S "$SAMPLE"
ask "$SAMPLE"
expect "Ctrl-C stops it" 'received signal SIGINT'
expect "300 steps from wherever it was" '^steps 300$'
same "$dir/reference" "the guest's output is the same after detach"

# Kill.
echo kill >"$dir/script"
serve -S "$SAMPLE"
ask "$SAMPLE"
wait "${pid:?}" && echo "ok - kill ends the machine" || { echo "not ok - kill: exit status $?"; failed=1; }
exit $failed

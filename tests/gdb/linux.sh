#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gdb at the padded vmlinux with its symbols: from the first instruction to the idle task and into a process,
# a stop of the running guest, and the exercise prints what it prints without gdb.
#   linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -u
[ $# -eq 2 ] || { echo "usage: linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
command -v gdb >/dev/null || exit 77
AFTERBURN=$1
guest=$2
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/gdb/port.sh
. "$(dirname "$0")/port.sh"
failed=0
run=(-m 64M -initrd "$guest/initramfs.cpio" -no-reboot -append "console=ttyS0 quiet reboot=k run=exercise"
	"$guest/padded/vmlinux")

timeout 100 "$AFTERBURN" run "${run[@]}" </dev/null >"$dir/reference" 2>/dev/null

cat >"$dir/script" <<'EOT'
break start_kernel
continue
p/x $cs
break kernel_init
continue
delete
break default_idle
continue
delete
python
import gdb
# To the hlt: sti and the padding before it are one step.
while "hlt" not in gdb.execute("x/i $pc", to_string=True):
    last = gdb.execute("x/i $pc", to_string=True)
    gdb.execute("stepi", to_string=True)
print("before hlt:", last)
gdb.execute("stepi")
end
break __ia32_sys_getpid
continue
backtrace 3
finish
delete
monitor info mem
python
# Back to ring 3, through a few hundred instructions there, wherever they lead.
def step(n, end):
    while n and not end():
        gdb.execute("stepi", to_string=True)
        n -= 1
    return end()
user = lambda: int(gdb.parse_and_eval("$cs & 3")) == 3
print("to ring 3:", step(8000, user))
step(500, lambda: False)
print("500 more")
end
continue
EOT
serve -S "${run[@]}"
ask "$guest/padded/vmlinux"
expect "a breakpoint that is set before paging is on" '^Breakpoint 1, .*start_kernel'
expect "%cs is the guest's" '^\$1 = 0x60$'
expect "the first process" '^Breakpoint 2, .*kernel_init'
expect "the idle task" '^Breakpoint 3, .*default_idle'
expect "a padded sti is one instruction" '^before hlt: .*(nopl|sti)'
expect "hlt ends in an interrupt handler" 'irq_entries_start|asm_.*interrupt'
expect "a system call" '^Breakpoint 4, .*__ia32_sys_getpid'
expect "its caller" '^#[12] .*do_int80_syscall'
expect "monitor info mem" '^c[0-9a-f]*-.* KiB -'
expect "steps out of the kernel" '^to ring 3: True'
expect "steps of user code" '^500 more'
expect "gdb learns of the end" 'exited normally'
same "$dir/reference" "the exercise prints what it prints without gdb"

# A guest in a loop of its own user space is stopped, looked at, and let go.
cat >"$dir/script" <<'EOT'
python
import gdb, threading, time, os, signal
def interrupt():
    gdb.post_event(lambda: gdb.execute("interrupt"))
for i in range(20):
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        gdb.execute("continue", to_string=True)
    except (gdb.error, KeyboardInterrupt):
        pass
    gdb.execute("info registers", to_string=True)
print("stops", i + 1)
end
detach
EOT
serve "${run[@]}"
ask "$guest/padded/vmlinux"
expect "20 stops by Ctrl-C" '^stops 20'
same "$dir/reference" "and the output is the same"
exit $failed

# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile guests (main.c) and what becomes of their host: hostile.py AFTERBURN SOURCE-DIR GUEST.elf

Which system calls of the host come back is compared with the list in wedge/linux/sandbox.c. Then runs that need not
survive: each ends with an exit status of the machine's own, within a time or by SIGTERM, and leaves the
terminal as it was and no process. SEED=N in the environment repeats a run.
"""
import os, random, re, signal, sys

afterburn, source, guest = (os.path.abspath(p) for p in sys.argv[1:4])
sys.path.insert(0, source + "/tests/linux")
from machine import Machine, adopt_orphans, check, orphans
import machine

adopt_orphans()
seed = int(os.environ.get("SEED", random.randrange(1 << 31)))
random.seed(seed)
print(f"# SEED={seed}")
# Linux lets these through whatever a filter says; without its uprobes they are errors.
EXIT = "call=231"
UNFILTERED = {335: "uretprobe", 336: "uprobe"}


def start(arguments, isolation):
    return Machine(afterburn, ["-m", "32M", "-isolation", isolation, "-append", arguments], guest, session=True)


def ends(arguments, what):
    """However it ends, but as a machine ends. Who calls exit_group does so behind the monitor's back: the terminal
    stays as it is."""
    m = start(arguments, random.choice(["segment", "process"]))
    status = m.status(signal.SIGTERM)
    left = orphans()
    good = status is not None and status >= 0 and (m.restored() or EXIT in arguments) and not left
    if not good:
        check(False, f"{what}: {arguments}", f"status {status}, restored {m.restored()}, left behind {left}\n{m.told()}")
    m.close_terminal()
    return good, status


def calls_by_number():
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as f:
        return {int(n): name for name, n in re.findall(r"#define __NR_(\w+) (\d+)", f.read())}


def allowed():
    """Names in the monitor's list, and those that have rules with arguments; the relay has a list of its own."""
    with open(source + "/wedge/linux/sandbox.c") as f:
        text = re.sub(r"allowed_relay\[\] = \{.*?\};", "", f.read(), flags=re.S)
    return set(re.findall(r"SCMP_SYS\((\w+)\)", text))


# --- what comes back, and from ring 3 gets through
names = calls_by_number() | UNFILTERED


def tried(isolation):
    """One machine whose guest tries everything. The calls that returned in a ring; the holes it counted."""
    m = start("seed=%u" % (seed & 0xffffff), isolation)
    m.ends(1, "", f"-isolation {isolation}: the guest survives all that it tries")
    calls = {ring: {names.get(int(n), n) for n in re.findall(rb"# call (\d+) returns in ring %d" % ring, m.all)}
             for ring in (0, 3)}
    return calls, [int(n) for n in re.findall(rb"(?:memory|writes|ring 0): (\d+)", m.all)]


for isolation in "segment", "process":
    calls, holes = tried(isolation)
    print("# calls that return in ring 0:", *sorted(calls[0]))
    print("# ring 3 reads and writes the kernel's memory, becomes ring 0 (times):", *holes)
    check(len(holes) == 3 and calls[0] <= allowed() | set(UNFILTERED.values()),
          f"-isolation {isolation}: only calls of the monitor's list return", calls[0] - allowed())
check(holes == [0, 0, 0] and calls[3] <= set(UNFILTERED.values()),
      "-isolation process: ring 3 reaches neither its kernel nor a call of the host", (holes, calls[3]))

# --- what need not come back
machine.PATIENCE = 1
runs = [(f"end=1 seed={random.randrange(1 << 31)}", "random code in ring 0") for _ in range(30)]
words = random.sample(range(0, 0x120, 4), 22) + random.sample(range(0x400, 0x800, 4), 8)
runs += [(f"end=2 offset={o} value={random.choice([0, 0xffffffff, 0x41414141, 1])}", "a word of the window") for o in words]
runs += [("end=3 " + EXIT, "exit_group"), ("end=3 call=15", "rt_sigreturn")]
for what in dict.fromkeys(w for _, w in runs):
    results = [ends(a, w) for a, w in runs if w == what]
    statuses = sorted({s for _, s in results if s is not None})
    check(all(good for good, _ in results), f"{what}: {len(results)} machines, exit statuses {statuses}")
sys.exit(machine.failures > 0)

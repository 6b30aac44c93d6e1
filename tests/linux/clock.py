# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest's clock and ticks beside the host's, idle and under load, and what an idle guest costs.
clock.py AFTERBURN LINUX-GUEST-BUILD-DIR [SECONDS]

Host and guest read the same time-stamp counter, so both clocks are compared by it, whatever a terminal takes
to bring a question to the guest."""
import ctypes, mmap, os, subprocess, sys, time

from machine import Machine, check
import machine

afterburn, build = sys.argv[1:3]
seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
DRIFT = 1e-3 / 60  # at most 1 ms in 60 s
TICK = 0.01


def make_rdtsc():
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("0f3148c1e2204809d0c3"))  # rdtsc; shl $32, %rdx; or %rdx, %rax; ret
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    rdtsc.code = code
    return rdtsc


rdtsc = make_rdtsc()


def host_clock():
    """A value of the counter, and the host's clock then in seconds: the tightest of many readings."""
    readings = []
    for _ in range(1000):
        before = rdtsc()
        ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        after = rdtsc()
        readings.append((after - before, (before + after) // 2, ns))
    _, tsc, ns = min(readings)
    return tsc, ns


class Guest(Machine):
    def __init__(self, name, append=""):
        super().__init__(afterburn, ["-m", "64M", "-initrd", f"{build}/initramfs.cpio", "-append",
                                     f"console=ttyS0 quiet reboot=k run=shell {append}"], f"{build}/padded/vmlinux")
        self.name = name
        if not self.wait_for(b"/ # "):
            sys.exit(f"{name}: no prompt: {self.told()} {self.all[-2000:]!r}")

    def clock(self):
        """Counter, nanoseconds of the guest's clock, seconds by its ticks."""
        self.type("clo''ck")
        if not self.wait_for(b"\nclock "):
            sys.exit(f"{self.name}: no clock: {self.all[-2000:]!r}")
        while b"\n" not in self.seen:
            self.pump(0.1)
        high, low, sec, ns, ticks = map(int, self.seen.split(b"\n")[0].split())
        return high << 32 | low, sec * 10**9 + ns, ticks * TICK

    def source(self):
        self.type("echo so''urce-$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)")
        self.wait_for(b"source-")
        while b"\n" not in self.seen:
            self.pump(0.1)
        return self.seen.split()[0].decode()

    def cpu_time(self):
        """Of all its processes, in seconds."""
        total = 0
        for pid in [self.pid, *machine.children(self.pid)]:
            with open(f"/proc/{pid}/stat") as f:
                total += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
        return total / os.sysconf("SC_CLK_TCK")

    def start(self):
        self.host0, self.guest0, self.cpu0 = host_clock(), self.clock(), self.cpu_time()

    def judge(self, max_ticks):
        host1, guest1 = host_clock(), self.clock()
        host_rate = (host1[1] - self.host0[1]) / (host1[0] - self.host0[0])
        passed = (guest1[0] - self.guest0[0]) * host_rate
        drift = (guest1[1] - self.guest0[1] - passed) / 1e9
        lost = passed / 1e9 - (guest1[2] - self.guest0[2])
        check(abs(drift) <= DRIFT * passed / 1e9, f"{self.name}: clock",
              f"{drift * 1e6:.1f} us off in {passed / 1e9:.1f} s")
        check(abs(lost) <= max_ticks * TICK, f"{self.name}: ticks", f"{lost / TICK:.1f} ticks lost")
        print(f"# {self.name}: {drift * 1e6:+.1f} us and {-lost / TICK:+.1f} ticks in {passed / 1e9:.1f} s, "
              f"by {self.source()}", flush=True)

    def leave(self):
        os.write(self.master, b"\1x")  # whatever the shell still waits for
        check(self.status() == 0, f"{self.name}: end", self.told())


LOAD = "i=0; while [ $i -lt 3 ]; do (while :; do cat /bin/busybox >/dev/null; done) & i=$((i + 1)); done"


def main():
    idle = Guest("idle")
    busy = Guest("busy")
    # The tick as Linux had it of old: each must arrive, or its count of time is lost.
    periodic = Guest("busy, periodic ticks", "highres=off nohz=off")
    for g in busy, periodic:
        g.type(LOAD)
        g.run("true")
    time.sleep(1)
    host_load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    for g in idle, busy, periodic:
        g.start()
    start, cpu0 = time.monotonic(), idle.cpu_time()
    while time.monotonic() - start < seconds:
        for g in idle, busy, periodic:
            g.pump(0.1)
    cost = (idle.cpu_time() - cpu0) / (time.monotonic() - start)
    for g in idle, busy, periodic:
        g.judge(3)
    for p in host_load:
        p.kill()
        p.wait()
    check(cost < 0.01, "an idle guest", f"{cost * 100:.2f} % of a CPU")
    print(f"# idle: {cost * 100:.2f} % of a CPU")
    for g in idle, busy, periodic:
        g.leave()
    sys.exit(machine.failures != 0)


main()

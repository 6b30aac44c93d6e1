# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host may do to a machine: host.py AFTERBURN LINUX-GUEST-BUILD-DIR

Too little of everything at the start, out of memory and a full disk later, signals, a terminal that goes away,
a reader that goes away. Each time: a message that names it, an exit status, the terminal as it was, no process
left behind, the disk sound. In a mount namespace of its own, so that it may mount.
"""
import os, resource, signal, subprocess, sys, tempfile, time
from machine import Machine, adopt_orphans, check, children
import machine

afterburn, guest = (os.path.abspath(p) for p in sys.argv[1:3])
if "HOST_TEST_MOUNTS" not in os.environ:
    own = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])
    if subprocess.run([*own, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], stderr=subprocess.DEVNULL).returncode:
        own = []
    os.environ["HOST_TEST_MOUNTS"] = "1" if own else ""
    command = [*own, sys.executable, *sys.argv]
    os.execvp(command[0], command)
os.environ["PATH"] += ":/usr/sbin:/sbin"
adopt_orphans()
kernel = guest + "/padded/vmlinux"
real_root = os.getuid() == 0 and open("/proc/self/uid_map").read().split()[2] == "4294967295"
ISOLATIONS = ["segment", "process"]
devnull = os.open("/dev/null", os.O_RDWR)
scratch = tempfile.TemporaryDirectory()
tmp = scratch.name


def options(*more, memory="64M", run="shell"):
    return ["-m", memory, "-initrd", guest + "/initramfs.cpio", "-append",
            f"console=ttyS0 quiet reboot=k run={run}", *more]


def start(*more, **how):
    memory, run = how.pop("memory", "64M"), how.pop("run", "shell")
    return Machine(afterburn, options(*more, memory=memory, run=run), kernel, **how)


def shell(*more, **how):
    m = start(*more, **how)
    if not m.wait_for(b"/ # "):
        check(False, "the guest's shell", m.told())
    return m


def limit(what, value):
    return lambda: resource.setrlimit(what, (value, value))


def sound(disk, what):
    """As at boot, the journal first; then there is nothing to mend."""
    first = subprocess.run(["e2fsck", "-fp", disk], capture_output=True, text=True)
    second = subprocess.run(["e2fsck", "-fn", disk], capture_output=True, text=True)
    check(first.returncode <= 1 and second.returncode == 0, what, first.stdout + second.stdout)


def make_disk(path, size="64M"):
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", path, size], check=True, capture_output=True)
    return "file=" + path


# --- too little at the start
def few_processes():
    """Root has no limit, except in a user namespace."""
    if real_root:
        os.setgroups([])
        os.setgid(61234)
        os.setuid(61234)
    resource.setrlimit(resource.RLIMIT_NPROC, (6, 6) if real_root else (1, 1))


start(before_exec=limit(resource.RLIMIT_AS, 60 << 20)).ends(
    127, "cannot map guest memory of 64 MiB", "address space for less than RAM")
start(before_exec=limit(resource.RLIMIT_AS, 100 << 20)).ends(
    127, "Cannot allocate memory", "address space for little more")
start(before_exec=limit(resource.RLIMIT_NOFILE, 4)).ends(127, "Too many open files", "four descriptors")
start(before_exec=limit(resource.RLIMIT_SIGPENDING, 0)).ends(127, "the host refuses a timer", "no timers")
public = tempfile.TemporaryDirectory()
os.chmod(public.name, 0o755)
for file in afterburn, kernel, guest + "/initramfs.cpio":
    subprocess.run(["cp", "-L", file, public.name], check=True)
Machine(public.name + "/afterburn", ["-m", "64M", "-initrd", public.name + "/initramfs.cpio"],
        public.name + "/vmlinux", before_exec=few_processes).ends(
    127, "one of the monitor's processes: Resource temporarily unavailable", "few processes for the user")
m = start(run="exercise", before_exec=limit(resource.RLIMIT_AS, 210 << 20))
m.wait_for(b"# all passed")
m.ends(0, "", "address space for a part of the mappings: all of the exercise")

# --- out of memory later
m = shell()
fd = next(f for f in os.listdir(f"/proc/{m.pid}/fd") if "afterburner-ram" in os.readlink(f"/proc/{m.pid}/fd/{f}"))
with open(f"/proc/{m.pid}/fd/{fd}", "r+b") as ram:
    ram.truncate(16 << 20)  # a page that the host cannot give raises the same signal
m.type("ls -R /")
m.ends(127, "no memory left", "RAM that the host does not have")


def control_group():
    """A memory control group of 150 MiB, or None. Version 1 and 2."""
    for base, file in ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"):
        path = f"{base}/afterburner-test-{os.getpid()}"
        try:
            os.mkdir(path)
            with open(f"{path}/{file}", "w") as f:
                f.write(str(150 << 20))
            return path
        except OSError:
            if os.path.isdir(path):
                os.rmdir(path)
    return None


group = control_group()
if group:
    def enter():
        with open(group + "/cgroup.procs", "w") as f:
            f.write("0")
    m = shell(memory="512M", before_exec=enter)
    m.type("mount -t tmpfs -o size=400M t /mnt; dd if=/dev/zero of=/mnt/x bs=1M")
    m.ends(127, "the host is out of memory", "the limit of a memory control group")
    os.rmdir(group)
else:
    print("SKIP memory control group: none can be made here")

# --- a full disk


def full_disk():
    full = tmp + "/full"
    os.mkdir(full)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24M", "tmpfs", full], check=True)
    drive = make_disk(full + "/disk")
    with open(full + "/ballast", "wb") as f:
        f.write(bytes(8 << 20))
    m = shell("-drive", drive)
    check(m.run("mount -t ext4 -o errors=continue /dev/vda /mnt") and
          m.run("dd if=/dev/urandom of=/mnt/big bs=1M count=40 conv=fsync || echo the guest sees an er''ror") and
          b"the guest sees an error" in m.all, "no space on the host: an I/O error in the guest", m.all[-1000:])
    check(m.told().count("No space left on device") == 1, "and one message on the host", m.told())
    os.unlink(full + "/ballast")
    check(m.run("rm /mnt/big; echo again >/mnt/small && sync && umount /mnt && mount /dev/vda /mnt && cat /mnt/small"),
          "with space again the disk is written again")
    m.type("umount /mnt; exit")
    m.ends(0, "", "and the guest powers off")
    sound(full + "/disk", "the disk that was full is sound")
    m = start("-serial", f"file:{full}/log", run="exercise")
    with open(full + "/ballast", "wb") as f:
        try:
            while True:
                f.write(bytes(1 << 16))
        except OSError:
            pass
    try:
        f.close()
    except OSError:
        pass
    m.ends(0, "the guest's output is lost: No space left on device", "a serial line to a full file system")
    subprocess.run(["umount", full], check=True)


if os.environ["HOST_TEST_MOUNTS"]:
    full_disk()
else:
    print("SKIP full disk: nothing can be mounted here, as root or in a user namespace")

# --- signals from outside, in the middle of disk writes
drive = make_disk(tmp + "/disk")
for name, isolation in zip(("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGSEGV", "SIGTERM"), ISOLATIONS * 3):
    number = getattr(signal, name)
    m = shell("-drive", drive, "-nic", "user", "-isolation", isolation, session=True)
    m.run("mount -t ext4 /dev/vda /mnt")
    m.type("while :; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64; sync; done")
    time.sleep(0.5)
    os.kill(m.pid, number)
    m.ends(128 + number, "ended by a signal", f"{name} while the guest writes, -isolation {isolation}")
    sound(tmp + "/disk", "and the disk is sound")
for isolation in ISOLATIONS:
    m = shell("-gdb", f"tcp::{20000 + os.getpid() % 10000}", "-isolation", isolation)
    os.kill(children(m.pid)[5], signal.SIGKILL)
    m.ends(127, "processes was killed", f"one of its processes is killed, -isolation {isolation}")
m = shell("-isolation", "process")
m.type("while :; do :; done")
time.sleep(0.3)
busiest = max(children(m.pid), key=lambda pid: int(open(f"/proc/{pid}/stat").read().split()[13]))
os.kill(busiest, signal.SIGKILL)
m.ends(127, "processes was killed", "the process of ring 3 that computes is killed")

# --- the terminal, the reader, the writer
for session, what in (True, "the terminal is closed"), (False, "the terminal is closed, which is not its session's"):
    m = shell(session=session)
    m.close_terminal()
    m.ends(129, "ended by a signal: Hangup|the terminal is gone" if session else "the terminal is gone", what)
m = shell()
m.type("while :; do :; done")
time.sleep(0.3)
m.close_terminal()
m.ends(129, "the terminal is gone", "the same while the guest computes")
read, write = os.pipe()
m = start(run="exercise", stdin=devnull, stdout=write)
os.close(write)
os.read(read, 1)
os.close(read)
m.ends(141, "closed pipe", "nobody reads standard output")
with open("/dev/full", "w") as f:
    m = start(run="none", stdin=devnull, stdout=f.fileno())
    m.ends(0, "the guest's output is lost: No space left on device", "standard output is /dev/full")
check(m.told().count("lost") == 1, "and that is told once", m.told())
before = open(tmp + "/disk", "rb").read()
m = start("-drive", f"file={tmp}/disk,readonly=on", run="none", before_exec=lambda: os.closerange(0, 3))
m.ends(0, "", "no standard descriptors at all")
m = start("-drive", drive, run="none", before_exec=lambda: os.closerange(0, 3))
m.ends(0, "", "and with a disk to write to")
check(open(tmp + "/disk", "rb").read() == before, "which did not get the guest's output")
read, write = os.pipe()
m = start(stdin=read)
os.close(read)
m.wait_for(b"/ # ")
os.write(write, b"sleep 1; echo after the e''nd; exit\n")
os.close(write)
check(m.wait_for(b"after the end"), "what came before the end of standard input is done")
m.ends(0, "", "and the guest goes on without")

# --- what it holds open
m = shell("-drive", drive, before_exec=lambda: os.dup2(os.dup2(os.open("/etc/passwd", os.O_RDONLY), 77), 900))
held = sorted({os.readlink(f"/proc/{p}/fd/{fd}").split(" ")[0] for p in [m.pid, *children(m.pid)]
               for fd in os.listdir(f"/proc/{p}/fd") if int(fd) > 2})
check(all(name.startswith(("/memfd:afterburner-", tmp + "/disk", "socket:", "anon_inode:")) for name in held),
      "open are the disk and shared memory, and no descriptor that the caller left open", held)
m.type("exit")
m.ends(0, "", "and it powers off")

# --- two machines, each with its own terminal
a, b = shell(memory="32M"), shell(memory="32M")
a.run("hostname first; x=fi''rst")
b.run("hostname second; x=sec''ond")
a.run("echo $x $(hostname)")
b.run("echo $x $(hostname)")
check(b"first first" in a.all and b"second second" in b.all and b"second" not in a.all and b"first" not in b.all,
      "two machines hear and say nothing of each other's")
os.kill(a.pid, signal.SIGKILL)
a.status()
raw = not b.restored()
check(b.run("echo $x $(hostname) once mo''re") and raw and b"second second once more" in b.all,
      "one is killed, the other goes on")
b.type("exit")
b.ends(0, "", "to its end")
sys.exit(machine.failures > 0)

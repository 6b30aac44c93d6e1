# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtio console on a pseudo-terminal, on both platforms: input, output, the window's size, Ctrl-A.
console.py AFTERBURN LINUX-GUEST-BUILD-DIR"""
import fcntl, hashlib, os, struct, sys, termios, time

from machine import PATIENCE, Machine, check
import machine

afterburn, build = sys.argv[1:3]


class Guest(Machine):
    """A machine whose console is a terminal, come to its shell's prompt."""

    def __init__(self, platform):
        super().__init__(afterburn, ["-on", platform, "-m", "64M", "-console", "virtio",
                                     "-initrd", f"{build}/initramfs.cpio", "-append",
                                     "console=hvc0 quiet reboot=k run=shell"],
                         f"{build}/padded/vmlinux", session=True)
        self.platform = platform
        self.resize(31, 97)
        self.expect("/ # ")

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def expect(self, text):
        """Wait for text; gives what came before it."""
        before = len(self.all) - len(self.seen)
        if not self.wait_for(text.encode()):
            sys.exit(f"not ok - {self.platform}: no {text!r} in {self.all[-2000:]!r}\n{self.told()}")
        return self.all[before:len(self.all) - len(self.seen) - len(text)].replace(b"\r", b"")

    def result(self, command):
        """What a command prints. Both the terminal and the shell's line editor may echo the command."""
        self.type(f"{command}; echo do''ne")
        return self.expect("done\r").rsplit(b"do''ne\n", 1)[-1].decode()

    def check(self, good, what, detail=""):
        check(good, f"{self.platform}: {what}", detail)


def output_and_input(g):
    g.check(g.result("tty") == "/dev/hvc0\n", "the shell is at the virtio console")
    lines = "".join(f"{i}\n" for i in range(1, 20001))
    got = g.result("seq 1 20000")
    g.check(got == lines, "20,000 lines of output", f"{len(got)} bytes, not {len(lines)}: ...{got[-200:]}")
    # More than the guest's line discipline holds is a test of the wedge's device, not of QEMU's.
    rows = 40 if g.platform == "native" else 300
    text = b"".join(b"%04d the quick brown fox jumps over the lazy dog\n" % i for i in range(rows))
    g.type("stty -echo; echo re''ady; cat >/tmp/typed; stty echo; echo typ''ed")
    g.expect("ready\r")
    time.sleep(0.5)  # until cat reads
    for start in range(0, len(text), 1000):
        os.write(g.master, text[start:start + 1000])
    os.write(g.master, b"\4")
    g.expect("typed\r")
    got = g.result("sha256sum </tmp/typed")
    g.check(got.split()[0] == hashlib.sha256(text).hexdigest(), f"{len(text)} bytes of input", got)


def size_becomes(g, rows, columns, what):
    end = time.time() + PATIENCE
    while (got := g.result("stty size")) != f"{rows} {columns}\n" and time.time() < end:
        pass
    g.check(got == f"{rows} {columns}\n", what, f"{got}, not {rows} {columns}")


def size(g):
    size_becomes(g, 31, 97, "the window's size")
    g.resize(50, 132)
    size_becomes(g, 50, 132, "a new one")
    g.type("trap 'echo he''ard' WINCH; sleep 1000 & echo re''ady; wait; kill $!; trap - WINCH")
    g.expect("ready\r")
    time.sleep(1)
    g.resize(24, 80)
    g.expect("heard\r")
    size_becomes(g, 24, 80, "SIGWINCH while the guest is idle")
    g.type("trap 'x=1' WINCH; x=0; echo re''ady; while [ $x = 0 ]; do :; done; trap - WINCH")
    g.expect("ready\r")
    time.sleep(0.5)
    g.resize(10, 40)
    size_becomes(g, 10, 40, "SIGWINCH while the guest computes")


def keys(g):
    os.write(g.master, b"\1c")
    g.expect("(afterburn) ")
    os.write(g.master, b"info registers\n")
    g.expect("eip ")
    os.write(g.master, b"\1c")
    g.check(g.result("echo back") == "back\n", "Ctrl-A c, and back")
    os.write(g.master, b"\1x")
    g.ends(0, "", f"{g.platform}: Ctrl-A x")


machine.adopt_orphans()
native = Guest("native")
output_and_input(native)
native.type("exit")
native.ends(0, "", "native: exit")
linux = Guest("linux")
output_and_input(linux)
size(linux)  # QEMU does not tell its guest
keys(linux)
sys.exit(machine.failures != 0)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtio console on a pseudo-terminal, on both platforms: input, output, the window's size.
console.py AFTERBURN LINUX-GUEST-BUILD-DIR"""
import fcntl, hashlib, os, pty, select, struct, sys, termios, time

afterburn, build = sys.argv[1:3]
PATIENCE = 120


class Guest:
    """A machine whose console is a terminal of 97 columns and 31 rows, come to its shell's prompt."""

    def __init__(self, platform):
        self.platform = platform
        self.master, slave = pty.openpty()
        self.resize(31, 97)
        self.seen = b""
        self.pid = os.fork()
        if self.pid == 0:
            self.login_tty(slave)
            os.execv(afterburn, [afterburn, "run", "-on", platform, "-m", "64M", "-no-reboot", "-console", "virtio",
                                 "-initrd", f"{build}/initramfs.cpio", "-append",
                                 "console=hvc0 quiet reboot=k run=shell", f"{build}/padded/vmlinux"])
        os.close(slave)
        self.wait_for("/ # ")

    @staticmethod
    def login_tty(slave):
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in 0, 1, 2:
            os.dup2(slave, fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def read(self):
        if not select.select([self.master], [], [], 0.2)[0]:
            return
        try:
            self.seen += os.read(self.master, 65536).replace(b"\r", b"")
        except OSError:  # the other end is closed
            time.sleep(0.2)

    def wait_for(self, text):
        """Read until text has come; gives what came before it."""
        end = time.time() + PATIENCE
        while text.encode() not in self.seen:
            if time.time() > end:
                self.fail(f"no {text!r}")
            self.read()
        before, self.seen = self.seen.split(text.encode(), 1)
        return before

    def run(self, command):
        """What a command prints. Both the terminal and the shell's line editor may echo the command."""
        os.write(self.master, f"{command}; echo do''ne\n".encode())
        return self.wait_for("done\n").rsplit(b"do''ne\n", 1)[-1]

    def leave(self):
        os.write(self.master, b"exit\n")
        end = time.time() + PATIENCE
        while time.time() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            self.read()
        self.fail("does not end")

    def fail(self, why):
        print(self.seen[-2000:].decode(errors="replace"))
        os.kill(self.pid, 9)
        sys.exit(f"FAILURE console: {self.platform}: {why}")

    def expect(self, got, want, what):
        if got != want:
            self.fail(f"{what}: {got[-200:]!r}, not {want[-200:]!r}")


def input_and_output(g):
    g.expect(g.run("tty"), b"/dev/hvc0\n", "terminal")
    lines = b"".join(b"%d\n" % i for i in range(1, 20001))
    g.expect(g.run("seq 1 20000"), lines, "20,000 lines of output")
    text = b"".join(b"%04d the quick brown fox jumps over the lazy dog\n" % i for i in range(300))
    os.write(g.master, b"stty -echo; echo re''ady; cat >/tmp/typed; stty echo; echo typ''ed\n")
    g.wait_for("ready\n")
    for start in range(0, len(text), 1000):
        os.write(g.master, text[start:start + 1000])
    os.write(g.master, b"\4")
    g.wait_for("typed\n")
    g.expect(g.run("sha256sum </tmp/typed").split()[0].decode(), hashlib.sha256(text).hexdigest(),
             f"{len(text)} bytes of input")


def wait_size(g, rows, columns):
    end = time.time() + PATIENCE
    want = b"%d %d\n" % (rows, columns)
    while (got := g.run("stty size")) != want:
        if time.time() > end:
            g.fail(f"the size is {got!r}, not {want!r}")


def size(g):
    wait_size(g, 31, 97)
    g.resize(50, 132)
    wait_size(g, 50, 132)
    # A program that waits for nothing else hears of it by itself: an idle guest wakes.
    os.write(g.master, b"trap 'echo he''ard' WINCH; sleep 1000 & echo re''ady; wait; kill $!; trap - WINCH\n")
    g.wait_for("ready\n")
    time.sleep(1)
    g.resize(24, 80)
    g.wait_for("heard\n")
    wait_size(g, 24, 80)
    # A guest that computes, too.
    os.write(g.master, b"trap 'x=1' WINCH; x=0; echo re''ady; while [ $x = 0 ]; do :; done; trap - WINCH\n")
    g.wait_for("ready\n")
    time.sleep(0.5)
    g.resize(10, 40)
    wait_size(g, 10, 40)


for platform in "native", "linux":
    guest = Guest(platform)
    input_and_output(guest)
    if platform == "linux":  # QEMU does not tell its guest
        size(guest)
    code = guest.leave()
    if code:
        guest.fail(f"exit code {code}")
print("SUCCESS console: input and output on both platforms, size on platform linux")

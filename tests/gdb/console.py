# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal's keys, on a pseudo-terminal: console.py AFTERBURN GUEST."""
import os, pty, select, signal, sys, termios, time

afterburn, guest = sys.argv[1:3]
failed = False


class Guest:
    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.pid = os.fork()
        if self.pid == 0:
            for fd in 0, 1:
                os.dup2(self.slave, fd)
            os.setsid()
            os.execv(afterburn, [afterburn, "run", "-m", "16M", guest])

    def send(self, keys):
        os.write(self.master, keys)

    def wait_for(self, text):
        """Read until text has come; what came before it is forgotten."""
        end = time.time() + 20
        while text not in self.seen:
            if time.time() > end:
                return False
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 4096)
        self.seen = self.seen.split(text, 1)[1]
        return True

    def status(self):
        end = time.time() + 20
        while time.time() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096)
        os.kill(self.pid, 9)
        return None

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before


def check(good, what):
    global failed
    print("ok -" if good else "not ok -", what, flush=True)
    failed = failed or not good


def ends(g, status, what):
    got = g.status()
    check(got == status and g.restored(), f"{what}: status {got}, terminal as it was")


g = Guest()
check(g.wait_for(b">\r\n"), "the guest runs")
check(not g.restored(), "the terminal is raw")
g.send(b"a")
check(g.wait_for(b"[b]"), "keys reach the guest")
g.send(b"\x03")
check(g.wait_for(b"[\x04]"), "Ctrl-C, too")
g.send(b"\x01\x01")
check(g.wait_for(b"[\x02]"), "Ctrl-A Ctrl-A sends one")
g.send(b"\x01h")
check(g.wait_for(b"Ctrl-A x"), "Ctrl-A h lists the keys")
g.send(b"\x01c")
check(g.wait_for(b"(afterburn) "), "Ctrl-A c opens the console")
g.send(b"info regisx\x7fters\r")
check(g.wait_for(b"eflags 0000") and g.wait_for(b"gdtr base"), "info registers")
g.send(b"info mem\r")
check(g.wait_for(b"paging is off"), "info mem")
g.send(b"info stats\r")
check(g.wait_for(b"exits for exceptions: "), "info stats")
g.send(b"system_powerdown\r")
check(g.wait_for(b"no ACPI"), "system_powerdown says that there is no button")
g.send(b"nonsense\r")
check(g.wait_for(b"try help"), "an unknown command")
g.send(b"help\r")
check(g.wait_for(b"system_reset"), "help")
g.send(b"\x01c" + b"d")
check(g.wait_for(b"[e]"), "and back to the guest")
g.send(b"\x01csystem_reset\r")
check(g.wait_for(b">\r\n"), "system_reset boots it again")
g.send(b"f")
check(g.wait_for(b"[g]"), "and keys reach it")
g.send(b"\x01cquit\r")
ends(g, 0, "quit")

g = Guest()
g.wait_for(b">\r\n")
g.send(b"\x01x")
ends(g, 0, "Ctrl-A x")

g = Guest()
g.wait_for(b">\r\n")
g.send(b"!")
ends(g, 1, "the guest's own end")

g = Guest()
g.wait_for(b">\r\n")
g.send(b"~")
for _ in range(70):
    g.send(b"y" * 1000)
g.send(b"\x01x")
ends(g, 0, "Ctrl-A x behind more keys than a guest reads that does not read")

for name in "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT":
    number = getattr(signal, name)
    g = Guest()
    g.wait_for(b">\r\n")
    os.kill(g.pid, number)
    ends(g, 128 + number, name)

g = Guest()
g.wait_for(b">\r\n")
g.send(b"\x01c")
g.wait_for(b"(afterburn) ")
os.kill(g.pid, signal.SIGTERM)
ends(g, 128 + signal.SIGTERM, "SIGTERM with the console open")

g = Guest()
g.wait_for(b">\r\n")
children = open(f"/proc/{g.pid}/task/{g.pid}/children").read().split()
os.kill(int(children[3]), signal.SIGKILL)
ends(g, 127, "one of the monitor's processes is killed")

for key, status, what in (b"*", 125, "a triple fault"), (b"%", 126, "halted for ever"):
    g = Guest()
    g.wait_for(b">\r\n")
    g.send(key)
    ends(g, status, what)
sys.exit(failed)

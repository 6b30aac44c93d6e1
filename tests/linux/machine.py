# SPDX-License-Identifier: GPL-3.0-or-later
"""The padded vmlinux as a process of this machine, on a pseudo-terminal or on pipes."""
import ctypes, os, pty, re, select, signal, subprocess, sys, tempfile, termios, time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 60  # seconds, for a loaded host; every wait ends with what it waits for

failures = 0


def check(good, what, detail=""):
    global failures
    print(("ok - " if good else "not ok - ") + what, flush=True)
    if not good:
        failures += 1
        print("# " + str(detail).replace("\n", "\n# "), flush=True)
    return good


def adopt_orphans():
    """Whatever a machine leaves behind becomes a child of this process, and is seen."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def orphans():
    """Processes that are still there a while after their machine has ended."""
    end = time.time() + 5
    left = []
    while time.time() < end:
        while True:
            try:
                if not os.waitpid(-1, os.WNOHANG)[0]:
                    break
            except ChildProcessError:
                return []
        left = children(os.getpid())
        if not left:
            return []
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


class Machine:
    """stdin and stdout: a new pseudo-terminal, unless given. before_exec runs in the new process."""

    def __init__(self, afterburn, options, kernel, stdin=None, stdout=None, before_exec=None, session=False):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.seen = b""
        self.all = b""
        self.errors = tempfile.TemporaryFile()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                if session:
                    import fcntl
                    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                os.dup2(slave if stdin is None else stdin, 0)
                os.dup2(slave if stdout is None else stdout, 1)
                os.dup2(self.errors.fileno(), 2)
                os.closerange(3, 100)
                if before_exec:
                    before_exec()
                os.execv(afterburn, [afterburn, "run", "-on", "linux", "-no-reboot", *options, kernel])
            finally:
                os._exit(99)

    def pump(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                got = os.read(self.master, 65536)
            except OSError:
                return
            self.seen += got
            self.all += got

    def wait_for(self, text):
        """Read until text has come; what came before it is forgotten."""
        end = time.time() + PATIENCE
        while text not in self.seen:
            if time.time() > end or os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                self.pump(0)
                return text in self.seen
            self.pump(0.1)
        self.seen = self.seen.split(text, 1)[1]
        return True

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def run(self, line):
        """A command to the guest's shell, and wait for its end. The echo does not contain the word."""
        self.type(line + "; echo do''ne")
        return self.wait_for(b"done")

    def close_terminal(self):
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def status(self, persuade=None):
        """Wait for its end. persuade: a signal for a machine that may go on for ever."""
        begin = time.time()
        while time.time() < begin + PATIENCE * (2 if persuade else 1):
            if persuade and time.time() > begin + PATIENCE:
                os.kill(self.pid, persuade)
                persuade, begin = None, time.time()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if self.master >= 0:
                self.pump(0.05)
            else:
                time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        return None

    def told(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def restored(self):
        return self.slave < 0 or termios.tcgetattr(self.slave) == self.before

    def ends(self, status, message, what):
        """It ends with this exit status and message (a regular expression), its terminal as before, and leaves no process."""
        got = self.status()
        left = orphans()
        good = got == status and re.search(message, self.told()) and self.restored() and not left
        check(good, what, f"status {got}, terminal {'as it was' if self.restored() else 'raw'}, "
              f"left behind {left}, said:\n{self.told()}\nguest: {self.all[-2000:].decode(errors='replace')}")
        for fd in self.master, self.slave:
            if fd >= 0:
                os.close(fd)

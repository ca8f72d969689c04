# SPDX-License-Identifier: GPL-2.0-only
"""What the rows of bench.py are measured with: programs beside others, on terminals, in crowds."""

import contextlib
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from typing import NamedTuple, Optional

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]")


class Failure(Exception):
    """A row could not be measured."""


class Row(NamedTuple):
    what: str
    measured: str
    bound: str
    ok: Optional[bool]  # None: there is no bound


def progress(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def cpu_ns(pid):
    """CPU time of a whole process, by its own clock (see clock_getcpuclockid)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def end(process):
    """Ends a program that was started here, by SIGTERM if it listens."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def contended(program, *arguments):
    """A program that fights for locks; entering waits until all its threads run."""
    process = subprocess.Popen([program, *map(str, arguments)], stdout=subprocess.PIPE)
    try:
        if not select.select([process.stdout], [], [], 40)[0] or not process.stdout.readline():
            raise Failure("%s could not start its threads" % os.path.basename(program))
        yield process
    finally:
        end(process)
        process.stdout.close()


@contextlib.contextmanager
def crowd(count):
    """Processes that do nothing."""
    processes = []
    try:
        for _ in range(count):
            processes.append(subprocess.Popen(["sleep", "600"], close_fds=False))
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


class Beside:
    """A tool that runs beside what is measured; entering waits until it observes."""

    def __init__(self, argv, ready, settle=0.0):
        self.argv = argv
        self.ready = ready  # of its output so far (bytes)
        self.settle = settle
        self.out = tempfile.TemporaryFile()
        self.process = None

    def output(self):
        """All output so far. Its own file offset: the tool shares the description of self.out."""
        with open("/proc/self/fd/%d" % self.out.fileno(), "rb") as f:
            return f.read()

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=subprocess.STDOUT)
        try:
            self.await_ready()
        except BaseException:
            end(self.process)
            raise
        return self

    def await_ready(self):
        limit = time.monotonic() + 20
        while not self.ready(self.output()):
            if self.process.poll() is not None or time.monotonic() > limit:
                raise self.failed("did not get ready")
            time.sleep(0.02)
        time.sleep(self.settle)

    def failed(self, how):
        text = self.output().decode(errors="replace").strip()
        return Failure("%s %s: %s" % (os.path.basename(self.argv[0]), how, text[-200:]))

    def __exit__(self, kind, *exception):
        early = self.process.poll() is not None
        end(self.process)
        if early and not kind:
            raise self.failed("ended while it should observe")
        return False


class Screen:
    """A program on a terminal of its own; draining its output keeps it going."""

    def __init__(self, argv, columns=120, lines=40):
        self.tail = b""
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.environ["TERM"] = "xterm-256color"
                ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                os.execv(argv[0], argv)
            finally:
                os._exit(127)

    def read(self, seconds):
        """Output of at most this time; b"" if there was none. A program that ended fails."""
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            text = ESCAPES.sub(b"", self.tail).decode(errors="replace").split("\n")
            raise Failure("locktop ended: " + " ".join(x.strip() for x in text)[-200:])
        self.tail = (self.tail + data)[-1000:]
        return data

    def drain(self, seconds):
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            self.read(left)

    def cpu_ns(self):
        return cpu_ns(self.pid)

    def rss(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii", errors="replace") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1)) << 10

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        limit = time.monotonic() + 5
        try:
            os.kill(self.pid, signal.SIGTERM)
            while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                if select.select([self.fd], [], [], 0.05)[0]:
                    try:
                        os.read(self.fd, 65536)  # a full terminal would hold it up
                    except OSError:
                        time.sleep(0.01)
                if time.monotonic() > limit:
                    os.kill(self.pid, signal.SIGKILL)
        except ChildProcessError:
            pass
        os.close(self.fd)
        return False

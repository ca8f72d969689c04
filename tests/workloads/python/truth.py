# SPDX-License-Identifier: GPL-2.0-only
"""What the Python workloads share: the watch that people put around a lock to learn what it costs
(acquisitions, total wait, total hold), and the truth, one line of JSON at the end.

The line that waits is marked in the source by a comment, `# wait: MARK`; the call of want() stands
in the same function. Works on every Python from 3.8 on."""
import json
import os
import sys
import threading
import time

watches = []
path = os.path.abspath(sys.argv[0])


def module_name():
    """How locktop writes __main__."""
    return os.path.splitext(os.path.basename(path))[0]


def marked_lines():
    with open(path, encoding="utf-8") as source:
        parts = (line.rstrip().partition("# wait: ") for line in source)
        return {mark: number for number, (_, _, mark) in enumerate(parts, 1) if mark}


lines = marked_lines()


def function_name(code):
    """As its code object has it: qualified from 3.11 on."""
    return getattr(code, "co_qualname", code.co_name)


def stack(frame, line=None):
    """[function, file, line] from this frame outwards; line: of the innermost one."""
    frames = []
    while frame:
        frames.append([function_name(frame.f_code), frame.f_code.co_filename,
                       line or frame.f_lineno])
        frame, line = frame.f_back, None
    return frames


class Watch:
    """Around one lock: t = want(); take it; t = got(t); ...; release(t); let it go."""

    def __init__(self, name, kind, idle=False, counted=False):
        self.name = name and name.format(module=module_name())
        self.kind = kind
        self.idle = idle
        self.counted = counted  # each got() is one acquisition of one lock object
        self.waits = []  # appending is atomic
        self.holds = []
        self.timeouts = 0
        self.stacks = {}  # mark -> stack of the line that waits
        self.waited = {}  # mark -> waits there
        self.last = threading.local()  # its mark
        watches.append(self)

    def want(self, mark):
        if mark not in self.stacks:
            self.waited[mark] = []
            self.stacks[mark] = stack(sys._getframe(1), lines[mark])
        self.last.mark = mark
        return time.perf_counter_ns()

    def got(self, since):
        now = time.perf_counter_ns()
        self.waits.append(now - since)
        self.waited[self.last.mark].append(now - since)
        return now

    def gave_up(self, since):
        self.got(since)
        self.timeouts += 1

    def line(self):
        """Of the one place that waits."""
        return next(iter(self.stacks.values()))[0][2]

    def release(self, since):
        self.holds.append(time.perf_counter_ns() - since)

    def truth(self):
        return {
            "name": self.name,
            "kind": self.kind,
            "class": "idle" if self.idle else "contention",
            "acquisitions": len(self.waits) - self.timeouts if self.counted else None,
            "wait_ns": sum(self.waits),
            "avg_wait_ns": sum(self.waits) // max(1, len(self.waits)),
            "hold_ns": sum(self.holds) if self.counted else None,
            "timeouts": self.timeouts,
            "stacks": list(self.stacks.values()),
            "waited_at": [sum(self.waited[mark]) for mark in self.stacks],
        }


def tid(thread=None):
    return (thread or threading.current_thread()).native_id


def start(function, *args, daemon=False):
    """A thread of the function's name."""
    thread = threading.Thread(target=function, args=args, name=function.__name__, daemon=daemon)
    thread.start()
    return thread


def settle():
    """An interpreter is known to locktop a little after its first wait."""
    start(time.sleep, 0.05)
    time.sleep(max(0.5, float(os.environ.get("PAUSE_MS", "0")) / 1000))


def wait_until(condition, seconds=10):
    """Polls: no lock beside those that the workload is about."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.002)


def is_waiting(thread):
    """Asleep in a futex call without a time-out, so not for the GIL."""
    try:
        with open(f"/proc/self/task/{tid(thread)}/syscall", encoding="ascii") as file:
            words = file.read().split()
    except (OSError, TypeError):
        return False
    return words[0] == "202" and int(words[4], 16) == 0


def say(**more):
    """Prints the truth, now."""
    print(json.dumps({
        "pid": os.getpid(),
        "version": list(sys.version_info[:3]),
        "executable": os.path.realpath(sys.executable),
        "locks": [watch.truth() for watch in watches if watch.stacks],
        **more,
    }), flush=True)

# SPDX-License-Identifier: GPL-2.0-only
"""deadlock.py SECONDS KIND...: threads that wait for each other, a circle for each KIND: with (two
Locks, each in a `with` block), rlock, mixed (a Lock and a Condition's), attributes (of two
objects), three (threads)."""
import sys
import threading
import time

from truth import Watch, is_waiting, say, start, tid, wait_until

red_lock = threading.Lock()
blue_lock = threading.Lock()
one_lock = threading.Lock()
two_lock = threading.Lock()
three_lock = threading.Lock()
outer_rlock = threading.RLock()
inner_rlock = threading.RLock()
mixed_lock = threading.Lock()
mixed_cond = threading.Condition()
arrived = {}


def all_have_one(kind):
    """Each thread of the circle has its first lock."""
    arrived[kind].append(None)
    while len(arrived[kind]) < len(KINDS[kind]):
        time.sleep(0.001)


def red_then_blue(watch):
    with red_lock:
        all_have_one("with")
        watch.want("blue")
        with blue_lock:  # wait: blue
            pass


def blue_then_red(watch):
    with blue_lock:
        all_have_one("with")
        watch.want("red")
        with red_lock:  # wait: red
            pass


def one_then_two(watch):
    with one_lock:
        all_have_one("three")
        watch.want("two")
        with two_lock:  # wait: two
            pass


def two_then_three(watch):
    with two_lock:
        all_have_one("three")
        watch.want("three")
        with three_lock:  # wait: three
            pass


def three_then_one(watch):
    with three_lock:
        all_have_one("three")
        watch.want("one")
        with one_lock:  # wait: one
            pass


def outer_then_inner(watch):
    with outer_rlock, outer_rlock:
        all_have_one("rlock")
        watch.want("inner")
        with inner_rlock:  # wait: inner
            pass


def inner_then_outer(watch):
    inner_rlock.acquire()
    all_have_one("rlock")
    watch.want("outer")
    outer_rlock.acquire()  # wait: outer


def lock_then_cond(watch):
    with mixed_lock:
        all_have_one("mixed")
        watch.want("cond")
        with mixed_cond:  # wait: cond
            pass


def cond_then_lock(watch):
    with mixed_cond:
        all_have_one("mixed")
        watch.want("lock")
        with mixed_lock:  # wait: lock
            pass


class Account:
    def __init__(self):
        self._lock = threading.Lock()

    def transfer(self, other, watch):
        with self._lock:
            all_have_one("attributes")
            watch.want("account")
            with other._lock:  # wait: account
                pass


ours, theirs = Account(), Account()


def ours_to_theirs(watch):
    ours.transfer(theirs, watch)


def theirs_to_ours(watch):
    theirs.transfer(ours, watch)


# name of the lock that each thread wants, its kind, what the thread runs; the next one has it
KINDS = {
    "with": [("{module}.blue_lock", "py-lock", red_then_blue),
             ("{module}.red_lock", "py-lock", blue_then_red)],
    "rlock": [("{module}.inner_rlock", "py-rlock", outer_then_inner),
              ("{module}.outer_rlock", "py-rlock", inner_then_outer)],
    "mixed": [("{module}.mixed_cond", "py-rlock", lock_then_cond),
              ("{module}.mixed_lock", "py-lock", cond_then_lock)],
    "three": [("{module}.two_lock", "py-lock", one_then_two),
              ("{module}.three_lock", "py-lock", two_then_three),
              ("{module}.one_lock", "py-lock", three_then_one)],
    "attributes": [("Account._lock", "py-lock", ours_to_theirs),
                   ("Account._lock", "py-lock", theirs_to_ours)],
}


def main():
    seconds = float(sys.argv[1])
    circles = []
    for kind in sys.argv[2:]:
        arrived[kind] = []
        circles.append([(watch, start(function, watch, daemon=True)) for watch, function in
                        [(Watch(name, lock_kind), function)
                         for name, lock_kind, function in KINDS[kind]]])
    wait_until(lambda: all(is_waiting(thread) for circle in circles for _, thread in circle))
    say(formed_ns=time.time_ns(),
        circles=[[{"tid": tid(thread), "held_by": tid(circle[(i + 1) % len(circle)][1]),
                   "lock": watch.name, "line": watch.line()}
                  for i, (watch, thread) in enumerate(circle)] for circle in circles])
    time.sleep(seconds)


if __name__ == "__main__":
    main()

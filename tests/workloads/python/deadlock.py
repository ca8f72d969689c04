# SPDX-License-Identifier: GPL-2.0-only
"""deadlock.py KIND [SECONDS]: two threads that wait for each other. KIND: with (two Locks, each in
a `with` block), rlock, mixed (a Lock and a Condition's), attributes (of two objects), three (threads)."""
import sys
import threading
import time

from truth import Watch, is_waiting, module_name, say, start, tid, wait_until

red_lock = threading.Lock()
blue_lock = threading.Lock()
green_lock = threading.Lock()
outer_rlock = threading.RLock()
inner_rlock = threading.RLock()
mixed_lock = threading.Lock()
mixed_cond = threading.Condition()
taken = []


def both(n):
    taken.append(n)
    while len(taken) < n_threads:
        time.sleep(0.001)


def red_then_blue(watch):
    with red_lock:
        both(0)
        watch.want("blue")
        with blue_lock:  # wait: blue
            pass


def blue_then_red(watch):
    with blue_lock:
        both(1)
        watch.want("red")
        with red_lock:  # wait: red
            pass


def blue_then_green(watch):
    with blue_lock:
        both(1)
        watch.want("green")
        with green_lock:  # wait: green
            pass


def green_then_red(watch):
    with green_lock:
        both(2)
        watch.want("red again")
        with red_lock:  # wait: red again
            pass


def outer_then_inner(watch):
    with outer_rlock, outer_rlock:
        both(0)
        watch.want("inner")
        with inner_rlock:  # wait: inner
            pass


def inner_then_outer(watch):
    inner_rlock.acquire()
    both(1)
    watch.want("outer")
    outer_rlock.acquire()  # wait: outer


def lock_then_cond(watch):
    with mixed_lock:
        both(0)
        watch.want("cond")
        with mixed_cond:  # wait: cond
            pass


def cond_then_lock(watch):
    with mixed_cond:
        both(1)
        watch.want("lock")
        with mixed_lock:  # wait: lock
            pass


class Account:
    def __init__(self):
        self._lock = threading.Lock()

    def transfer(self, other, turn, watch):
        with self._lock:
            both(turn)
            watch.want("account")
            with other._lock:  # wait: account
                pass


def attributes(watches):
    one, two = Account(), Account()
    return [start(one.transfer, two, 0, watches[0], daemon=True),
            start(two.transfer, one, 1, watches[1], daemon=True)]


# name of the lock that each thread wants, in turn; what it runs
KINDS = {
    "with": [("blue_lock", "py-lock", red_then_blue), ("red_lock", "py-lock", blue_then_red)],
    "rlock": [("inner_rlock", "py-rlock", outer_then_inner),
              ("outer_rlock", "py-rlock", inner_then_outer)],
    "mixed": [("mixed_cond", "py-rlock", lock_then_cond), ("mixed_lock", "py-lock", cond_then_lock)],
    "three": [("blue_lock", "py-lock", red_then_blue), ("green_lock", "py-lock", blue_then_green),
              ("red_lock", "py-lock", green_then_red)],
    "attributes": [("Account._lock", "py-lock", None), ("Account._lock", "py-lock", None)],
}
kind = sys.argv[1]
n_threads = len(KINDS[kind])


def main():
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 4
    wanted = [(name if "." in name else f"{module_name()}.{name}", lock_kind, function)
              for name, lock_kind, function in KINDS[kind]]
    watches = [Watch(name, lock_kind) for name, lock_kind, _ in wanted]
    if kind == "attributes":
        threads = attributes(watches)
    else:
        threads = [start(row[2], watch, daemon=True) for row, watch in zip(wanted, watches)]
    wait_until(lambda: all(map(is_waiting, threads)))
    # who has what a thread wants: the thread before it in the list has its own first lock last
    say(formed_ns=time.time_ns(),
        cycle=[{"tid": tid(thread), "held_by": tid(threads[(i + 1) % n_threads]),
                "lock": watch.name, "name": thread.name} for i, (thread, watch)
               in enumerate(zip(threads, watches))])
    time.sleep(seconds)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only
"""constructs.py [NAME...]: every construct of threading and queue, contended, each by its own
threads, some at once. Critical sections sleep, so that hardly anybody waits for the GIL. All locks
are there from the beginning: none gets the memory of another one."""
import atexit
import importlib
import os
import queue
import shutil
import sys
import tempfile
import threading
import time

from truth import Watch, say, settle, start

TURNS = 25  # of each thread
HOLD = 0.016
AT_ONCE = 6  # constructs: the more, the more threads wake at the same time and want the GIL
cases = {}


def case(function):
    cases[function.__name__] = function
    return function


def turn():
    time.sleep(HOLD)


def pause():
    """Between turns: who waited comes first."""
    time.sleep(0.001)


def threads_of(n, function, *args):
    return [start(function, *args) for _ in range(n)]


def fed(waiters, feed):
    """feed() again and again, until the waiters have ended."""
    def feeder():
        while any(thread.is_alive() for thread in waiters):
            time.sleep(HOLD)
            feed()

    return waiters + [start(feeder)]


# ---- Lock: global, attribute, local, in a wrapper ----

big_lock = threading.Lock()


def take_global(watch):
    for _ in range(TURNS):
        since = watch.want("global")
        with big_lock:  # wait: global
            since = watch.got(since)
            turn()
            watch.release(since)
        pause()


@case
def global_lock():
    return threads_of(3, take_global, Watch("{module}.big_lock", "py-lock", counted=True))


class UserCache:
    def __init__(self):
        self._meta_lock = threading.Lock()

    def refresh(self, watch):
        for _ in range(TURNS):
            since = watch.want("attribute")
            self._meta_lock.acquire()  # wait: attribute
            since = watch.got(since)
            turn()
            watch.release(since)
            self._meta_lock.release()
            pause()


cache = UserCache()


@case
def attribute_lock():
    return threads_of(3, cache.refresh, Watch("UserCache._meta_lock", "py-lock", counted=True))


def take_local(mine, watch):
    for _ in range(TURNS):
        since = watch.want("local")
        with mine:  # wait: local
            since = watch.got(since)
            turn()
            watch.release(since)
        pause()


passed_on = [threading.Lock()]


@case
def local_lock():
    watch = Watch("take_local.<locals>.mine", "py-lock", counted=True)
    return threads_of(2, take_local, passed_on[0], watch)


class TimedLock:
    """The wrapper class that everybody writes."""

    def __init__(self, watch):
        self._inner = threading.Lock()
        self._watch = watch
        self._since = 0

    def __enter__(self):
        since = self._watch.want("wrapper")
        self._inner.acquire()  # wait: wrapper
        self._since = self._watch.got(since)
        return self

    def __exit__(self, *exception):
        self._watch.release(self._since)
        self._inner.release()


def take_wrapped(lock):
    for _ in range(TURNS):
        with lock:
            turn()
        pause()


timed = TimedLock(Watch("TimedLock._inner", "py-lock", counted=True))


@case
def wrapped_lock():
    return threads_of(3, take_wrapped, timed)


# ---- RLock ----

tree_lock = threading.RLock()


def walk_tree(watch, depth):
    if depth:
        with tree_lock:
            walk_tree(watch, depth - 1)
    else:
        turn()


def take_rlock(watch):
    for _ in range(TURNS):
        since = watch.want("rlock")
        with tree_lock:  # wait: rlock
            since = watch.got(since)
            walk_tree(watch, 3)
            watch.release(since)
        pause()


@case
def rlock():
    return threads_of(3, take_rlock, Watch("{module}.tree_lock", "py-rlock", counted=True))


# ---- Condition, Event, Barrier ----

changed = threading.Condition()


def wait_changed(watch):
    for _ in range(TURNS):
        with changed:
            since = watch.want("condition")
            changed.wait()  # wait: condition
            watch.got(since)


def notify_changed():
    with changed:
        changed.notify_all()


@case
def condition():
    watch = Watch("{module}.changed", "py-condition", idle=True)
    return fed(threads_of(2, wait_changed, watch), notify_changed)


started = threading.Event()


def wait_started(watch):
    for _ in range(TURNS):
        since = watch.want("event")
        started.wait()  # wait: event
        watch.got(since)


def set_started():
    started.set()
    started.clear()


@case
def event():
    watch = Watch("{module}.started", "py-event", idle=True)
    return fed(threads_of(2, wait_started, watch), set_started)


gate = threading.Barrier(3)


def early(watch):
    for _ in range(TURNS // 2):
        since = watch.want("barrier")
        gate.wait()  # wait: barrier
        watch.got(since)


def late():
    for _ in range(TURNS // 2):
        time.sleep(3 * HOLD)
        while gate.n_waiting < 2:
            pause()
        gate.wait()


@case
def barrier():
    watch = Watch("{module}.gate", "py-barrier", idle=True)
    return threads_of(2, early, watch) + [start(late)]


# ---- semaphores ----

slots = threading.Semaphore(2)


def take_slot(watch):
    for _ in range(TURNS):
        since = watch.want("semaphore")
        with slots:  # wait: semaphore
            since = watch.got(since)
            turn()
            watch.release(since)
        pause()


@case
def semaphore():
    return threads_of(4, take_slot, Watch("{module}.slots", "py-semaphore"))


bounded = threading.BoundedSemaphore(1)


def take_bounded(watch):
    for _ in range(TURNS):
        since = watch.want("bounded")
        bounded.acquire()  # wait: bounded
        since = watch.got(since)
        turn()
        watch.release(since)
        bounded.release()
        pause()


@case
def bounded_semaphore():
    return threads_of(3, take_bounded, Watch("{module}.bounded", "py-semaphore"))


# ---- queues ----

jobs = queue.Queue()


def get_job(watch):
    for _ in range(TURNS):
        since = watch.want("get")
        jobs.get()  # wait: get
        watch.got(since)


@case
def queue_get():
    watch = Watch("{module}.jobs", "py-queue", idle=True)
    return fed(threads_of(2, get_job, watch), lambda: jobs.put(1))


full = queue.Queue(maxsize=1)


def put_result(watch):
    for _ in range(TURNS):
        since = watch.want("put")
        full.put(1)  # wait: put
        watch.got(since)


def drain():
    for _ in range(2 * TURNS):
        turn()
        while full.empty():
            pause()
        full.get()


@case
def queue_put():
    return threads_of(2, put_result, Watch("{module}.full", "py-queue")) + [start(drain)]


mail = queue.SimpleQueue()


def get_mail(watch):
    for _ in range(TURNS):
        since = watch.want("mail")
        mail.get()  # wait: mail
        watch.got(since)


@case
def simple_queue():
    watch = Watch("{module}.mail", "py-queue", idle=True)
    return fed(threads_of(1, get_mail, watch), lambda: mail.put(1))


# ---- join, import ----

def short_lived():
    time.sleep(45 * HOLD)


def join_it(watch):
    child = start(short_lived)
    since = watch.want("join")
    child.join()  # wait: join
    watch.got(since)


@case
def join():
    return threads_of(1, join_it, Watch("join_it.<locals>.child", "join", idle=True))


def import_first():
    importlib.import_module("slow_to_import")


def import_second(watch):
    time.sleep(2 * HOLD)
    since = watch.want("import")
    import slow_to_import  # wait: import
    watch.got(since)
    assert slow_to_import.ready


@case
def import_lock():
    place = tempfile.mkdtemp()
    with open(os.path.join(place, "slow_to_import.py"), "w", encoding="ascii") as module:
        module.write(f"import time\ntime.sleep({45 * HOLD})\nready = True\n")
    sys.path.append(place)
    atexit.register(shutil.rmtree, place)
    watch = Watch("import slow_to_import", "py-lock")
    return [start(import_first), start(import_second, watch)]


# ---- a reader-writer lock built by hand from two Locks ----

class RWLock:
    def __init__(self):
        self._readers_lock = threading.Lock()
        self._writer_lock = threading.Lock()
        self._readers = 0

    def read(self, readers_watch, writer_watch):
        for _ in range(TURNS):
            since = readers_watch.want("readers")
            self._readers_lock.acquire()  # wait: readers
            since = readers_watch.got(since)
            self._readers += 1
            if self._readers == 1:
                first = writer_watch.want("first reader")
                self._writer_lock.acquire()  # wait: first reader
                self._taken = writer_watch.got(first)
            readers_watch.release(since)
            self._readers_lock.release()
            turn()
            since = readers_watch.want("readers leave")
            self._readers_lock.acquire()  # wait: readers leave
            since = readers_watch.got(since)
            self._readers -= 1
            if self._readers == 0:
                writer_watch.release(self._taken)
                self._writer_lock.release()
            readers_watch.release(since)
            self._readers_lock.release()
            turn()

    def write(self, watch):
        for _ in range(TURNS):
            since = watch.want("writer")
            self._writer_lock.acquire()  # wait: writer
            since = watch.got(since)
            turn()
            watch.release(since)
            self._writer_lock.release()
            turn()


rwlock = RWLock()


@case
def readers_writers():
    readers_watch = Watch("RWLock._readers_lock", "py-lock", counted=True)
    writer_watch = Watch("RWLock._writer_lock", "py-lock", counted=True)
    return threads_of(3, rwlock.read, readers_watch, writer_watch) + \
        threads_of(2, rwlock.write, writer_watch)


# ---- time-outs ----

busy = threading.Lock()


def keep_busy():
    with busy:
        time.sleep(40 * HOLD)


def try_busy(watch):
    taken = False
    while not taken:
        since = watch.want("time-outs")
        taken = busy.acquire(timeout=0.05)  # wait: time-outs
        (watch.got if taken else watch.gave_up)(since)
    busy.release()


@case
def timeouts():
    keeper = start(keep_busy)
    time.sleep(0.01)
    return [keeper, start(try_busy, Watch("{module}.busy", "py-lock"))]


def main():
    settle()
    names = sys.argv[1:] or list(cases)
    for first in range(0, len(names), AT_ONCE):
        threads = []
        for name in names[first:first + AT_ONCE]:
            threads += cases[name]()
        for thread in threads:
            while thread.is_alive():  # join() would be one more wait of its kind
                time.sleep(0.02)
    say()


if __name__ == "__main__":
    main()

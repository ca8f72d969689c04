# SPDX-License-Identifier: GPL-2.0-only
"""pitfalls.py WHAT [SECONDS]: what people get wrong with locks in Python, one at a time. Prints its
truth as soon as it stands; then goes on for so long, and ends itself."""
import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

from truth import Watch, is_waiting, say, start, tid, wait_until

exit_lock = threading.Lock()
registry_lock = threading.Lock()
config_lock = threading.Lock()
stuck_lock = threading.Lock()
counter_lock = threading.Lock()


def hold(lock, seconds):
    """Again and again, with hardly a break."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with lock:
            time.sleep(0.2)


def hold_for_ever(lock):
    with lock:
        time.sleep(1000)


def until_it_waits(thread, **more):
    wait_until(lambda: is_waiting(thread))
    say(waiter=tid(thread), **more)


# ---- a daemon thread that holds a lock when the interpreter ends ----

def say_when_main_waits(holder):
    until_it_waits(threading.main_thread(), holder=tid(holder))


def want_at_exit(watch):
    watch.want("exit")
    with exit_lock:  # wait: exit
        pass


def daemon_at_exit(seconds):
    watch = Watch("{module}.exit_lock", "py-lock")
    holder = start(hold_for_ever, exit_lock, daemon=True)
    wait_until(exit_lock.locked)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds) or 1)
    atexit.register(want_at_exit, watch)
    start(say_when_main_waits, holder, daemon=True)


# ---- a lock in __del__ ----

class Resource:
    watch = None

    def __init__(self):
        self.me = self  # a cycle: the collector ends it, wherever it may come

    def __del__(self):
        self.watch.want("del")
        with registry_lock:  # wait: del
            pass


def drop(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        Resource()
        gc.collect()


def lock_in_del(seconds):
    Resource.watch = Watch("{module}.registry_lock", "py-lock")
    start(hold, registry_lock, seconds)
    wait_until(registry_lock.locked)
    until_it_waits(start(drop, seconds))


# ---- a lock that is wanted while a module is imported ----

PLUGIN = "import plugins_host\nplugins_host.register()\n"


def register():
    Register.watch.want("import")
    with config_lock:  # wait: import
        time.sleep(0.001)


class Register:
    watch = None


def import_plugins(place, seconds):
    end = time.monotonic() + seconds
    for i in range(1000):
        if time.monotonic() > end:
            return
        with open(os.path.join(place, f"plugin_{i}.py"), "w", encoding="ascii") as module:
            module.write(PLUGIN)
        __import__(f"plugin_{i}")


def lock_in_import(seconds):
    Register.watch = Watch("{module}.config_lock", "py-lock")
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place)
    sys.path.append(place)
    sys.modules["plugins_host"] = sys.modules["__main__"]
    sys.dont_write_bytecode = True
    start(hold, config_lock, seconds)
    wait_until(config_lock.locked)
    until_it_waits(start(import_plugins, place, seconds))


# ---- acquire(timeout=...) that times out again and again ----

def keep_trying(watch):
    while True:
        since = watch.want("stuck")
        if stuck_lock.acquire(timeout=0.05):  # wait: stuck
            return
        watch.gave_up(since)


def timing_out(seconds):
    watch = Watch("{module}.stuck_lock", "py-lock")
    holder = start(hold_for_ever, stuck_lock, daemon=True)
    wait_until(stuck_lock.locked)
    waiter = start(keep_trying, watch, daemon=True)
    wait_until(lambda: watch.timeouts)
    say(waiter=tid(waiter), holder=tid(holder))
    time.sleep(seconds)


# ---- a writer that never comes first, because readers overlap ----

class RWLock:
    def __init__(self):
        self._readers_lock = threading.Lock()
        self._writer_lock = threading.Lock()
        self._readers = 0

    def begin_read(self):
        with self._readers_lock:
            self._readers += 1
            if self._readers == 1:
                self._writer_lock.acquire()

    def end_read(self):
        with self._readers_lock:
            time.sleep(0.0005)  # so that readers meet here
            self._readers -= 1
            if self._readers == 0:
                self._writer_lock.release()

    def write(self, watch):
        watch.want("writer")
        with self._writer_lock:  # wait: writer
            time.sleep(0.001)


def read(lock, end):
    while time.monotonic() < end:
        lock.begin_read()
        time.sleep(0.004)
        lock.end_read()


def writer_starving(seconds):
    watch = Watch("RWLock._writer_lock", "py-lock")
    lock = RWLock()
    lock.begin_read()  # one that stays, so that the readers' overlap does not end by chance
    end = time.monotonic() + seconds
    for _ in range(4):
        start(read, lock, end)
    until_it_waits(start(lock.write, watch))
    time.sleep(seconds)
    lock.end_read()


# ---- nothing wrong ----

def healthy(seconds):
    """Idle threads, and a lock that now and then is wanted by two."""
    Watch("{module}.counter_lock", "py-lock")
    idle = threading.Event()
    waiter = start(idle.wait)

    def work():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with counter_lock:
                time.sleep(0.0005)
            time.sleep(0.02)

    workers = [start(work) for _ in range(2)]
    until_it_waits(waiter)
    for thread in workers:
        thread.join()
    idle.set()


WHAT = {function.__name__: function for function in
        (daemon_at_exit, lock_in_del, lock_in_import, timing_out, writer_starving, healthy)}


if __name__ == "__main__":
    WHAT[sys.argv[1]](float(sys.argv[2]) if len(sys.argv) > 2 else 5)

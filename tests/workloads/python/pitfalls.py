# SPDX-License-Identifier: GPL-2.0-only
"""pitfalls.py SECONDS WHAT...: what people get wrong with locks in Python. Prints its truth as
soon as all of it stands; then goes on for so long, and ends itself."""
import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

from truth import Watch, is_waiting, say, start, wait_until

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


def waits(thread):
    wait_until(lambda: is_waiting(thread))


# ---- a daemon thread that holds a lock when the interpreter ends ----

def say_when_main_waits(watch):
    wait_until(lambda: watch.stacks and is_waiting(threading.main_thread()))
    say()


def want_at_exit(watch):
    watch.want("exit")
    with exit_lock:  # wait: exit
        pass


def daemon_at_exit(seconds):
    watch = Watch("{module}.exit_lock", "py-lock")
    start(hold_for_ever, exit_lock, daemon=True)
    wait_until(exit_lock.locked)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds) or 1)
    atexit.register(want_at_exit, watch)
    start(say_when_main_waits, watch, daemon=True)


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
    waits(start(drop, seconds))


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
    waits(start(import_plugins, place, seconds))


# ---- acquire(timeout=...) that times out again and again ----

def keep_trying(watch):
    while True:
        since = watch.want("stuck")
        if stuck_lock.acquire(timeout=0.05):  # wait: stuck
            return
        watch.gave_up(since)


def timing_out(_seconds):
    watch = Watch("{module}.stuck_lock", "py-lock")
    start(hold_for_ever, stuck_lock, daemon=True)
    wait_until(stuck_lock.locked)
    start(keep_trying, watch, daemon=True)
    wait_until(lambda: watch.timeouts)


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
    waits(start(lock.write, watch, daemon=True))


# ---- nothing wrong ----

def healthy(seconds):
    """Idle threads, and a lock that now and then is wanted by two."""
    Watch("{module}.counter_lock", "py-lock")
    idle = threading.Event()
    waits(start(idle.wait, daemon=True))

    def work():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with counter_lock:
                time.sleep(0.0005)
            time.sleep(0.02)

    for _ in range(2):
        start(work)


WHAT = {function.__name__: function for function in
        (daemon_at_exit, lock_in_del, lock_in_import, timing_out, writer_starving, healthy)}


def main():
    for what in sys.argv[2:]:
        WHAT[what](float(sys.argv[1]))
    if "daemon_at_exit" in sys.argv[2:]:
        return
    say()
    time.sleep(float(sys.argv[1]))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only
"""A thread blocked in each construct of the standard library, each under each kind of name.

Says, for every thread: function, thread id, ident, kind, class, id of the object, name,
detail, case.
"""
import collections
import concurrent.futures
import logging
import multiprocessing
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
import types

CASES = []
QUALIFIED = sys.version_info >= (3, 11)


def blocked(kind, idle, name, obj=None, detail="-", user=None):
    """Declares what a thread that runs the function below waits for; user: in a frame of it."""

    def wrap(function):
        CASES.append((user or function.__name__, function, kind, "idle" if idle else "contention",
                      name, obj, detail))
        return function

    return wrap


def held(lock):
    lock.acquire()
    return lock


LOCK, IDLE = False, True
APP = "python_waits."

big_lock = held(threading.Lock())
timed_lock = held(threading.Lock())
passed_lock = held(threading.Lock())
locks = {"alpha": threading.Lock(), "beta": held(threading.Lock())}
numbered = {7: held(threading.Lock()), 8: threading.Lock()}
shards = [threading.Lock() for _ in range(5)]
shards[3].acquire()
left_over = shards[3]
settings = types.ModuleType("settings")
settings.gate = held(threading.Lock())
again = threading.Condition()
again_plain = threading.Condition(threading.Lock())
entered = threading.Condition()
cond = threading.Condition()
event = threading.Event()
barrier = threading.Barrier(2)
semaphore = threading.Semaphore(0)
bounded = threading.BoundedSemaphore(1)
bounded.acquire()
empty = queue.Queue()
full = queue.Queue(1)
full.put(1)
joined = queue.LifoQueue()
joined.put(1)
busy = queue.Queue()
simple = queue.SimpleQueue()
py_simple = queue._PySimpleQueue()
mp_lock = multiprocessing.Lock()
mp_lock.acquire()
mp_semaphore = multiprocessing.Semaphore(0)
mp_event = multiprocessing.Event()
py_rlock = threading._PyRLock()
r_lock = threading.RLock()
future = concurrent.futures.Future()
tangle = collections.deque([threading.RLock()])
knot = [tangle]
knot.append(knot)
sleeper = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
sleeper.start()


@blocked("py-lock", LOCK, APP + "big_lock")
def global_with():
    with big_lock:
        pass


@blocked("py-lock", LOCK, APP + "timed_lock")
def global_timed():
    timed_lock.acquire(timeout=1000)


@blocked("py-rlock", LOCK, APP + "r_lock")
def global_rlock():
    with r_lock:
        pass


@blocked("py-rlock", LOCK, APP + "py_rlock")
def global_py_rlock():
    with py_rlock:
        pass


@blocked("py-rlock", LOCK, "-")
def nameless():
    return knot, tangle[0].acquire()


def take(lock):
    lock.acquire()


@blocked("py-lock", LOCK, APP + "passed_lock", user="take")
def passed():
    take(passed_lock)


@blocked("py-lock", LOCK, "local_lock.<locals>.mine")
def local_lock():
    mine = held(threading.Lock())
    mine.acquire()


@blocked("py-lock", LOCK, "many_locals.<locals>.last")
def many_locals():
    a, b, c, d, e, f, g, h = range(8)
    last = held(threading.Lock())
    with last:
        return a, b, c, d, e, f, g, h


@blocked("py-lock", LOCK, ("closure.<locals>." if QUALIFIED else "") + "inner.<locals>.hidden",
         user="inner")
def closure():
    hidden = held(threading.Lock())

    def inner():
        with hidden:
            pass

    inner()


@blocked("py-lock", LOCK, "cell.<locals>.hidden")
def cell():
    hidden = held(threading.Lock())
    with hidden:
        return lambda: hidden


@blocked("py-lock", LOCK, "settings.gate")
def module_attribute():
    with settings.gate:
        pass


@blocked("py-lock", LOCK, APP + "locks[beta]")
def dict_item():
    with locks["beta"]:
        pass


@blocked("py-lock", LOCK, APP + "numbered[7]")
def number_item():
    with numbered[7]:
        pass


@blocked("py-lock", LOCK, APP + "shards[3]")
def list_item():
    with shards[3]:
        pass


class Store:
    def __init__(self):
        self.guard = held(threading.Lock())
        self.stripes = (threading.Lock(), held(threading.Lock()))


class UserCache:
    shared = held(threading.Lock())

    def __init__(self):
        self._meta_lock = held(threading.Lock())
        self.__hidden = held(threading.RLock())
        self.store = Store()
        self.wake = threading.Event()

    def refresh(self):
        with self._meta_lock:
            pass

    def private(self):
        with self.__hidden:
            pass

    def nested(self):
        with self.store.guard:
            pass

    def nested_item(self):
        with self.store.stripes[1]:
            pass

    @classmethod
    def of_class(cls):
        with cls.shared:
            pass

    def of_instance(self):
        with self.shared:
            pass

    def idle(self):
        self.wake.wait()


class Derived(UserCache):
    pass


class Slotted:
    __slots__ = ("a", "latch")

    def __init__(self):
        self.latch = held(threading.Lock())

    def wait(self):
        with self.latch:
            pass


class Many:
    def __init__(self):
        for i in range(60):
            setattr(self, "a%d" % i, i)
        self.last = held(threading.Lock())
        vars(self)

    def wait(self):
        with self.last:
            pass


class RWLock:
    def __init__(self):
        self._readers_lock = held(threading.Lock())
        self._writer_lock = held(threading.Lock())

    def read(self):
        with self._readers_lock:
            pass

    def write(self):
        self._writer_lock.acquire()


cache, derived, slotted, many, rwlock = UserCache(), Derived(), Slotted(), Many(), RWLock()
blocked("py-lock", LOCK, "UserCache._meta_lock")(cache.refresh)
blocked("py-lock", LOCK, "Derived._meta_lock")(derived.refresh)
blocked("py-rlock", LOCK, "UserCache.__hidden")(cache.private)
blocked("py-lock", LOCK, "Store.guard")(cache.nested)
blocked("py-lock", LOCK, "Store.stripes[1]")(cache.nested_item)
blocked("py-lock", LOCK, "UserCache.shared")(UserCache.of_class)
blocked("py-lock", LOCK, "UserCache.shared")(derived.of_instance)
blocked("py-event", IDLE, "UserCache.wake", cache.wake)(cache.idle)
blocked("py-lock", LOCK, "Slotted.latch")(slotted.wait)
blocked("py-lock", LOCK, "Many.last")(many.wait)
blocked("py-lock", LOCK, "RWLock._readers_lock")(rwlock.read)
blocked("py-lock", LOCK, "RWLock._writer_lock")(rwlock.write)


@blocked("py-condition", IDLE, APP + "cond", cond)
def condition_wait():
    with cond:
        cond.wait()


@blocked("py-condition", IDLE, APP + "cond", cond)
def condition_wait_for():
    with cond:
        cond.wait_for(lambda: False, 1000)


@blocked("py-rlock", LOCK, APP + "again")
def condition_again():
    with again:
        again.wait()


@blocked("py-lock", LOCK, APP + "again_plain")
def condition_again_plain():
    with again_plain:
        again_plain.wait()


@blocked("py-rlock", LOCK, APP + "entered")
def condition_enter():
    with entered:
        pass


@blocked("py-event", IDLE, APP + "event", event)
def event_wait():
    event.wait()


@blocked("py-event", IDLE, APP + "event", event)
def event_timed():
    event.wait(1000)


@blocked("py-barrier", IDLE, APP + "barrier", barrier)
def barrier_wait():
    barrier.wait()


@blocked("py-semaphore", LOCK, APP + "semaphore", semaphore)
def semaphore_acquire():
    semaphore.acquire()


@blocked("py-semaphore", LOCK, APP + "bounded", bounded)
def semaphore_with():
    with bounded:
        pass


@blocked("py-queue", IDLE, APP + "empty", empty, "get")
def queue_get():
    empty.get()


@blocked("py-queue", IDLE, APP + "empty", empty, "get")
def queue_get_timed():
    empty.get(timeout=1000)


@blocked("py-queue", LOCK, APP + "full", full, "put")
def queue_put():
    full.put(2)


@blocked("py-queue", IDLE, APP + "joined", joined, "join")
def queue_join():
    joined.join()


@blocked("py-lock", LOCK, APP + "busy")
def queue_mutex():
    busy.put(1)


@blocked("py-queue", IDLE, APP + "simple", simple, "get")
def simple_get():
    simple.get()


@blocked("py-queue", IDLE, APP + "py_simple", py_simple, "get")
def py_simple_get():
    py_simple.get()


@blocked("join", IDLE, APP + "sleeper", sleeper)
def join_thread():
    sleeper.join()


@blocked("join", IDLE, "join_local.<locals>.t")
def join_local():
    t = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
    t.start()
    t.join(1000)


@blocked("py-condition", IDLE, "Future._condition", future._condition)
def future_result():
    future.result()


@blocked("py-event", IDLE, "_AllCompletedWaiter.event")
def futures_wait():
    concurrent.futures.wait([future])


@blocked("py-lock", LOCK, "import slow_module", detail="import")
def import_slow():
    import slow_module


@blocked("py-rlock", LOCK, "StreamHandler.lock")
def log_line():
    logging.getLogger("waits").warning("never seen")


@blocked("py-lock", LOCK, APP + "mp_lock")
def mp_with():
    with mp_lock:
        pass


@blocked("py-semaphore", LOCK, APP + "mp_semaphore")
def mp_acquire():
    mp_semaphore.acquire()


@blocked("py-event", IDLE, APP + "mp_event", mp_event)
def mp_wait():
    mp_event.wait()


def hold_what_threads_want():
    """Locks that only their owner may have, by this thread; cond: woken while its lock is held."""
    again.acquire()
    again.notify_all()
    again_plain.acquire()
    again_plain.notify_all()


def where(t):
    with open("/proc/self/task/%d/syscall" % t.native_id) as f:
        return f.read()


def settle(threads):
    """Returns when all of them have slept in the same call for a while: 202 is futex."""
    calls = None
    for _ in range(300):
        time.sleep(0.15)
        before, calls = calls, [where(t) for t in threads]
        if calls == before and all(c.startswith("202 ") for c in calls):
            return


def start(function):
    t = threading.Thread(target=function, daemon=True)
    t.start()
    return t


def main():
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "slow_module.py"), "w") as f:
        f.write("import time\ntime.sleep(1000)\n")
    sys.path.insert(0, folder)
    start(lambda: __import__("slow_module"))
    handler = logging.StreamHandler()
    logging.getLogger("waits").addHandler(handler)
    handler.acquire()
    r_lock.acquire()
    py_rlock.acquire()
    tangle[0].acquire()
    entered.acquire()
    busy.mutex.acquire()
    timer = threading.Timer(1000, print)
    timer.daemon = True
    timer.start()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.submit(int).result()
    time.sleep(0.2)
    threads = [(start(case[1]), case) for case in CASES]

    threads.append((timer, ("run", None, "py-event", "idle", "Timer.finished", timer.finished,
                            "-")))
    threads.append((list(pool._threads)[0],
                    ("_worker", None, "py-queue", "idle", "_worker.<locals>.work_queue",
                     pool._work_queue, "get")))
    settle([t for t, _ in threads])
    hold_what_threads_want()
    settle([t for t, _ in threads])
    shutil.rmtree(folder)
    for t, (user, function, kind, idle, name, obj, detail) in threads:
        print(user, t.native_id, t.ident, kind, idle, 0 if obj is None else id(obj), name, detail,
              getattr(function, "__name__", user), sep="\t")
    print("end", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()

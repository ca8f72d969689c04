# SPDX-License-Identifier: GPL-2.0-only
"""stacks.py [NAME...]: waits under stacks that are hard to follow: C functions that call back into
Python, calls of C callbacks, deep recursion, generators, decorators, lines that go on."""
import ctypes
import functools
import sys
import threading
import time

from truth import Watch, say, settle, start

TURNS = 12
HOLD = 0.02
DEPTH = 200
cases = {}


def case(function):
    cases[function.__name__] = function
    return function


def keep(lock):
    """The other side: has the lock half of the time."""
    for _ in range(TURNS):
        with lock:
            time.sleep(HOLD)
        time.sleep(HOLD / 10)


def contend(lock, wait):
    def waiter():
        time.sleep(HOLD / 4)
        for _ in range(TURNS):
            wait()
            time.sleep(HOLD / 20)

    return [start(keep, lock), start(waiter)]


sorted_lock = threading.Lock()


def by_key(watch, value):
    since = watch.want("sorted")
    with sorted_lock:  # wait: sorted
        watch.got(since)
    return value


@case
def in_sorted():
    watch = Watch("{module}.sorted_lock", "py-lock")
    return contend(sorted_lock, lambda: sorted([1], key=functools.partial(by_key, watch)))


reduced_lock = threading.Lock()


def add(watch, total, value):
    since = watch.want("reduce")
    with reduced_lock:  # wait: reduce
        watch.got(since)
    return total + value


@case
def in_reduce():
    watch = Watch("{module}.reduced_lock", "py-lock")
    return contend(reduced_lock, lambda: functools.reduce(functools.partial(add, watch), [1, 2]))


compared_lock = threading.Lock()
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


@case
def in_callback():
    watch = Watch("{module}.compared_lock", "py-lock")
    libc = ctypes.CDLL(None)
    values = (ctypes.c_int * 2)(2, 1)

    def compare(_a, _b):
        since = watch.want("callback")
        with compared_lock:  # wait: callback
            watch.got(since)
        return 0

    callback = COMPARE(compare)
    return contend(compared_lock, lambda: libc.qsort(
        values, ctypes.c_size_t(2), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int)), callback))


deep_lock = threading.Lock()


def descend(watch, depth):
    if depth:
        descend(watch, depth - 1)
        return
    since = watch.want("deep")
    with deep_lock:  # wait: deep
        watch.got(since)


@case
def in_recursion():
    watch = Watch("{module}.deep_lock", "py-lock")
    return contend(deep_lock, lambda: descend(watch, DEPTH))


generator_lock = threading.Lock()


def numbers(watch):
    for number in range(3):
        since = watch.want("generator")
        with generator_lock:  # wait: generator
            watch.got(since)
        yield number


def count(watch):
    for _ in numbers(watch):
        time.sleep(HOLD / 20)


@case
def in_generator():
    watch = Watch("{module}.generator_lock", "py-lock")
    return contend(generator_lock, lambda: count(watch))


decorated_lock = threading.Lock()


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Shop:
    @logged
    def sell(self, watch):
        since = watch.want("decorated")
        if (len("a call that goes on")
                and decorated_lock.acquire(  # wait: decorated
                    True,
                    5)):
            watch.got(since)
            decorated_lock.release()


@case
def in_decorated():
    watch = Watch("{module}.decorated_lock", "py-lock")
    shop = Shop()
    return contend(decorated_lock, lambda: shop.sell(watch))


def main():
    settle()
    threads = []
    for name in sys.argv[1:] or cases:
        threads += cases[name]()
    for thread in threads:
        while thread.is_alive():
            time.sleep(0.02)
    say()


if __name__ == "__main__":
    main()

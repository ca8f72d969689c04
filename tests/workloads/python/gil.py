# SPDX-License-Identifier: GPL-2.0-only
"""gil.py [SECONDS [THREADS]]: threads that compute, and share one GIL: each waits for it whenever
it does not run, but for what it waits for a CPU."""
import os
import sys
import time

from truth import say, settle, start, tid


def spin(end):
    total = 0
    while time.monotonic() < end:
        for i in range(1000):
            total += i * i
    return total


def run_delay():
    """How long this thread had no CPU, be it with the GIL or when it was given it."""
    with open("/proc/thread-self/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1])


def compute(times, begin, end):
    while time.monotonic() < begin:
        time.sleep(0.001)
    began, ran, delayed = time.perf_counter_ns(), time.thread_time_ns(), run_delay()
    spin(end)
    ran, delayed = time.thread_time_ns() - ran, run_delay() - delayed
    wait = time.perf_counter_ns() - began - ran
    times.append({"tid": tid(), "wait_ns": wait, "slept_ns": wait - delayed, "ran_ns": ran})


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    if len(os.sched_getaffinity(0)) < n:
        sys.exit(77)
    settle()
    times = []
    begin = time.monotonic() + 0.1
    threads = [start(compute, times, begin, begin + seconds) for _ in range(n)]
    for thread in threads:
        while thread.is_alive():
            time.sleep(0.05)
    say(threads=times, wait_ns=sum(t["wait_ns"] for t in times),
        slept_ns=sum(t["slept_ns"] for t in times))


if __name__ == "__main__":
    main()

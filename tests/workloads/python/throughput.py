# SPDX-License-Identifier: GPL-2.0-only
"""throughput.py [SECONDS]: two threads that take one lock as often as they can, some 5,000 times a
second, contended nearly always; prints how often they did."""
import sys
import threading
import time

from truth import say, start

lock = threading.Lock()


def take(counts, end):
    n = 0
    while time.monotonic() < end:
        with lock:
            time.sleep(0.0001)
            n += 1
    counts.append(n)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    counts = []
    began = time.monotonic()
    threads = [start(take, counts, began + seconds) for _ in range(2)]
    for thread in threads:
        while thread.is_alive():
            time.sleep(0.05)
    took = time.monotonic() - began
    say(acquired=sum(counts), rate=sum(counts) / took)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only
"""totals.py FILE: notes the running totals of `contend ... FILE` every 10 ms, as lines of real time
and wait in ns, until it is ended."""
import mmap
import struct
import sys
import time

SLOT = struct.Struct("<QQQQ")


def slot_read(memory, offset):
    """One thread's totals, read again while they were being written."""
    while True:
        before = SLOT.unpack_from(memory, offset)
        if before[0] % 2 == 0 and SLOT.unpack_from(memory, offset) == before:
            return before


with open(sys.argv[1], "rb") as f:
    memory = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
threads, _ = struct.unpack_from("<QQ", memory, 0)
while True:
    wait = 0
    for i in range(threads):
        _, done, since, _ = slot_read(memory, 16 + i * SLOT.size)
        wait += done + (max(0, time.clock_gettime_ns(time.CLOCK_MONOTONIC) - since) if since else 0)
    print(time.clock_gettime_ns(time.CLOCK_REALTIME), wait, flush=True)
    time.sleep(0.01)

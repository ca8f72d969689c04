# SPDX-License-Identifier: GPL-2.0-only
"""subinterpreters.py [SECONDS]: two interpreters with a GIL each (3.12 on); in each of them two
threads compute. Exit status 77: this Python has none."""
import os
import sys
import threading
import time

from truth import say, settle, tid

# By _thread: 3.12's threading waits for ever at the end of an interpreter that ran in a thread.
CODE = """
import _thread, time
ended = []
def sub_compute(end):
    total = 0
    while time.monotonic() < end:
        for i in range(1000):
            total += i * i
    ended.append(total)
for _ in range(2):
    _thread.start_new_thread(sub_compute, ({end},))
while len(ended) < 2:
    time.sleep(0.05)
"""


def interpreters():
    """(create, run, destroy) of an interpreter with its own GIL."""
    if sys.version_info >= (3, 13):
        import _interpreters as module
        return (lambda: module.create("isolated", reqrefs=False), module.exec, module.destroy)
    if sys.version_info >= (3, 12):
        import _xxsubinterpreters as module
        return (lambda: module.create(isolated=True), module.run_string, module.destroy)
    sys.exit(77)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2
    if len(os.sched_getaffinity(0)) < 4:
        sys.exit(77)
    settle()
    create, run, destroy = interpreters()
    own = [create() for _ in range(2)]
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=run, args=(one, CODE.format(end=end)), name=f"sub {i}")
               for i, one in enumerate(own)]
    for thread in threads:
        thread.start()
    numbers = [tid(thread) for thread in threads]
    for thread in threads:
        while thread.is_alive():
            time.sleep(0.05)
    for one in own:
        destroy(one)
    say(runners=numbers, interpreters=len(own))


if __name__ == "__main__":
    main()

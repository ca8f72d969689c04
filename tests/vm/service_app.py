# SPDX-License-Identifier: GPL-2.0-only
"""Three threads that want one lock, for ever."""
import threading
import time

accounts_lock = threading.Lock()


def teller():
    while True:
        with accounts_lock:
            time.sleep(0.02)


for _ in range(3):
    threading.Thread(target=teller).start()

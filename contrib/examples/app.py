# SPDX-License-Identifier: GPL-2.0-only
import threading, time, queue, random
class UserCache:
    def __init__(self):
        self._meta_lock = threading.Lock()
        self.data = {}
    def refresh(self, k):
        with self._meta_lock:
            time.sleep(0.004)
            self.data[k] = time.time()
cache = UserCache()
stats_lock = threading.RLock()
jobs = queue.Queue()
def hot(n):
    x = 0
    while True:
        for i in range(20000): x += i*i
        with stats_lock:
            time.sleep(0.0005)
def refresher():
    while True:
        cache.refresh(random.random())
def worker():
    while True:
        jobs.get()
for i in range(4): threading.Thread(target=refresher, name=f"refresher-{i}", daemon=True).start()
for i in range(2): threading.Thread(target=hot, args=(i,), name=f"hot-{i}", daemon=True).start()
for i in range(8): threading.Thread(target=worker, name=f"worker-{i}", daemon=True).start()
time.sleep(600)

# SPDX-License-Identifier: GPL-2.0-only
import threading, time

class TimedLock:
    def __init__(self):
        self.lock = threading.Lock()
        self.n = self.wait = self.hold = 0
    def __enter__(self):
        t = time.perf_counter(); self.lock.acquire(); self.had = time.perf_counter()
        self.n += 1; self.wait += self.had - t
    def __exit__(self, *a):
        self.hold += time.perf_counter() - self.had; self.lock.release()

accounts, audit = TimedLock(), TimedLock()
end = time.time() + 6
def teller(lock, nap, work):
    while time.time() < end:
        with lock:
            time.sleep(work)
        time.sleep(nap)
ts = [threading.Thread(target=teller, args=a) for a in [(accounts, .002, .003)] * 3 + [(audit, .01, .001)] * 2]
for t in ts: t.start()
for t in ts: t.join()
for name, l in ("accounts", accounts), ("audit", audit):
    print(f"{name}: {l.n} acquisitions, {l.wait/l.n*1e3:.2f} ms average wait, {l.hold:.2f} s hold")

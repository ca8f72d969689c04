# SPDX-License-Identifier: GPL-2.0-only
"""What the unit's sandbox let locktop -x see: service_judge.py FILE. Fails by an assertion."""
import json
import sys


def site(lock, role):
    return [s for s in lock["sites"] if s["role"] == role][0]["frames"]


def frame(frames, function):
    found = [f for f in frames if f["function"] == function]
    assert found, [f["function"] for f in frames]
    return found[0]


with open(sys.argv[1], encoding="utf-8") as file:
    last = [json.loads(line) for line in file][-1]
comms = {p["pid"]: p for p in last["processes"]}
locks = [l for l in last["locks"] if l["class"] == "contention"]

# One program below /home, a copy of it in /tmp: neither directory is the unit's own.
for module in "/home/primitives", "/tmp/primitives":
    of = [l for l in locks if l["kind"] == "mutex" and l["wait_ns"] and
          any(f["module"] == module for s in l["sites"] for f in s["frames"])]
    assert of, (module, [(l["kind"], l["name"]) for l in locks])
    lock = of[0]
    assert "wait_once" in lock["name"], lock["name"]
    for role, function in ("waiter", "wait_once"), ("waker", "step"):
        line = frame(site(lock, role), function)
        assert line["file"].endswith("primitives.c") and line["line"] > 0, line
    assert lock["acquisitions"] > 0 and lock["hold_ns"] > 0, lock

lock = [l for l in locks if l["kind"] == "py-lock"][0]
assert lock["name"].endswith("accounts_lock"), lock["name"]
line = frame(site(lock, "waiter"), "teller")
assert line["file"] == "/tmp/service_app.py" and line["line"] > 0, line
assert comms[lock["pid"]]["user"] == "root"
assert comms[lock["pid"]]["runtime"].startswith("CPython")
assert last["losses"]["stacks_unread"] == 0, last["losses"]

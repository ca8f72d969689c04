# SPDX-License-Identifier: GPL-2.0-only
"""python_judge.py SNAPSHOTS TRUTH EXPRESSION...: judge.py for Python programs, whose truth is what
tests/workloads/python/truth.py says. Names in expressions, beside those of judge.py: told_apart(),
kinds_right(), names_right(), lines_right() and waited(percent) for all locks of the truth, with the
exact tier counted(), held(percent), averages(percent); deadlocked_right(shot); gil() (rows of GILs)
and gil_functions(role); given(name, verdict)."""
import os

from judge import *  # pylint: disable=wildcard-import,unused-wildcard-import
from judge import main

LIBRARY = ("threading.py", "queue.py", "<frozen importlib")


def python(frames):
    """[function, file, line] of Python's frames, innermost first."""
    return [[f["function"], f["file"], f["line"]] for f in frames or ()
            if f["language"] == "python"]


def is_library(frame):
    file = frame[1] or ""
    return os.path.basename(file) in LIBRARY[:2] or file.startswith(LIBRARY[2]) or \
        file.endswith("importlib/__init__.py")


def user(frames):
    """From the first frame on that is the program's."""
    of = python(frames)
    while of and is_library(of[0]):
        of = of[1:]
    return of


def same(a, b):
    """Frames; files may be called by other ways to them."""
    return a[0] == b[0] and a[2] == b[2] and os.path.realpath(a[1]) == os.path.realpath(b[1])


def is_stack(frames, truncated, truth):
    """The program's part is the truth's, all of it or its inner part."""
    seen_frames = user(frames)
    if not seen_frames or len(seen_frames) > len(truth) or \
            not all(map(same, seen_frames, truth)):
        return False
    return truncated or len(seen_frames) == len(truth)


def program_rows():
    return [x for s in shots for x in s["locks"] if x["pid"] == t["pid"]]


def waits_at(row_, stack):
    """Has it a waiter on the stack's innermost line?"""
    places = [user(s["frames"]) for s in row_["sites"] if s["role"] == "waiter"]
    return any(place and same(place[0], stack[0]) for place in places)


def watched(name):
    """The lock of this name in the truth."""
    return next(w for w in t["locks"] if w["name"] and w["name"].split(".", 1)[-1] == name)


def is_foreign(watch, row_):
    """Is it used by other functions than the lock of the truth?"""
    users = {user(s["frames"])[0][0] for s in row_["sites"] if user(s["frames"])}
    return bool(users) and not users & {stack[0][0] for stack in watch["stacks"]}


def seen(watch):
    """Rows of one lock of the truth, found by its waiters' lines; all intervals. On the same lines
    threads wait for the GIL, to go on, for the lock inside of a queue or condition, and for the
    thread of the C library's that was joined: briefly."""
    inner = watch["kind"] not in ("py-lock", "py-rlock")
    wait = {}
    for x in program_rows():
        wait[x["id"]] = wait.get(x["id"], 0) + x["wait_ns"]
    ids = {x["id"] for x in program_rows() if not (x["name"] or "").startswith("GIL")
           and not (inner and x["kind"] in ("py-lock", "py-rlock"))
           and any(waits_at(x, s) for s in watch["stacks"])
           and wait[x["id"]] > 0.01 * watch["wait_ns"]}
    rows_seen = [x for x in program_rows() if x["id"] in ids]
    # at first, another lock may have been at its address
    while rows_seen and is_foreign(watch, rows_seen[0]):
        rows_seen = rows_seen[1:]
    return rows_seen


def told(watch, rows_seen):
    """Of these, the intervals in which a waiter's line tells that it is that lock."""
    return [x for x in rows_seen if any(waits_at(x, s) for s in watch["stacks"])]


def title(watch):
    return f"{watch['name']} ({watch['kind']}, line {watch['stacks'][0][0][2]})" \
        if watch["stacks"] else watch["name"]


def each(check):
    """check(watch, rows) -> complaint or None, for all locks of the truth."""
    complaints = [(title(w), check(w, seen(w))) for w in t["locks"]]
    for name, complaint in complaints:
        if complaint:
            print(f"{name}: {complaint}")
    return bool(complaints) and not any(complaint for _, complaint in complaints)


def told_apart():
    """One row for each lock, and no row for two of them."""
    ids = [{x["id"] for x in seen(w)} for w in t["locks"]]

    def one(watch, rows_seen):
        mine = {x["id"] for x in rows_seen}
        if len(mine) != 1:
            return f"{len(mine)} rows: {mine}"
        shared = [title(w) for w, other in zip(t["locks"], ids) if w is not watch and mine & other]
        return f"shares its row with {shared}" if shared else None

    return each(one)


def gil_wait():
    """What was waited for GILs, in all: who has got its lock needs that too before it can look at
    its watch. Where the machine has CPUs to spare, that is next to nothing."""
    return sum(x["wait_ns"] for x in program_rows() if (x["name"] or "").startswith("GIL"))


def waited(percent):
    """Wait of each lock, and how often it ended by a time-out."""
    def one(watch, rows_seen):
        wait, truth = sum(x["wait_ns"] for x in rows_seen), watch["wait_ns"]
        slack = max(truth * percent / 100, 5 * MS)
        if not truth - slack - gil_wait() <= wait <= truth + slack:
            return f"waited {wait}, truth {truth} ({wait / truth:.4f}), {gil_wait()} for the GIL"
        timeouts = sum(x["timeouts"] for x in rows_seen)
        if timeouts != watch["timeouts"]:
            return f"{timeouts} time-outs, truth {watch['timeouts']}"
        return None

    return each(one)


def kinds_right():
    def one(watch, rows_seen):
        found = {(x["kind"], x["class"]) for x in told(watch, rows_seen)}
        right_ = {(watch["kind"], watch["class"])}
        return None if found == right_ else f"{found}, truth {right_}"

    return each(one)


def names_right():
    def one(watch, rows_seen):
        found = {(x["name"], x["name_from"]) for x in told(watch, rows_seen)}
        right_ = {(watch["name"], "python")}
        return None if watch["name"] is None or found == right_ else f"{found}, truth {right_}"

    return each(one)


def mattering(watch):
    """Its stacks that samples cannot miss: with a good part of its wait."""
    return [stack for stack, wait in zip(watch["stacks"], watch["waited_at"])
            if wait > max(0.2 * S, 0.2 * watch["wait_ns"])]


def lines_right():
    """Each waiter's stack is one of the truth's, and those that matter are there."""
    def one(watch, rows_seen):
        sites = [s for x in told(watch, rows_seen) for s in x["sites"] if s["role"] == "waiter"]
        bare = [s for s in sites if not python(s["frames"])]
        if 10 * sum(s["samples"] for s in bare) > sum(s["samples"] for s in sites):
            return f"no Python at {functions(bare[0]['frames'])}"
        for s in (s for s in sites if s not in bare):
            if not any(is_stack(s["frames"], s["truncated"], stack) for stack in watch["stacks"]):
                return f"waiter at {user(s['frames'])}, truth {watch['stacks']}"
        for stack in mattering(watch):
            if not any(is_stack(s["frames"], s["truncated"], stack) for s in sites):
                return f"no waiter at {stack}"
        return None

    return each(one)


def counted():
    """Acquisitions, to the digit."""
    def one(watch, rows_seen):
        of = [x["acquisitions"] for x in rows_seen if x["acquisitions"] is not None]
        if watch["acquisitions"] is not None and sum(of) != watch["acquisitions"]:
            return f"acquired {sum(of)}, truth {watch['acquisitions']}"
        return None

    return each(one)


def held(percent):
    def one(watch, rows_seen):
        of, truth = sum(x["hold_ns"] or 0 for x in rows_seen), watch["hold_ns"]
        if truth is None:
            return None
        slack = max(truth * percent / 100, 5 * MS)
        if not truth - slack <= of <= truth + slack + gil_wait():
            return f"held {of}, truth {truth} ({of / truth:.4f}), {gil_wait()} for the GIL"
        return None

    return each(one)


def averages(percent):
    """Mean wait of an acquisition, the figure that people print."""
    def one(watch, rows_seen):
        n = sum(x["acquisitions"] or 0 for x in rows_seen)
        wait = sum(x["call_wait_ns"] or 0 for x in rows_seen)
        truth = watch["avg_wait_ns"]
        if watch["acquisitions"] is None:
            return None
        slack = max(truth * percent / 100, MS / 10)
        if not n or not truth - slack - gil_wait() / n <= wait / n <= truth + slack:
            return f"waits {wait / max(1, n):.0f} on average, truth {truth}"
        return None

    return each(one)


# ---- deadlocks ----

def circles(shot):
    """Those of a snapshot, each as (tid, held by, name of the lock, proof, line that waits)."""
    of = {x["id"]: x for x in shot["locks"]}
    return {frozenset((x["tid"], x["held_by"], of[x["waits_for"]]["name"],
                       (of[x["waits_for"]]["owner"] or {}).get("proof"),
                       (user(x["frames"]) or [[None, None, None]])[0][2])
                      for x in d["threads"]) for d in shot["deadlocks"]}


def true_circles():
    return {frozenset((x["tid"], x["held_by"], x["lock"], "python", x["line"]) for x in circle)
            for circle in t["circles"]}


def deadlocked_right(shot):
    if circles(shot) != true_circles():
        print(f"circles {circles(shot)}, truth {true_circles()}")
    return len(shot["deadlocks"]) == len(t["circles"]) and circles(shot) == true_circles()


# ---- the GIL ----

def gil():
    """Rows of the program's GILs, all intervals."""
    return [x for x in program_rows() if x["kind"] == "gil"]


def gil_functions(role):
    return {f[0] for x in gil() for s in x["sites"] if s["role"] == role
            for f in python(s["frames"])}


# ---- verdicts ----

def given(name, verdict):
    """This lock of the truth has the verdict in all intervals but the first, which may have
    begun in the middle of it."""
    of = seen(watched(name))[1:]
    if not all(verdict in names(x) for x in of):
        print(f"{name}: {[x['verdicts'] for x in of]}")
    return bool(of) and all(verdict in names(x) for x in of)


if __name__ == "__main__":
    main(globals())

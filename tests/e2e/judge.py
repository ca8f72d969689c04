# SPDX-License-Identifier: GPL-2.0-only
"""judge.py SNAPSHOTS TRUTH EXPRESSION...: exit 0 if every expression holds.

Names in expressions: shots (list of snapshots), t (the workload's truth), lock(address, pid) (one
lock summed over all intervals; by default the truth's), lock_id(address, pid), rows(pid) (process rows), near(a, b,
percent, slack_ns), losses() (all of them, summed), between(path, shot) (wait by the running totals
that totals.py wrote, in the interval of a snapshot), fine() (the shots are sound); for owners and
deadlocks: rows_of() (the truth's lock, a row each interval), row() and own() (its last row, and that
one's owner), functions(frames), site(role, row), charged(tid), names(row) (of its
verdicts), verdicts(pid) (all that were ever given), cycles(shot) and true_cycles(),
standing(after, until) (snapshots so many seconds after they formed); for the exact tier:
exact(address, pid) (its figures, summed), digits() and holds(percent) (the truth's locks),
inversions(shot), true_inversions() and sites_right(shot).
"""
import datetime
import json
import sys

MS = 10**6
S = 10**9
SUMMED = ("sleeps", "wait_ns", "blocked_ns", "delay_ns", "timeouts")
EXACT = ("acquisitions", "read_acquisitions", "contended", "try_failures", "owner_changes",
         "signals", "hold_ns", "call_wait_ns")
AT_LEAST = ("contended",)  # the truth has only what is certain
# Who lets go last is not counted before it does so; holds that began earlier are nobody's.
ROUGHLY = {"owner_changes": 5}  # percent

with open(sys.argv[1], encoding="utf-8") as f:
    shots = [json.loads(line) for line in f]
try:
    with open(sys.argv[2], encoding="utf-8") as f:
        t = json.loads((f.read().splitlines() or ["{}"])[-1])
except FileNotFoundError:
    t = {}


def lock_id(address=None, pid=None):
    """The id of a lock, by default of the truth's."""
    return f"{pid or t['pid']}:{address or t['lock']}"


def lock(address=None, pid=None):
    """The lock's figures over all intervals, its last kind and class; None if it was never seen."""
    wanted = lock_id(address, pid)
    total = None
    for shot in shots:
        for row in shot["locks"]:
            if row["id"] != wanted:
                continue
            total = total or dict.fromkeys(SUMMED, 0)
            for key in SUMMED:
                total[key] += row[key]
            for key in ("kind", "class", "waiting", "pid", "address"):
                total[key] = row[key]
    return total


def rows(pid=None):
    """The rows of one process, an interval each."""
    wanted = pid or t["pid"]
    return [p for shot in shots for p in shot["processes"] if p["pid"] == wanted]


def near(a, b, percent, slack_ns=0):
    """a is b, give or take."""
    return abs(a - b) <= max(abs(b) * percent / 100, slack_ns)


def losses():
    """Everything that could not be counted. The kernels of some virtual machines do not report every
    switch: such a sleep is counted when the thread sleeps again, and named. Up to 1 % of the sleeps
    may be of that kind; their number must be right all the same, which the tests check apart."""
    lost = sum(sum(shot["losses"].values()) for shot in shots)
    unseen = sum(shot["losses"]["switches_unseen"] for shot in shots)
    sleeps = sum(shot["totals"]["sleeps"] + shot["idle"]["sleeps"] for shot in shots)
    return lost - min(unseen, sleeps // 100)


def thread_wait(tid):
    """A thread's wait over all intervals."""
    return sum(x["wait_ns"] for shot in shots for x in shot["threads"] if x["tid"] == tid)


def rows_of(address=None, pid=None):
    """One lock's rows, an interval each; without an address, by its kind."""
    address, pid = address or t["lock"], pid or t["pid"]
    return [x for shot in shots for x in shot["locks"] if x["pid"] == pid
            and (x["address"] == address if address != "0x0" else x["kind"] == t["kind"])]


def row(address=None, pid=None):
    """The lock's last row, or an empty one."""
    return (rows_of(address, pid) or [{}])[-1]


def own(address=None, pid=None):
    """The last row's owner, or an empty one."""
    return row(address, pid).get("owner") or {}


def thread(tid):
    """A thread's last row."""
    return [x for shot in shots for x in shot["threads"] if x["tid"] == tid][-1]


def functions(frames):
    """Their names."""
    return {f["function"] for f in frames or ()}


def site(role, of):
    """Functions on the stacks of a lock's row that have this role."""
    return {name for s in of["sites"] if s["role"] == role for name in functions(s["frames"])}


def charged(tid):
    """What the waits for the truth's lock cost while this thread held it, over all intervals."""
    return sum(h["wait_ns"] for x in rows_of() for h in x["holders"] if h["tid"] == tid)


def names(of):
    """The names of the verdicts on a lock's row."""
    return [v["name"] for v in of["verdicts"]]


def verdicts(pid=None):
    """The names of all verdicts that a process was ever given."""
    wanted = pid or t["pid"]
    return {v["name"] for shot in shots for x in shot["locks"] if x["pid"] == wanted
            for v in x["verdicts"]}


def cycles(shot):
    """Deadlocks, comparable."""
    return {frozenset((x["pid"], x["tid"], x["waits_for"], x["held_by"]) for x in d["threads"])
            for d in shot["deadlocks"]}


def true_cycles():
    """The workload's."""
    found = {}
    for x in t["threads"]:
        if x["cycle"] >= 0:
            edge = (x["pid"], x["tid"], f"{x['pid']}:{x['waits_for']}", x["held_by"])
            found.setdefault(x["cycle"], set()).add(edge)
    return {frozenset(edges) for edges in found.values()}


def standing(after, until):
    """The snapshots that were taken so many seconds after the deadlock formed."""
    return [s for s in shots if after * S < end_ns(s) - t["formed_ns"] < until * S]


def deadlocked():
    """The locks of all cycles, as the last snapshot marks them."""
    return {x["id"] for x in shots[-1]["locks"] if x["deadlocked"]}


def end_ns(shot):
    """The end of an interval, on the real-time clock."""
    seconds, _, fraction = shot["time"].rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(seconds + "+00:00").timestamp()
    return int(whole) * S + int((fraction + "000000000")[:9])


def between(path, shot):
    """Wait between two points in time, by interpolation of what totals.py noted."""
    with open(path, encoding="utf-8") as notes:
        points = [tuple(map(int, line.split())) for line in notes if line.endswith("\n")]

    def at(time):
        for (t0, w0), (t1, w1) in zip(points, points[1:]):
            if t0 <= time <= t1:
                return w0 + (w1 - w0) * (time - t0) / (t1 - t0)
        raise SystemExit(f"no truth at {time}: {points[0]} to {points[-1]}")

    return at(end_ns(shot)) - at(end_ns(shot) - shot["interval_ns"])


def fine():
    """What holds of all snapshots: nothing was lost, totals are the sums of their parts."""
    for shot in shots:
        for key in ("sleeps", "wait_ns", "blocked_ns", "delay_ns", "waiting"):
            if shot["totals"][key] != sum(p[key] for p in shot["processes"]):
                return False
    return bool(shots) and losses() == 0


def exact(address=None, pid=None):
    """The exact tier's figures of a lock over all intervals; None: not known in any of them."""
    wanted = lock_id(address, pid)
    rows_seen = [x for shot in shots for x in shot["locks"] if x["id"] == wanted]
    known = {key: [x[key] for x in rows_seen if x[key] is not None] for key in EXACT}
    return {key: sum(of) if of else None for key, of in known.items()}


def of_kind(truth, kind):
    """Is that what locktop calls it? PI mutexes and the two sides of a rwlock have their own."""
    return truth in kind.split("-")


def right(name, key, seen, truth):
    """A figure that the truth knows, to the digit; says so if it is not."""
    if truth is None:
        return True
    if seen is None:
        seen = 0
    good = seen >= truth if key in AT_LEAST else \
        near(seen, truth, ROUGHLY[key], 20) if key in ROUGHLY else seen == truth
    if not good:
        print(f"{name}: {key} {seen}, truth {truth}")
    return good


def digits():
    """All counts of all locks of the truth."""
    good = bool(t["locks"])
    for x in t["locks"]:
        seen = exact(x["lock"], x["pid"])
        good &= all([right(x["name"], key, seen[key], x[key]) for key in EXACT
                     if key in x and key != "hold_ns"])
        kinds = {y["kind"] for y in rows_of(x["lock"], x["pid"])}
        if not all(of_kind(x["kind"], kind) for kind in kinds):
            print(f"{x['name']}: {kinds}, truth {x['kind']}")
            good = False
    return good


def holds(percent):
    """How long the locks of the truth were held, on the whole. A thread that was stalled inside of a
    call may have had the lock meanwhile, or not."""
    good = True
    for x in t["locks"]:
        if not x["hold_ns"]:
            continue
        seen = exact(x["lock"], x["pid"])["hold_ns"]
        stalls = x.get("stalls_ns", 0)
        more = min(max((seen or 0) - x["hold_ns"], 0), stalls)
        if not seen or not near(seen - more, x["hold_ns"], percent):
            print(f"{x['name']}: held {seen}, truth {x['hold_ns']}, stalled for {stalls}"
                  f" ({seen / x['hold_ns'] if seen else 0:.3f})")
            good = False
    return good


def inversions(shot):
    """Inversions, comparable: of each edge the locks, the thread, functions where they were taken."""
    return [frozenset((e["from"], e["to"], e["tid"]) for e in i["sites"])
            for i in shot["inversions"] or ()]


def true_inversions():
    """The workload's: one, or none."""
    edges = frozenset((lock_id(e["from"]), lock_id(e["to"]), e["tid"]) for e in t["edges"])
    return [edges] if t["inverted"] else []


def sites_right(shot):
    """Both stacks of each edge of the one inversion: where the first lock was taken, and the other."""
    truth = {e["tid"]: e for e in t["edges"]}
    return all(truth[e["tid"]]["then"] in functions(e["frames"])
               and e["from_frame"] and e["from_frame"]["function"] == truth[e["tid"]]["first"]
               for i in shot["inversions"] for e in i["sites"])


def main(names):
    """Judges by the names of whoever adds to these."""
    for expression in sys.argv[3:]:
        if eval(f"({expression})", names):  # pylint: disable=eval-used
            continue
        print(f"does not hold: {expression}")
        print(f"truth: {t}"[:2000])
        if "lock" in t:
            print(f"seen: {lock()}")
        if "lock" in t and rows_of():
            print(f"last: { {k: v for k, v in row().items() if k not in ('histogram', 'sites')} }")
        for number, shot in enumerate(shots):
            for i in shot["inversions"] or ():
                print(f"{number}: inversion {inversions({'inversions': [i]})}")
            for d in shot["deadlocks"] or ():
                print(f"{number}: deadlock {d['since_ns']} {cycles({'deadlocks': [d]})}")
            lost = {name: n for name, n in shot["losses"].items() if n}
            brief = [(x["id"], x["kind"], x["sleeps"], x["wait_ns"]) for x in shot["locks"][:6]]
            share = f"exact {shot['exact_share']}" if shot["tier"] == "exact" else ""
            print(f"{number}: {shot['interval_ns']} {shot['totals']} {lost} {brief} {share}")
        sys.exit(1)


if __name__ == "__main__":
    main(globals())

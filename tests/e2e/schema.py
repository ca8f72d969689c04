# SPDX-License-Identifier: GPL-2.0-only
"""schema.py SNAPSHOTS [all]: exit 0 if every snapshot has every field of "locktop/1" with the right
type and agrees with itself. all: every lock is printed (--top 0 -i), so that sums must agree."""
import json
import re
import sys

NONE = type(None)
TEXT = (str,)
TEXT_OR_NULL = (str, NONE)
COUNT = (int,)
COUNT_OR_NULL = (int, NONE)
FLAG = (bool,)

TOTALS = dict.fromkeys(("sleeps", "wait_ns", "blocked_ns", "delay_ns", "waiting"), COUNT)
BUILD_ID = re.compile(r"([0-9a-f]{2}){1,64}")
FRAME = {
    "function": TEXT_OR_NULL,
    "module": TEXT_OR_NULL,
    "offset": (int, str),
    "file": TEXT_OR_NULL,
    "line": COUNT_OR_NULL,
    "language": TEXT_OR_NULL,
    "build_id": (BUILD_ID, None),
}
SITE = {
    "role": {"waiter", "waker", "holder"},
    "samples": COUNT,
    "share": (int, float),
    "wait_ns": COUNT,
    "truncated": FLAG,
    "frames": [FRAME],
}
ID = re.compile(r"\d+:0x[0-9a-f]+")
STATE = set(
    "running runnable waiting sleeping blocked stopped traced frozen throttled exited".split()
) | {None}
IDENTITY = {
    "tid": COUNT,
    "pid": COUNT,
    "comm": TEXT_OR_NULL,
    "name": TEXT_OR_NULL,
    "proof": {"lock-word", "exact", "python", "last-waker"},
    "inferred": FLAG,
}
OWNER = {
    **IDENTITY,
    "held_ns": COUNT_OR_NULL,
    "state": STATE,
    "syscall": TEXT_OR_NULL,
    "state_ns": COUNT_OR_NULL,
    "waiting_for": (ID, None),
    "frames": ([FRAME], None),
}
HOLDER = {**IDENTITY, "samples": COUNT, "share": (int, float), "wait_ns": COUNT}
CONSTRUCT = {
    **dict.fromkeys(("parties", "arrived", "capacity", "size", "recursion"), COUNT_OR_NULL),
    "missing": [{"tid": COUNT, "name": TEXT_OR_NULL}],
}
VERDICT = {"name": TEXT, "evidence": TEXT_OR_NULL, "advice": TEXT_OR_NULL}
DEADLOCK = {
    "pid": COUNT,
    "since_ns": COUNT,
    "threads": [
        {
            "pid": COUNT,
            "tid": COUNT,
            "comm": TEXT_OR_NULL,
            "name": TEXT_OR_NULL,
            "waits_for": ID,
            "held_by": COUNT,
            "frames": [FRAME],
        }
    ],
}
INVERSION = {
    "pid": COUNT,
    "comm": TEXT_OR_NULL,
    "new": FLAG,
    "locks": [ID],
    "sites": [
        {
            "from": ID,
            "to": ID,
            "from_name": TEXT_OR_NULL,
            "to_name": TEXT_OR_NULL,
            "tid": COUNT,
            "count": COUNT,
            "truncated": FLAG,
            "frames": [FRAME],
            "from_frame": (FRAME, None),
        }
    ],
}
EXACT = """acquisitions contended hold_ns avg_hold_ns max_hold_ns call_wait_ns avg_wait_ns try_failures
    read_acquisitions read_hold_ns owner_changes signals""".split()
CALLS = "futex_calls futex_again futex_wakes futex_idle_wakes".split()
LOCK = {
    "id": ID,
    "pid": COUNT,
    "address": re.compile(r"0x[0-9a-f]+"),
    "kind": set(
        "mutex rwlock-read rwlock-write cond sem barrier once join stdio malloc pi-mutex gil"
        " py-lock py-rlock py-condition py-event py-barrier py-semaphore py-queue park futex spin".split()
    ),
    "class": {"contention", "idle"},
    "name": TEXT_OR_NULL,
    "name_from": {"symbol", "python", "site", "mapping", None},
    "sleeps": COUNT,
    "wait_ns": COUNT,
    "blocked_ns": COUNT,
    "delay_ns": COUNT,
    "max_ns": COUNT,
    "p50_ns": COUNT_OR_NULL,
    "p99_ns": COUNT_OR_NULL,
    "histogram": [{"le_ns": COUNT, "count": COUNT}],
    "timeouts": COUNT,
    "switches": COUNT_OR_NULL,
    "forced_switches": COUNT_OR_NULL,
    "waiting": COUNT,
    "oldest_ns": COUNT_OR_NULL,
    "owner": (OWNER, None),
    "owner_died": COUNT_OR_NULL,
    "readers": COUNT_OR_NULL,
    "impact_ns": COUNT,
    "holders": [HOLDER],
    "verdicts": [VERDICT],
    "python": (CONSTRUCT, None),
    "deadlocked": FLAG,
    **dict.fromkeys(EXACT, COUNT_OR_NULL),
    "contention": (int, float, NONE),
    "hold_histogram": ([{"le_ns": COUNT, "count": COUNT}], None),
    "sites": [SITE],
}
SNAPSHOT = {
    "schema": {"locktop/1"},
    "version": TEXT,
    "host": TEXT,
    "kernel": TEXT,
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "interval_ns": COUNT,
    "tier": {"sleep", "exact"},
    "losses": COUNT,  # a dict of them
    "self": {
        "cpu_ns": COUNT,
        "rss_bytes": COUNT,
        "probe_ns": COUNT_OR_NULL,
        "probe_runs": COUNT_OR_NULL,
    },
    "totals": TOTALS,
    "idle": dict.fromkeys(("sleeps", "wait_ns", "waiting"), COUNT),
    "processes": [
        {
            "pid": COUNT,
            "comm": TEXT_OR_NULL,
            "user": TEXT_OR_NULL,
            "cgroup": TEXT_OR_NULL,
            "runtime": TEXT_OR_NULL,
            "threads": COUNT_OR_NULL,
            **TOTALS,
            "idle_wait_ns": COUNT,
            **dict.fromkeys(CALLS, COUNT_OR_NULL),
        }
    ],
    "locks": [LOCK],
    "threads": [
        {
            "pid": COUNT,
            "tid": COUNT,
            "comm": TEXT_OR_NULL,
            "name": TEXT_OR_NULL,
            "daemon": {"yes", "no", None},
            "gil": {"has", "wants", "no", None},
            "sleeps": COUNT,
            "wait_ns": COUNT,
            "waiting_for": (ID, None),
            "waiting_ns": COUNT_OR_NULL,
            "state": STATE,
            "syscall": TEXT_OR_NULL,
        }
    ],
    "deadlocks": [DEADLOCK],
    "inversions": ([INVERSION], None),
    "exact_share": (int, float, NONE),
}


def wrong(where, value, rule):
    """Says what is wrong and ends."""
    sys.exit(f"{where}: {json.dumps(value)[:200]} is not as {rule}")


def check(where, value, rule):
    """Compares a value with a rule: types, a set of values, a pattern, a list or an object of rules."""
    if isinstance(rule, dict):
        if not isinstance(value, dict) or set(value) != set(rule):
            missing = set(rule) ^ set(value) if isinstance(value, dict) else rule
            wrong(where, value, f"its fields should be; differing: {missing}")
        for key, part in rule.items():
            check(f"{where}.{key}", value[key], part)
    elif isinstance(rule, list):
        if not isinstance(value, list):
            wrong(where, value, "a list")
        for i, item in enumerate(value):
            check(f"{where}[{i}]", item, rule[0])
    elif isinstance(rule, tuple) and rule[-1] is None:
        if value is not None:
            check(where, value, rule[0])
    elif isinstance(rule, re.Pattern):
        if not isinstance(value, str) or not rule.fullmatch(value):
            wrong(where, value, rule.pattern)
    elif isinstance(rule, set):
        if isinstance(value, (dict, list)) or value not in rule:
            wrong(where, value, rule)
    elif not isinstance(value, rule) or isinstance(value, bool) != (rule is FLAG):
        wrong(where, value, rule)
    elif isinstance(value, (int, float)) and value < 0:
        wrong(where, value, "0 or more")


def same(where, a, b):
    """a must be b."""
    if a != b:
        sys.exit(f"{where}: {a} is not {b}")


def check_lock(lock):
    """What must hold within one lock."""
    where = lock["id"]
    same(where, lock["id"], f"{lock['pid']}:{lock['address']}")
    same(f"{where}: wait", lock["wait_ns"], lock["blocked_ns"] + lock["delay_ns"])
    same(f"{where}: name_from", lock["name"] is None, lock["name_from"] is None)
    edges = [bucket["le_ns"] for bucket in lock["histogram"]]
    same(f"{where}: histogram", edges, sorted(set(edges)))
    for role in ("waiter", "waker", "holder"):
        share = sum(site["share"] for site in lock["sites"] if site["role"] == role)
        if share > 1.001:
            sys.exit(f"{where}: shares of {role} sites add up to {share}")
    for thread in filter(None, [lock["owner"], *lock["holders"]]):
        same(f"{where}: inferred", thread["inferred"], thread["proof"] == "last-waker")
    share = sum(holder["share"] for holder in lock["holders"])
    if share > 1.001:
        sys.exit(f"{where}: shares of holders add up to {share}")


def check_exact(shot):
    """What must hold of the exact tier's figures; without it there are none."""
    exact = shot["tier"] == "exact"
    same("exact_share", shot["exact_share"] is None, not exact)
    same("inversions", shot["inversions"] is None, not exact)
    for lock in shot["locks"]:
        where = lock["id"]
        unknown = lock["acquisitions"] is None
        if not exact and not unknown:
            sys.exit(f"{where}: acquisitions in the sleep tier")
        for key in ("contended", "call_wait_ns", "try_failures", "owner_changes", "hold_histogram"):
            same(f"{where}: {key}", lock[key] is None, unknown)
        if unknown:
            same(f"{where}: hold_ns", lock["hold_ns"], None)
            continue
        if (lock["contention"] or 0) > 1:
            sys.exit(f"{where}: contention is {lock['contention']}")
        edges = [bucket["le_ns"] for bucket in lock["hold_histogram"]]
        same(f"{where}: hold_histogram", edges, sorted(set(edges)))
    for inversion in shot["inversions"] or []:
        edges = inversion["sites"]
        where = f"inversion of {inversion['locks']}"
        same(f"{where}: locks", inversion["locks"], [edge["from"] for edge in edges])
        for i, edge in enumerate(edges):
            same(f"{where}: to", edge["to"], edges[(i + 1) % len(edges)]["from"])
            same(f"{where}: two locks", edge["from"] == edge["to"], False)


def check_owners(shot):
    """Owners and deadlocks are made of threads and locks that are printed."""
    threads = {(t["pid"], t["tid"]) for t in shot["threads"]}
    locks = {lock["id"]: lock for lock in shot["locks"]}
    dead = set()
    for lock in shot["locks"]:
        owner = lock["owner"]
        if owner and (owner["pid"], owner["tid"]) not in threads:
            sys.exit(f"{lock['id']}: its owner {owner['tid']} is not among the threads")
    for deadlock in shot["deadlocks"]:
        cycle = deadlock["threads"]
        where = f"deadlock of {[t['tid'] for t in cycle]}"
        same(f"{where}: pid", cycle[0]["pid"], deadlock["pid"])
        for i, thread in enumerate(cycle):
            same(f"{where}: held_by", thread["held_by"], cycle[(i + 1) % len(cycle)]["tid"])
            if (thread["pid"], thread["tid"]) not in threads:
                sys.exit(f"{where}: {thread['tid']} is not among the threads")
            lock = locks.get(thread["waits_for"])
            if not lock:
                sys.exit(f"{where}: {thread['waits_for']} is not among the locks")
            same(f"{where}: owner", (lock["owner"] or {}).get("tid"), thread["held_by"])
            same(f"{where}: inferred", lock["owner"]["inferred"], False)
            dead.add(lock["id"])
    same("deadlocked locks", {key for key, lock in locks.items() if lock["deadlocked"]}, dead)


def check_sums(shot):
    """Totals are the sums of their parts, where all parts are printed."""
    for key in TOTALS:
        total = shot["totals"][key]
        locks = [lock for lock in shot["locks"] if lock["class"] == "contention"]
        same(f"processes' {key}", sum(p[key] for p in shot["processes"]), total)
        same(f"locks' {key}", sum(lock[key] for lock in locks), total)
    for key in shot["idle"]:
        idle = [lock for lock in shot["locks"] if lock["class"] == "idle"]
        same(f"idle {key}", sum(lock[key] for lock in idle), shot["idle"][key])
    same("idle wait", sum(p["idle_wait_ns"] for p in shot["processes"]), shot["idle"]["wait_ns"])


with open(sys.argv[1], encoding="utf-8") as f:
    shots = [json.loads(line) for line in f]
if not shots:
    sys.exit("no snapshot")
for number, shot in enumerate(shots):
    rules = dict(SNAPSHOT, losses=dict.fromkeys(shot.get("losses") or {"?": 0}, COUNT))
    check(f"snapshot {number}", shot, rules)
    pids = {p["pid"] for p in shot["processes"]}
    for row in shot["locks"]:
        check_lock(row)
        if row["pid"] not in pids:
            sys.exit(f"{row['id']}: its process is not there")
    check_owners(shot)
    check_exact(shot)
    if "all" in sys.argv[2:]:
        check_sums(shot)

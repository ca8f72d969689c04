#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what one guest of tests/vm/run sent home; prints a TAP line (without number) a check."""

import argparse
import functools
import json
import re

ROUNDS = 5
WORKERS = 8


class Wrong(Exception):
    """A check failed; the text says how."""


def must(condition, text):
    if not condition:
        raise Wrong(text)


class Section:
    """The lines between two markers. status is None where the end never came."""

    def __init__(self):
        self.lines = []
        self.errors = []
        self.status = None
        self.snapshots = []
        self.truth = None

    def parse(self):
        """Sorts JSON lines into locktop's snapshots and the test program's one line of truth."""
        for line in self.lines:
            try:
                record = json.loads(line)
            except ValueError:
                raise Wrong("no JSON: %.100s" % line) from None
            if "schema" in record:
                self.snapshots.append(record)
            else:
                self.truth = record

    def lock(self, address=None):
        """Rows of a lock (or that which the truth names), one a snapshot; None: it is absent."""
        want = "%d:%s" % (self.truth["pid"], address or self.truth["lock"])
        rows = [[x for x in s["locks"] if x["id"] == want] for s in self.snapshots]
        return [r[0] if r else None for r in rows]


def read_sections(path):
    """(sections by name, was the last marker seen)."""
    sections = {}
    current = None
    done = False
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f.read().splitlines():
            begin = re.fullmatch(r"=== begin (.+)", line)
            end = re.fullmatch(r"=== end (.+) (\d+)", line)
            if begin:
                current = sections.setdefault(begin.group(1), Section())
            elif end:
                if end.group(1) in sections:
                    sections[end.group(1)].status = int(end.group(2))
                current = None
            elif line == "=== done":
                done = True
            elif current and line.startswith("! "):
                current.errors.append(line[2:])
            elif current:
                current.lines.append(line)
    return sections, done


def no_losses(section):
    for s in section.snapshots:
        lost = {k: v for k, v in s["losses"].items() if v}
        must(not lost, "losses %s" % lost)


def near(value, truth, part, what):
    error = (value - truth) / truth
    must(abs(error) <= part, "%s %.3f s, truth %.3f s: %+.1f %%" %
         (what, value / 1e9, truth / 1e9, 100 * error))


def total(rows, key):
    return sum(r[key] for r in rows if r)


def need_truth(section):
    must(section.snapshots, "no snapshot")
    must(section.truth, "the test program printed nothing")
    no_losses(section)


def judge_primitive(section):
    need_truth(section)
    rows = section.lock()
    must(any(rows), "lock %s not seen; seen: %s" % (section.truth["lock"], [
        (x["id"], x["kind"]) for s in section.snapshots for x in s["locks"]]))
    must(section.truth["sleeps"] == ROUNDS, "truth has %s sleeps" % section.truth["sleeps"])
    sleeps = total(rows, "sleeps")
    must(sleeps == ROUNDS, "%d sleeps, truth %d" % (sleeps, ROUNDS))
    kinds = {r["kind"] for r in rows if r}
    must(kinds == {section.truth["kind"]}, "kind %s, truth %s" % (kinds, section.truth["kind"]))


def judge_contend(section):
    need_truth(section)
    near(total(section.lock(), "wait_ns"), section.truth["wait_ns"], 0.05, "wait")


def judge_blocked(section):
    """A thread that waits all the time counts one second a second, while it waits."""
    need_truth(section)
    rows = list(zip(section.snapshots, section.lock()))
    must(len(rows) >= 3, "only %d intervals" % len(rows))
    for snapshot, row in rows[1:-1]:
        must(row, "not seen in an interval that it waited through")
        near(row["wait_ns"], snapshot["interval_ns"], 0.02, "wait in one interval")
        must(row["waiting"] == 1, "%d waiting, truth 1" % row["waiting"])
    near(total([r for _, r in rows], "wait_ns"), section.truth["wait_ns"], 0.05, "wait")


def judge_early(section):
    """The same when it waited before locktop came: counted from the start of observation."""
    need_truth(section)
    rows = section.lock()
    must(len(rows) == 3, "%d intervals, asked for 3" % len(rows))
    for snapshot, row in zip(section.snapshots, rows):
        must(row, "not seen")
        near(row["wait_ns"], snapshot["interval_ns"], 0.05, "wait in one interval")


def judge_idle(section):
    """Workers that start together may meet at their mutex for a moment; what waits is idle."""
    need_truth(section)
    pid = section.truth["pid"]
    for number, s in enumerate(section.snapshots):
        kinds = {x["kind"] for x in s["locks"] if x["pid"] == pid and x["class"] != "idle"}
        must(kinds <= {"mutex"}, "class contention: %s" % kinds)
        for r in s["processes"]:
            must(r["pid"] != pid or r["wait_ns"] == 0 or number == 0,
                 "idle workers count as contention: %d sleeps, %d ns in interval %d" %
                 (r["sleeps"], r["wait_ns"], number + 1))
    waiting = max(s["idle"]["waiting"] for s in section.snapshots)
    must(waiting >= WORKERS + 1, "%d idle threads, truth %d and a join" % (waiting, WORKERS))
    idle = sum(s["idle"]["wait_ns"] for s in section.snapshots)
    span = sum(s["interval_ns"] for s in section.snapshots)
    must(idle >= 0.8 * WORKERS * span, "idle wait %.1f s in %.1f s" % (idle / 1e9, span / 1e9))


def judge_check(section):
    must(any(re.fullmatch(r"yes +sampling clock", x) for x in section.lines), "no sampling clock")


def judge_owner(row, tid, states, call):
    owner = row["owner"]
    must(owner, "no owner")
    must(owner["tid"] == tid, "owner %d, truth %d" % (owner["tid"], tid))
    must(owner["proof"] == "lock-word", "proof %s" % owner["proof"])
    must(owner["state"] in states, "owner %s, truth %s" % (owner["state"], states))
    must(owner["syscall"] == call, "owner in %s, truth %s" % (owner["syscall"], call))


def judge_doing(function, section):
    """What the owner of a lock does, and where. One that runs has its stack from the clock."""
    need_truth(section)
    truth = section.truth
    states = ("running", "runnable") if truth["state"] == "running" else (truth["state"],)
    rows = [r for r in section.lock()[1:] if r and r["waiting"]]
    must(rows, "nobody seen waiting")
    for row in rows:
        judge_owner(row, truth["owner"], states, truth["call"] or None)
    frames = {f["function"] for r in rows for f in r["owner"]["frames"] or ()}
    must(function in frames, "no %s in the owner's stack: %s" % (function, sorted(map(str, frames))))


def judge_chain(section):
    """An owner that waits itself: for the lock before."""
    judge_doing("nanosleep_here", section)
    first, second = section.truth["waiters"][:2]
    rows = [r for r in section.lock(second["lock"])[1:] if r and r["waiting"]]
    must(rows, "nobody seen waiting for the second lock")
    for row in rows:
        judge_owner(row, first["tid"], ("waiting",), None)
        want = "%d:%s" % (section.truth["pid"], first["lock"])
        must(row["owner"]["waiting_for"] == want,
             "its owner waits for %s, truth %s" % (row["owner"]["waiting_for"], want))


def judge_exact(section):
    """Acquisitions and failed tries, to the digit."""
    must(section.truth, "the test program printed nothing")
    for truth in section.truth["locks"]:
        rows = section.lock(truth["lock"])
        for key in ("acquisitions", "try_failures"):
            seen = sum(r[key] or 0 for r in rows if r)
            must(seen == truth[key], "%s: %s %d, truth %d" % (truth["name"], key, seen, truth[key]))
    for s in section.snapshots:
        must(s["tier"] == "exact" and s["exact_share"] == 1, "tier %s, share %s" %
             (s["tier"], s["exact_share"]))
    no_losses(section)


def judge_orders(section):
    must(section.truth, "the test program printed nothing")
    pid = section.truth["pid"]
    want = {tuple("%d:%s" % (pid, e[key]) for key in ("from", "to")) for e in section.truth["edges"]}
    seen = [{(e["from"], e["to"]) for e in i["sites"]}
            for i in section.snapshots[-1]["inversions"]]
    must(seen == [want], "inversions %s, truth %s" % (seen, want))


def judge_sealed(section):
    """Its filter would have killed it for a system call that a probe made it do."""
    must(section.truth and section.truth["ended"], "the test program did not end by itself")
    must(section.truth["right"] == section.truth["of"], "its results are wrong")
    must(sum(r["acquisitions"] or 0 for r in section.lock() if r), "no acquisitions seen")


def judge_few(section):
    """Every acquisition, or one line that says why there are none."""
    if section.truth and section.truth.get("refused"):
        must(not section.snapshots and len(section.errors) == 1, "said: %s" % section.errors)
    else:
        judge_exact(section)


def judge_log(section):
    bad = [x for x in section.lines if re.search(
        r"WARNING: CPU|BUG:|Oops|general protection|verifier bug|rcu.*stall|hung task", x)]
    must(not bad, "the kernel complains: %s" % bad[:3])


CHECKS = (
    # section, title, judge of its content (a status other than 0 fails before), JSON inside
    ("btf", "kernel has BTF", None, False),
    ("check", "locktop check, sampling clock", judge_check, False),
    ("contend", "contended mutex: wait within 5 % of truth", judge_contend, True),
    ("blocked", "blocked thread counts a second a second", judge_blocked, True),
    ("early", "blocked before locktop: a second a second", judge_early, True),
    ("idle", "idle pool is no contention", judge_idle, True),
    ("doing running", "owner runs: state, sampled stack",
     functools.partial(judge_doing, "running_here"), True),
    ("doing read", "owner sleeps in read: state, call, stack",
     functools.partial(judge_doing, "read_here"), True),
    ("doing chain", "owner waits for another lock", judge_chain, True),
    ("exact mutex", "exact tier: every acquisition of a mutex", judge_exact, True),
    ("exact tries", "exact tier: every try and time-out", judge_exact, True),
    ("exact orders", "exact tier: an inversion", judge_orders, True),
    ("exact sealed", "exact tier: a program under seccomp lives", judge_sealed, True),
    ("exact few", "exact tier without CAP_SYS_ADMIN: counts, or says why not", judge_few, True),
    ("log", "no complaint in the kernel log", judge_log, False),
)


def judge(section, fn, is_json):
    must(section, "did not run")
    must(section.status is not None, "did not end")
    must(section.status == 0, "status %d: %s" % (
        section.status, " | ".join((section.errors or section.lines)[-3:])))
    if is_json:
        section.parse()
    if fn:
        fn(section)


def tail(path, n=15):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|\r", "", f.read())
    except OSError as e:
        return [str(e)]
    return [x for x in text.splitlines() if x.strip()][-n:]


def boot_problem(args, done):
    """What ended the guest before its last marker, or None."""
    if done:
        return None
    console = "\n".join(tail(args.console, 200))
    if "Kernel panic" in console:
        return "kernel panic"
    if args.status in (124, 137):
        return "hang: no end within %d s" % args.limit
    return "ended early (qemu status %d)" % args.status


def report(args, title, fn, details=()):
    try:
        fn()
    except Wrong as e:
        print("not ok - %s: %s: %s" % (args.name, title, e))
        for line in details:
            print("# %s" % line)
    except (KeyError, TypeError, ZeroDivisionError) as e:
        print("not ok - %s: %s: unexpected data: %r" % (args.name, title, e))
    else:
        print("ok - %s: %s" % (args.name, title))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("name", "kinds", "results", "console", "qemu"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--status", type=int, required=True, help="exit status of QEMU")
    parser.add_argument("--limit", type=int, required=True, help="seconds a guest may take")
    args = parser.parse_args()
    with open(args.kinds, encoding="utf-8") as f:
        kinds = f.read().split()
    try:
        sections, done = read_sections(args.results)
    except OSError:
        sections, done = {}, False

    problem = boot_problem(args, done)
    report(args, "boots and ends", lambda: must(not problem, problem),
           tail(args.qemu, 5) + tail(args.console))
    checks = list(CHECKS)
    checks[2:2] = [("primitives " + k, "%s: %d sleeps of %d, kind, no loss" % (k, ROUNDS, ROUNDS),
                    judge_primitive, True) for k in kinds]
    for name, title, fn, is_json in checks:
        section = sections.get(name)
        report(args, title, lambda s=section, f=fn, j=is_json: judge(s, f, j),
               section.errors[-5:] if section and section.status == 0 else ())


if __name__ == "__main__":
    main()

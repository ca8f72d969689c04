#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is a sum the sum of its intervals? usage: report.py INTERVALS SUM (files of JSON lines)"""
import json
import sys

COUNTS = ("sleeps", "wait_ns", "blocked_ns", "delay_ns", "timeouts", "acquisitions", "hold_ns")


def keyed(intervals, list_name, key, names):
    sums = {}
    for interval in intervals:
        for row in interval[list_name]:
            into = sums.setdefault(key(row), dict.fromkeys(names, 0))
            for name in names:
                into[name] += row.get(name) or 0
    return sums


def histogram(rows):
    counts = {}
    for row in rows:
        for bucket in row["histogram"]:
            counts[bucket["le_ns"]] = counts.get(bucket["le_ns"], 0) + bucket["count"]
    return counts


def main():
    intervals = [json.loads(line) for line in open(sys.argv[1])]
    (total,) = [json.loads(line) for line in open(sys.argv[2])]
    assert len(intervals) > 2, f"{len(intervals)} intervals are too few to tell"
    assert total["interval_ns"] == sum(i["interval_ns"] for i in intervals)
    assert total["time"] == intervals[-1]["time"]
    for group in ("totals", "idle"):
        for name in total[group]:
            if name == "waiting":
                assert total[group][name] == intervals[-1][group][name]
            else:
                assert total[group][name] == sum(i[group][name] for i in intervals), (group, name)
    for name in total["losses"]:
        assert total["losses"][name] == sum(i["losses"][name] for i in intervals), name
    assert total["self"]["cpu_ns"] == sum(i["self"]["cpu_ns"] for i in intervals)
    for rows, key, names in (
            ("locks", lambda r: r["id"], COUNTS),
            ("processes", lambda r: r["pid"], ("sleeps", "wait_ns", "blocked_ns", "delay_ns",
                                               "idle_wait_ns")),
            ("threads", lambda r: (r["pid"], r["tid"]), ("sleeps", "wait_ns"))):
        parts, whole = keyed(intervals, rows, key, names), keyed([total], rows, key, names)
        assert parts == whole, f"{rows}: {parts} is not {whole}"
    for lock in total["locks"]:
        same = [r for i in intervals for r in i["locks"] if r["id"] == lock["id"]]
        assert histogram([lock]) == histogram(same), lock["id"]
        assert lock["max_ns"] == max(r["max_ns"] for r in same), lock["id"]
        for role in ("waiter", "waker", "holder"):
            shares = [s["share"] for s in lock["sites"] if s["role"] == role]
            assert not shares or abs(sum(shares) - 1) < 0.01, (lock["id"], role, shares)


main()

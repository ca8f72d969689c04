#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads a trace that locktop wrote as viewers do and checks it; exits 0 if it holds. Prints how
many sleeps, arrows and threads there are, and how long the sleeps are.

- slices of a track lie in each other or apart, and all of the trace begins at 0
- no thread wakes another while it sleeps
- an arrow has one beginning and one end, which is not before it; both lie in slices of their tracks
- tracks that have slices have names, and so have their processes

usage: trace.py FILE [TRUTH]
TRUTH: what a workload wrote of its own waits; slices of its lock have to agree"""
import collections
import json
import sys
from decimal import Decimal


def ns(us):
    """Times are us with three decimals: whole ns."""
    whole = us * 1000
    assert whole == int(whole) and whole >= 0, us
    return int(whole)


def track(event):
    return event["pid"], event["tid"]


class Trace:
    def __init__(self, file):
        def refuse(name):
            raise ValueError(name)

        def unique(pairs):
            assert len(pairs) == len(dict(pairs)), pairs
            return dict(pairs)

        self.document = json.load(file, parse_float=Decimal, parse_constant=refuse,
                                  object_pairs_hook=unique)
        self.by_kind = collections.defaultdict(list)
        for event in self.document["traceEvents"]:
            self.by_kind[event["ph"]].append(event)
        assert set(self.by_kind) <= set("XMCisf"), set(self.by_kind)
        self.tracks = collections.defaultdict(list)
        for event in self.by_kind["X"]:
            begin = ns(event["ts"])
            self.tracks[track(event)].append((begin, begin + ns(event["dur"]), event))
        for slices in self.tracks.values():
            slices.sort(key=lambda row: (row[0], -row[1]))

    def check_nesting(self):
        """As viewers do it, which add doubles."""
        for of, slices in self.tracks.items():
            around = []
            for at, until, event in slices:
                begin = float(event["ts"])
                end = begin + float(event["dur"])
                while around and around[-1][0] <= begin:
                    around.pop()
                assert not around or end <= around[-1][0], (of, event, around[-1][-1])
                if event.get("cat") == "wake":
                    asleep = [row for row in around if row[-1].get("cat") != "wake"
                              and row[1] <= at < row[2]]
                    assert not asleep, (of, event, asleep)
                around.append((end, at, until, event))

    def check_arrows(self):
        begins, ends = ({}, {})
        for kind, rows in (("s", begins), ("f", ends)):
            for event in self.by_kind[kind]:
                assert event["id"] not in rows, event
                rows[event["id"]] = event
        assert set(begins) == set(ends)
        edges = collections.defaultdict(list)
        for of, begin in begins.items():
            end = ends[of]
            assert end["bp"] == "e" and end["name"] == begin["name"] and end["cat"] == begin["cat"]
            assert ns(begin["ts"]) <= ns(end["ts"]), (begin, end)
            for event in (begin, end):
                edges[track(event)].append(ns(event["ts"]))
        for of, times in edges.items():  # as a sweep: there may be very many
            slices = self.tracks[of]
            reach, i = -1, 0
            for at in sorted(times):
                while i < len(slices) and slices[i][0] <= at:
                    reach = max(reach, slices[i][1])
                    i += 1
                assert reach >= at, (of, at)
        return len(begins)

    def check_names(self):
        threads, processes = ({}, {})
        for event in self.by_kind["M"]:
            name = event["args"]["name"]
            assert isinstance(name, str), event
            if event["name"] == "thread_name":
                threads[track(event)] = name
            else:
                assert event["name"] == "process_name", event
                processes[event["pid"]] = name
        for of, slices in self.tracks.items():
            if all(event.get("cat") == "wake" for _, _, event in slices):
                continue  # who only wakes may have ended before it could be asked
            assert of in threads, of
            assert of[0] in processes, of

    def check_others(self):
        head = self.document["otherData"]
        assert head["begin_ns"].isdigit() and head["begin"].endswith("Z"), head
        assert self.document["displayTimeUnit"] == "ns"
        for event in self.by_kind["C"]:
            assert event["name"] == "threads waiting" and event["args"]["load"] >= 0, event
            ns(event["ts"])
        for event in self.by_kind["i"]:
            assert event["s"] == ("p" if "pid" in event else "g"), event
            ns(event["ts"])

    def sleeps(self):
        return [event for event in self.by_kind["X"] if "args" in event]


def check_truth(trace, path):
    """The workload's own figures of its wait, and of each of its threads."""
    with open(path, encoding="utf-8") as file:
        truth = json.loads(file.readline())
    rows = [event for event in trace.sleeps() if event["args"]["lock"]
            == f"{truth['pid']}:{truth['lock']}"]
    seen = collections.Counter()
    for event in rows:
        seen[event["tid"]] += ns(event["dur"])
    assert set(seen) <= {thread["tid"] for thread in truth["threads"]}
    print(f"trace: {sum(seen.values())} ns of wait, workload: {truth['wait_ns']} ns")
    assert abs(sum(seen.values()) - truth["wait_ns"]) <= truth["wait_ns"] * 0.05


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trace = Trace(file)
    trace.check_nesting()
    arrows = trace.check_arrows()
    trace.check_names()
    trace.check_others()
    sleeps = trace.sleeps()
    waited = sum(ns(event["dur"]) for event in sleeps)
    print(f"{len(sleeps)} sleeps of {waited} ns, {arrows} arrows, {len(trace.tracks)} threads")
    if len(sys.argv) > 2:
        assert sleeps and arrows
        check_truth(trace, sys.argv[2])


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Measures what locktop costs and prints a table. Started by tests/bench/run, which builds."""

import argparse
import contextlib
import datetime
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from tools import (ESCAPES, Beside, Failure, Row, Screen, contended, cpu_ns, crowd, end,
                   progress)

BATCH = ["-b", "-f", "json", "-d", "1"]
# 250 locks × 4: waiters' samples come to 1,000 a second with no lock left out; wakers' come on top.
SAMPLING = ["--samples", "4", "--max-samples", "1000"]
NO_SAMPLING = ["--max-samples", "0"]
EXACT = ["-x", "--budget", "10000"]  # no time slices
SAMPLE_LOSSES = ("samples_dropped", "stacks_unread")  # bounded by design: no counts are lost
MB = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(HERE, "../workloads/python/throughput.py")


def sites_samples(snapshot):
    return sum(x["samples"] for k in snapshot["locks"] for x in k["sites"])


def recorded(path, select):
    """What SQL says of the intervals of a recording that may be growing."""
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        return db.execute(select + " FROM interval").fetchone()[0]


class Bench:
    def __init__(self, args):
        self.args = args
        self.pairs = 1 if args.quick else 9
        self.seconds = 0.5 if args.quick else 1
        self.intervals = 3 if args.quick else 15

    def loop(self, mode, seconds):
        program = [sys.executable, "-B", PYTHON] if mode == "python" else [self.args.loop, mode]
        out = subprocess.run([*program, str(seconds)], check=True, text=True,
                             stdout=subprocess.PIPE, timeout=seconds + 20).stdout
        return json.loads(out)

    def locktop(self, *more):
        return Beside([self.args.locktop, *BATCH, *more], lambda out: b"}\n" in out)

    def bpftrace(self, script="futex.bt"):
        """The same question asked the usual way; None where that is not possible."""
        if not self.args.bpftrace:
            return None
        return Beside([self.args.bpftrace, os.path.join(HERE, script)],
                      lambda out: b"Attaching" in out, settle=1.0)

    def ratios(self, mode, beside, more=1):
        """Throughput with the tool / without, a ratio for each pair; the order alternates. more:
        times as many pairs, for what is near its bound."""
        result = []
        for i in range(self.pairs * more):
            rate = {}
            for with_tool in ((False, True) if i % 2 == 0 else (True, False)):
                if with_tool:
                    with beside():
                        rate[True] = self.loop(mode, self.seconds)["rate"]
                else:
                    rate[False] = self.loop(mode, self.seconds)["rate"]
            result.append(rate[True] / rate[False])
        return result

    def mutex(self):
        ratios = self.ratios("mutex", self.locktop, more=2)
        median = statistics.median(ratios)
        yield Row("throughput, 4 threads contend for a mutex (10 µs sections)", spread(ratios), "≥ 0.98",
                  median >= 0.98)

    def pingpong(self):
        what = "time, futex ping-pong on one CPU"
        ratios = [1 / r for r in self.ratios("pingpong", self.locktop, more=2)]
        yield Row(what, spread(ratios), "≤ 1.25", statistics.median(ratios) <= 1.25)
        if self.bpftrace():
            ratios = [1 / r for r in self.ratios("pingpong", self.bpftrace)]
            yield Row(what + " (a bpftrace futex script)", spread(ratios), "–", None)
        else:
            progress("no comparison with bpftrace: it or tracefs is missing")

    def python(self):
        ratios = self.ratios("python", self.locktop)
        yield Row("throughput, Python, 2 threads contend for a Lock 5,000 times a second",
                  spread(ratios), "≥ 0.97", statistics.median(ratios) >= 0.97)

    def syscall(self):
        ratios = [1 / r for r in self.ratios("syscall", self.locktop)]
        median = statistics.median(ratios)
        yield Row("time, a syscall that is no futex (getppid)", spread(ratios),
                  "no change (≤ 1.02)", median <= 1.02)

    def own_cost(self, what, cpu_bound, rss_bound=None, *more):
        with Screen([self.args.locktop, "-d", "1", *more]) as screen:
            screen.drain(2.5)
            rss = screen.rss()
            cpu, start = screen.cpu_ns(), time.monotonic_ns()
            screen.drain(self.intervals)
            percent = 100 * (screen.cpu_ns() - cpu) / (time.monotonic_ns() - start)
            grown = screen.rss()
        yield Row("locktop's CPU, live, 1 s interval, " + what, "%.2f %% of one CPU" % percent,
                  "≤ %.1f %%" % cpu_bound, percent <= cpu_bound)
        if rss_bound:
            yield Row("locktop's memory, " + what,
                      "%.1f MB, after %d intervals more %.1f MB" %
                      (rss / MB, self.intervals, grown / MB),
                      "≤ %d MB and flat" % (rss_bound / MB),
                      max(rss, grown) <= rss_bound and grown - rss <= 0.05 * rss + MB)

    def idle(self):
        yield from self.own_cost("idle system", 0.3)

    def many(self):
        seconds = self.intervals + 60  # it is ended as soon as it is no longer needed
        with contended(self.args.many, 10000, 1000, 100, seconds):
            yield from self.own_cost("1,000 locks, 10,000 threads", 5.0, 40 * MB)

    def first_screen(self):
        times = []
        for _ in range(1 if self.args.quick else 7):
            text = b""
            with Screen([self.args.locktop]) as screen:
                # Column heads: the frame is there, not only a cleared terminal.
                while not re.search(rb"\bPID\b", ESCAPES.sub(b" ", text)):
                    text += screen.read(0.5)
                    if time.monotonic() - screen.started > 5:
                        raise Failure("no frame within 5 s")
                times.append(1000 * (time.monotonic() - screen.started))
        yield Row("first screen after start", "%.0f ms" % statistics.median(times), "≤ 300 ms",
                  statistics.median(times) <= 300)

    def storm(self):
        seconds = 1 if self.args.quick else 4
        # Whatever kind and class such a bare futex is taken for: all of its sleeps count.
        with self.locktop("-i", "--top", "0") as tool:
            truth = self.loop("storm", seconds)
            time.sleep(1.5)  # the interval in which it ended
        lines = tool.output().splitlines(keepends=True)
        snapshots = [json.loads(x) for x in lines if x.startswith(b"{") and x.endswith(b"\n")]
        seen = sum(x["sleeps"] for s in snapshots for x in s["locks"]
                   if x["pid"] == truth["pid"]) / truth["sleeps"]
        losses = {}
        for s in snapshots:
            for key, n in s["losses"].items():
                losses[key] = losses.get(key, 0) + n
        samples = sum(losses.pop(key, 0) for key in SAMPLE_LOSSES)
        unseen = losses.pop("switches_unseen", 0)  # not reported by the kernel, counted all the same
        lost = sum(losses.values())
        yield Row("events lost at %s sleeps/s" % thousands(truth["sleeps"] / seconds),
                  "%d counts, %d samples; saw %.3f %% of the sleeps (%d ends unreported by the kernel)"
                  % (lost, samples, 100 * seen, unseen),
                  "0 counts, all sleeps seen", lost == 0 and abs(seen - 1) <= 0.002)

    def one_interval(self, pid, seconds, warm_up, *more):
        """One long interval on one process, so that no snapshot is printed meanwhile. Returns it,
        and the CPU time used in the middle of it and how long (ns) that was."""
        argv = [self.args.locktop, "-b", "-f", "json", "-d", str(seconds), "-n", "1", "--top", "0",
                "-p", str(pid), *more]
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(argv, stdout=out)
            try:
                time.sleep(warm_up)
                cpu, start = cpu_ns(process.pid), time.monotonic_ns()
                time.sleep(seconds - warm_up - 0.3)
                cpu, span = cpu_ns(process.pid) - cpu, time.monotonic_ns() - start
                process.wait(seconds + 20)
            finally:
                end(process)
            out.seek(0)
            snapshot = json.load(out)
        # What was not sampled or could not be read costs nothing and must not count as cheap.
        if any(snapshot["losses"][key] for key in SAMPLE_LOSSES):
            raise Failure("samples were lost: %s" % snapshot["losses"])
        return snapshot, cpu, span

    def sample_cost(self, what, percent, measured):
        """measured: of CPU time with and without samples, and the number of samples."""
        each = statistics.median((with_ns - without_ns) / 1000 / n
                                 for with_ns, without_ns, n, _ in measured)
        rate = statistics.median(per_second for *_, per_second in measured)
        bound = 10 * percent  # µs: at 1,000 a second, 10 µs are 1 % of a CPU
        return Row("a stack sample, " + what,
                   "%.1f µs: %.2f %% of one CPU at 1,000/s (measured at %s/s)" %
                   (each, each / 10, thousands(rate)),
                   "≤ %d %% at 1,000/s" % percent, each <= bound)

    def warm_samples(self):
        seconds, warm_up = (3, 1) if self.args.quick else (6, 1.5)
        with contended(self.args.stacks, 250, 8, 2 * seconds + 60) as process:
            snapshot, cpu, span = self.one_interval(process.pid, seconds, warm_up, *SAMPLING)
            _, base, base_span = self.one_interval(process.pid, seconds, warm_up, *NO_SAMPLING)
        n = sites_samples(snapshot) * span / snapshot["interval_ns"]
        yield self.sample_cost("warm", 2, [(cpu, base * span / base_span, n, n * 1e9 / span)])

    def new_samples(self):
        seconds = 1 if self.args.quick else 3  # longer, and old sites would give way: 32 a lock
        measured = []
        with contended(self.args.stacks, 250, 1 << 40, 90) as process:
            for _ in range(1 if self.args.quick else 2):
                snapshot = self.one_interval(process.pid, seconds, 0.1, *SAMPLING)[0]
                base = self.one_interval(process.pid, seconds, 0.1, *NO_SAMPLING)[0]
                n = sites_samples(snapshot)
                stacks = {json.dumps(x["frames"]) for k in snapshot["locks"] for x in k["sites"]}
                if len(stacks) < 0.9 * n:
                    raise Failure("%d samples had only %d stacks" % (n, len(stacks)))
                measured.append((snapshot["self"]["cpu_ns"], base["self"]["cpu_ns"], n,
                                 n * 1e9 / snapshot["interval_ns"]))
        yield self.sample_cost("each stack new, from the start", 10, measured)

    def mapped(self):
        count, seconds = 50, 4 if self.args.quick else 10
        with tempfile.TemporaryDirectory(prefix="locktop-bench-") as directory, \
                contextlib.ExitStack() as stack:
            processes = []
            for i in range(count):  # files of their own: nothing but libc is shared
                path = os.path.join(directory, "program%d" % i)
                shutil.copy(self.args.stacks, path)
                processes.append(stack.enter_context(contended(path, 1, 16, seconds + 90)))
            with self.locktop("--top", "0") as tool:
                time.sleep(seconds)
                last = json.loads([x for x in tool.output().splitlines(keepends=True)
                                   if x.endswith(b"}\n")][-1])
        pids = {p.pid for p in processes}
        seen = {k["pid"] for k in last["locks"] if k["pid"] in pids and
                any(f["function"] == "thread_main" for x in k["sites"] for f in x["frames"])}
        if len(seen) < count:
            raise Failure("stacks of only %d of %d programs" % (len(seen), count))
        rss = last["self"]["rss_bytes"]
        yield Row("locktop's memory, %d programs in files of their own, after %d s" %
                  (count, seconds), "%.1f MB" % (rss / MB), "≤ 40 MB", rss <= 40 * MB)

    def pairs_ns(self, beside):
        """ns that a lock and an unlock of a free mutex take together, the best of each run."""
        times = []
        for _ in range(self.pairs):
            with beside() if beside else contextlib.nullcontext():
                times.append(1e9 / self.loop("pair", self.seconds / 2)["rate"])
        return times

    def pair(self):
        what = "lock + unlock of a free mutex"
        yield Row(what + ", nothing beside", nanoseconds(self.pairs_ns(None)), "–", None)
        times = self.pairs_ns(lambda: self.locktop(*EXACT))
        yield Row(what + ", exact tier", nanoseconds(times), "≤ 2,000 ns",
                  statistics.median(times) <= 2000)
        if self.bpftrace():
            times = self.pairs_ns(lambda: self.bpftrace("mutex.bt"))
            yield Row(what + " (a bpftrace script for the wait time)", nanoseconds(times), "–", None)

    def run_ns(self, *more):
        """How long a run with one interval of 0.1 s takes beyond that."""
        start = time.monotonic()
        subprocess.run([self.args.locktop, "-b", "-f", "json", "-n", "1", "-d", "0.1", *more],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)
        return (time.monotonic() - start) * 1e9 - 1e8

    def attach(self):
        count = 1000
        with crowd(count):
            without = statistics.median(self.run_ns() for _ in range(3))
            times = [(self.run_ns("-x") - without) / 1e6 for _ in range(1 if self.args.quick else 5)]
        yield Row("attaching and detaching the exact tier, %s processes" % thousands(count),
                  "%.0f ms (%.0f … %.0f) more than without" %
                  (statistics.median(times), min(times), max(times)), "≤ 1,000 ms",
                  statistics.median(times) <= 1000)

    def many_exact(self):
        seconds = self.intervals + 60
        with contended(self.args.many, 1000, 1000, 1000, seconds) as process:
            yield from self.own_cost("exact tier, 1,000 locks of one program", 5.0, None, *EXACT,
                                     "-p", str(process.pid))

    def recording(self, path, options):
        """Two observations at the same time: one without a file, which prints one lock, and one that
        records. What that takes more, in % of one CPU: a number for each window of three intervals."""
        plain = Beside([self.args.locktop, "-b", "-d", "1", "--top", "1"], lambda out: b"\n" in out)
        record = Beside([self.args.locktop, "record", "-o", path, "-d", "1", *options],
                        lambda _: os.path.exists(path), settle=2)
        more = []
        with plain, record:
            limit = time.monotonic() + 60
            while "--max-size" in options and not recorded(path, "SELECT min(interval) > 1"):
                if time.monotonic() > limit:
                    raise Failure("the bounded file does not rotate")
                time.sleep(0.5)
            for _ in range(1 if self.args.quick else 9):
                before, start = [cpu_ns(t.process.pid) for t in (plain, record)], time.monotonic_ns()
                time.sleep(3)
                used = [cpu_ns(t.process.pid) - x for t, x in zip((plain, record), before)]
                more.append(100 * (used[1] - used[0]) / (time.monotonic_ns() - start))
        return more

    def record(self):
        rows = [(2000, (), 1.0), (2000, ("--max-size", "4M"), 1.0), (2000, ("--events",), None)]
        if not self.args.quick:
            rows += [(10000, (), None), (10000, ("--max-size", "4M"), None)]  # 4M: some 8 intervals
        for threads, options, bound in rows:
            with tempfile.TemporaryDirectory(prefix="locktop-bench-") as directory:
                path = os.path.join(directory, "recording")
                with contended(self.args.many, threads, 1000, 100, 120):
                    more = self.recording(path, options)
                rate = recorded(path, "SELECT sum(sleeps) * 1e9 / sum(interval_ns)")
            median = statistics.median(more)
            what = "recording%s: 1,000 locks, %s threads, %s sleeps/s" % (
                " (%s)" % " ".join(options) if options else "", thousands(threads), thousands(rate))
            yield Row(what, "%.2f %% of one CPU (%.2f … %.2f) more than without a file" %
                      (median, min(more), max(more)),
                      "≤ %.1f %%" % bound if bound else "–", median <= bound if bound else None)

    ROWS = (mutex, pingpong, python, syscall, idle, many, first_screen, storm, warm_samples,
            new_samples, mapped, pair, attach, many_exact, record)

    def run(self):
        rows = []
        for measure in self.ROWS:
            if self.args.only and measure.__name__ not in self.args.only.split(","):
                continue
            progress(measure.__name__)
            try:
                rows.extend(measure(self))
            except (Failure, OSError, ValueError, KeyError, subprocess.SubprocessError) as e:
                rows.append(Row(measure.__name__, "not measured: %s" % e, "–", False))
        return rows


def spread(ratios):
    return "%.3f (%.3f … %.3f)" % (statistics.median(ratios), min(ratios), max(ratios))


def nanoseconds(times):
    return "%s ns (%s … %s)" % tuple(thousands(f(times)) for f in (statistics.median, min, max))


def thousands(n):
    return "{:,.0f}".format(n)


def processor():
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            return re.search(r"model name\s*: (.*)", f.read()).group(1)
    except (OSError, AttributeError):
        return os.uname().machine


def show(rows, bench):
    print("%s, Linux %s, %d × %s; median (range) of %d or more interleaved pairs\n" % (
        datetime.date.today(), os.uname().release, os.cpu_count(), processor(), bench.pairs))
    print("| what | measured | bound | |\n| --- | --- | --- | --- |")
    for r in rows:
        verdict = "–" if r.ok is None else "ok" if r.ok else "FAIL"
        print("| %s | %s | %s | %s |" % (r.what, r.measured.replace("|", "/"), r.bound, verdict))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--only", help="names of rows")
    for name in ("locktop", "loop", "many", "stacks", "bpftrace"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what runs is ended on the way out
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bench = Bench(args)
    rows = bench.run()
    show(rows, bench)
    if args.strict and any(r.ok is False for r in rows):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

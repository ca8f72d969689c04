# SPDX-License-Identifier: GPL-2.0-only
"""Two questions about snapshots, answered by exit status.

stacks.py SNAPSHOTS whole PERCENT [--module GLOB]... [START...]: do at least PERCENT of the waiters'
samples come from whole stacks: not truncated, their outermost named frame one of START (globs) or a
way that programs and threads begin by? With --module, for programs without names: not truncated,
through a file that matches, and ended in one or in the C library.

stacks.py SNAPSHOTS kind KIND CLASS [PERCENT]: are so many (85) of the sleeps of locks of this kind
and class?
"""
import argparse
import collections
import fnmatch
import json
import os
import sys

STARTS = (
    "main", "_start", "_start_c", "__libc_start_main*", "__libc_start_call_main",
    "libc_start_main_stage2", "start_thread", "start", "clone", "__clone", "clone3", "__clone3",
)
LIBRARIES = ("libc.so*", "libc-*", "ld-musl-*", "libpthread*")


def matches(text, patterns):
    """Is the text one of the patterns? None is not."""
    return text is not None and any(fnmatch.fnmatchcase(text, p) for p in patterns)


def file_of(frame):
    """The last part of a frame's module."""
    return os.path.basename(frame["module"] or "")


def whole(site, starts, module):
    """Does the stack of a site reach the start of its thread?"""
    frames = site["frames"]
    if site["truncated"] or not frames:
        return False
    if module:
        inside = any(matches(file_of(f), module) for f in frames)
        return inside and matches(file_of(frames[-1]), [*module, *LIBRARIES])
    named = [f["function"] for f in frames if f["function"]]
    return bool(named) and matches(named[-1], starts)


def text_of(site):
    """A stack in one line, innermost first."""
    names = [f["function"] or f"{file_of(f) or '?'}+{f['offset']}" for f in site["frames"]]
    return " < ".join(names) + (" [truncated]" if site["truncated"] else "")


def is_whole(locks, args):
    """Counts samples, and shows the stacks that are not whole."""
    good, bad = 0, collections.Counter()
    for lock in locks:
        for site in (s for s in lock["sites"] if s["role"] == "waiter"):
            if whole(site, [*STARTS, *args.starts], args.module):
                good += site["samples"]
            else:
                bad[f"{lock['kind']}: {text_of(site)}"] += site["samples"]
    total = good + sum(bad.values())
    share = 100 * good / total if total else 0
    print(f"{share:.1f} % of {total} samples reach the start of their thread")
    for stack, samples in bad.most_common(8):
        print(f"{samples:6} {stack}")
    return total > 0 and share >= args.percent


def is_kind(locks, args):
    """Counts sleeps by kind. Some are not the workload's subject: it joins its threads."""
    sleeps = collections.Counter()
    for lock in locks:
        sleeps[lock["kind"], lock["class"]] += lock["sleeps"]
    for (kind, name), n in sleeps.most_common():
        print(f"{n:6} {kind} {name}")
    return 100 * sleeps[args.kind, args.name] >= args.percent * sum(sleeps.values()) > 0


def main():
    """Reads all snapshots, then answers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("snapshots")
    questions = parser.add_subparsers(required=True)
    question = questions.add_parser("whole")
    question.set_defaults(answer=is_whole)
    question.add_argument("percent", type=float)
    question.add_argument("starts", nargs="*")
    question.add_argument("--module", action="append")
    question = questions.add_parser("kind")
    question.set_defaults(answer=is_kind)
    question.add_argument("kind")
    question.add_argument("name", metavar="class")
    question.add_argument("percent", type=float, nargs="?", default=85)
    args = parser.parse_args()
    with open(args.snapshots, encoding="utf-8") as lines:
        locks = [lock for line in lines for lock in json.loads(line)["locks"]]
    sys.exit(not args.answer(locks, args))


main()

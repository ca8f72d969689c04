# SPDX-License-Identifier: GPL-2.0-only
"""stacks.py SNAPSHOTS PERCENT [--module GLOB] [START...]: exit 0 if at least PERCENT of the waiters'
samples come from whole stacks: not truncated, their outermost named frame one of START (globs) or a
way that programs and threads begin by. With --module, for programs without names: not truncated,
through a file that matches, and ended in it or in the C library.
"""
import argparse
import collections
import fnmatch
import json
import os
import sys

STARTS = (
    "main", "_start", "__libc_start_main*", "__libc_start_call_main", "libc_start_main_stage2",
    "start_thread", "start", "clone", "__clone", "clone3", "__clone3", "__clone_internal",
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
        inside = any(matches(file_of(f), [module]) for f in frames)
        return inside and matches(file_of(frames[-1]), [module, *LIBRARIES])
    named = [f["function"] for f in frames if f["function"]]
    return bool(named) and matches(named[-1], starts)


def text_of(site):
    """A stack in one line, innermost first."""
    names = [f["function"] or f"{file_of(f) or '?'}+{f['offset']}" for f in site["frames"]]
    return " < ".join(names) + (" [truncated]" if site["truncated"] else "")


def main():
    """Counts samples, and shows the stacks that are not whole."""
    parser = argparse.ArgumentParser()
    parser.add_argument("snapshots")
    parser.add_argument("percent", type=float)
    parser.add_argument("starts", nargs="*")
    parser.add_argument("--module")
    args = parser.parse_args()
    good, bad = 0, collections.Counter()
    with open(args.snapshots, encoding="utf-8") as lines:
        for lock in (lock for line in lines for lock in json.loads(line)["locks"]):
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
    sys.exit(total == 0 or share < args.percent)


main()

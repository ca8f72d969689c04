#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads metrics with the reference parser and checks that they agree with each other and with the
workload.

usage: metrics.py FILE openmetrics|prometheus TRUTH"""
import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as om_parser


def samples(path, notation):
    read = om_parser if notation == "openmetrics" else parser
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.endswith("# EOF\n") == (notation == "openmetrics")
    found, types = {}, {}
    for family in read.text_string_to_metric_families(text):
        assert family.documentation, f"{family.name}: no help"
        types[family.name] = family.type
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} twice"
            assert sample.value >= 0, key
            found[key] = sample.value
    return found, types


def rows(found, name, **labels):
    return [value for (of, pairs), value in found.items()
            if of == name and set(labels.items()) <= set(pairs)]


def main():
    found, types = samples(sys.argv[1], sys.argv[2])
    with open(sys.argv[3], encoding="utf-8") as file:
        truth = json.loads(file.readline())
    assert types["locktop_lock_wait_seconds"] == "counter", types
    assert types["locktop_lock_wait_duration_seconds"] == "histogram", types
    assert len(rows(found, "locktop_build_info")) == 1
    for kind in ("contention", "idle"):
        total, = rows(found, "locktop_wait_seconds_total", **{"class": kind})
        of_locks = sum(rows(found, "locktop_lock_wait_seconds_total", **{"class": kind}))
        assert abs(total - of_locks) < 1e-6, (kind, total, of_locks)
    wait = sum(rows(found, "locktop_lock_wait_seconds_total", process="contend", kind="mutex"))
    assert abs(wait * 1e9 / truth["wait_ns"] - 1) < 0.05, (wait, truth["wait_ns"])
    counts = rows(found, "locktop_lock_wait_duration_seconds_count")
    assert sum(counts) == sum(rows(found, "locktop_lock_wait_duration_seconds_bucket", le="+Inf"))
    assert sum(counts) > 0
    assert len(rows(found, "locktop_losses_total")) > 3
    assert rows(found, "locktop_self_cpu_seconds_total")[0] > 0
    taken = rows(found, "locktop_lock_acquisitions_total", process="contend", kind="mutex")
    if "locktop_exact_ratio" in types:
        assert sum(taken) >= truth["acquisitions"], (taken, truth["acquisitions"])
    else:
        assert not taken


main()

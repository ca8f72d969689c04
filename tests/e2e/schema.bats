#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# JSON as it is promised: every field, the right types, sums that agree.

load helper

# Losses that the snapshots must name, zero or not: those of the contract with the probes.
losses_named() {
	sed -n 's/^\tX([A-Z_]*, "\([a-z_]*\)",.*/\1/p' "$root/bpf/locktop.h"
}

@test "every field is there with its type, and sums agree, beside a workload of several kinds" {
	observe bash -c 'for k in mutex rwlock-read sem-timed cond barrier pi; do "$0" "$k" 5 20; done' \
		"$WORKLOADS/primitives"
	python3 "$e2e/schema.py" "$shots" all
}

@test "the exports that the unit tests write are as promised: owners, holders, deadlocks" {
	for golden in "$root"/tests/golden/export_*.json; do
		[ "${golden%.html.json}" = "$golden" ] || continue # the data of a page
		python3 "$e2e/schema.py" "$golden"
	done
}

@test "a deadlock is as promised, and so is what its locks say of it" {
	start_standing "$WORKLOADS/deadlocks" pair 20
	"$LOCKTOP" -b -n 2 -d 0.5 -f json --top 1 -p "$pid" -o "$shots"
	python3 "$e2e/schema.py" "$shots"
	judge 'len(shots[1]["deadlocks"]) == 1' 'len(shots[1]["locks"]) == 2'
}

@test "the same system-wide, with whatever this machine does" {
	start "$WORKLOADS/contend" 4 10 1000 100
	"$LOCKTOP" -b -n 2 -d 0.5 -f json -i --top 0 -o "$shots"
	python3 "$e2e/schema.py" "$shots" all
}

@test "every loss has its name in the snapshot" {
	"$LOCKTOP" -b -n 1 -d 0.1 -f json -o "$shots"
	[ -n "$(losses_named)" ]
	judge "set(shots[0]['losses']) >= set('''$(losses_named)'''.split())"
}

@test "an interval in which nothing waited still prints its snapshot" {
	observe sleep 1.2
	python3 "$e2e/schema.py" "$shots" all
	judge 'len(shots) == 3' 'all(s["totals"]["wait_ns"] == 0 for s in shots)' \
		'near(sum(s["interval_ns"] for s in shots), 1.2 * S, 10)' \
		'all(s["locks"] == [] for s in shots)'
}

@test "the last, partial interval is printed when CMD ends" {
	observe "$WORKLOADS/blocked" 0.7
	judge 'len(shots) == 2' 'shots[1]["interval_ns"] < 0.4 * S' 'near(lock()["wait_ns"], 0.7 * S, 3)'
}

@test "--top 1 prints one lock a process, and the totals still count all" {
	start_standing "$WORKLOADS/doing" chain 20
	"$LOCKTOP" -b -n 1 -d 0.5 -f json --top 1 -p "$pid" -o "$shots"
	judge 'len(shots[0]["locks"]) == 1' 'shots[0]["totals"]["waiting"] == 3' \
		'near(shots[0]["totals"]["wait_ns"], 3 * shots[0]["interval_ns"], 3)'
	"$LOCKTOP" -b -n 1 -d 0.5 -f json --top 0 -p "$pid" -o "$shots"
	judge 'len(shots[0]["locks"]) == 3'
}

@test "a waiter site names the functions that led to the lock" {
	observe "$WORKLOADS/blocked" 1
	judge '[f for x in shots[0]["locks"] for s in x["sites"] if s["role"] == "waiter"
		for f in s["frames"] if f["function"] == "waiter"]'
}

@test "-s and -r order the locks" {
	start "$WORKLOADS/primitives" mutex 200 20
	"$WORKLOADS/contend" 4 10 1000 100 >/dev/null 3>&- &
	started+=($!)
	"$LOCKTOP" -b -n 1 -d 1 -f json -p "$pid,$!" -s wait_ns -o "$shots"
	judge '[x["wait_ns"] for x in shots[0]["locks"]] == sorted((x["wait_ns"] for x in shots[0]["locks"]), reverse=True)' \
		'len(shots[0]["locks"]) >= 2'
	"$LOCKTOP" -b -n 1 -d 1 -f json -p "$pid,$!" -s wait_ns -r -o "$shots"
	judge '[x["wait_ns"] for x in shots[0]["locks"]] == sorted(x["wait_ns"] for x in shots[0]["locks"])'
}

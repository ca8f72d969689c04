#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Threads without work are no contention.

load helper

setup_idle() {
	start "$WORKLOADS/idle" 32 60
	wait_for 10 asleep "$pid" 33
	echo "{\"pid\":$pid}" >"$BATS_TEST_TMPDIR/who"
	truth=$BATS_TEST_TMPDIR/who
}

@test "32 idle workers and a join: nothing in the contention total, all in the idle total" {
	setup_idle
	"$LOCKTOP" -b -n 2 -d 0.5 -f json -p "$pid" -o "$shots"
	judge 'fine()' 'all(n == 0 for s in shots for n in s["totals"].values())' \
		'all(s["idle"]["waiting"] == 33 for s in shots)' \
		'all(near(s["idle"]["wait_ns"], 33 * s["interval_ns"], 3) for s in shots)' \
		'all(x["class"] == "contention" for s in shots for x in s["locks"])'
}

@test "-i shows them: 32 on the condition variable, one in the join" {
	setup_idle
	"$LOCKTOP" -b -n 1 -d 0.5 -f json -i -p "$pid" -o "$shots"
	judge 'all(x["class"] == "idle" for x in shots[0]["locks"])' \
		'sorted((x["kind"], x["waiting"]) for x in shots[0]["locks"]) == [("cond", 32), ("join", 1)]' \
		'shots[0]["totals"]["waiting"] == 0'
}

@test "system-wide: an idle pool adds nothing to contention" {
	setup_idle
	"$LOCKTOP" -b -n 1 -d 0.5 -f json --top 0 -o "$shots"
	judge 'shots[0]["idle"]["waiting"] >= 33' \
		'all(p["wait_ns"] == 0 and p["sleeps"] == 0 and p["waiting"] == 0 for p in rows())' \
		'all(p["idle_wait_ns"] > 30 * shots[0]["interval_ns"] for p in rows())' \
		'not [x for x in shots[0]["locks"] if x["pid"] == t["pid"]]'
}

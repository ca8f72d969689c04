#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Waits that began before, end after or never end; threads and programs that come and go.

load helper

@test "a thread that is blocked all the time counts one second a second" {
	observe "$WORKLOADS/blocked" 3
	judge 'fine()' 'len(shots) >= 5' 'near(lock()["wait_ns"], t["wait_ns"], 1, 5 * MS)' \
		'lock()["sleeps"] == 1' \
		'all(near(s["totals"]["wait_ns"], s["interval_ns"], 2) for s in shots[1:-2])' \
		'all(s["totals"]["waiting"] == 1 for s in shots[1:-2])'
}

@test "a thread that was blocked before locktop started counts from the start of observation" {
	start "$WORKLOADS/blocked" 4
	wait_for 5 asleep "$pid" 1
	"$LOCKTOP" -b -n 4 -d 0.5 -f json -p "$pid" -o "$shots"
	finish
	judge 'fine()' 'len(shots) == 4' 'lock()["kind"] == "mutex"' 'lock()["waiting"] == 1' \
		'all(near(s["locks"][0]["wait_ns"], s["interval_ns"], 3) for s in shots)' \
		'all(x["wait_ns"] <= s["interval_ns"] for s in shots for x in s["locks"])' \
		'[x for x in shots[-1]["threads"] if x["tid"] == t["tid"]][0]["waiting_for"] == lock_id()'
}

@test "system-wide, a process that was blocked before locktop started has its name and its second a second" {
	start "$WORKLOADS/blocked" 3
	wait_for 5 asleep "$pid" 1
	"$LOCKTOP" -b -n 2 -d 0.5 -f json --top 0 -o "$shots"
	finish
	judge 'near(lock()["wait_ns"], sum(s["interval_ns"] for s in shots), 3)' \
		'all(p["comm"] == "blocked" for p in rows())' 'len(rows()) == 2'
}

@test "a wait that began before locktop and ended under observation is counted up to its end" {
	start "$WORKLOADS/blocked" 2.5
	wait_for 5 asleep "$pid" 1
	"$LOCKTOP" -b -n 6 -d 0.5 -f json -i -p "$pid" -o "$shots"
	finish
	judge 'fine()' 'lock()["waiting"] == 0' 'lock()["wait_ns"] < t["wait_ns"]' \
		'lock()["wait_ns"] > 0.3 * t["wait_ns"]'
}

@test "threads that come and go all the time: no wait is lost with them" {
	expect=('fine()' 't["threads"] > 200' 'lock()["waiting"] == 0'
		'near(lock()["wait_ns"], t["wait_ns"], 3)')
	measure "$WORKLOADS/churn" 3
}

@test "threads that are killed asleep have waited until their end" {
	expect=('fine()' 'lock()["sleeps"] == 4' 'lock()["waiting"] == 0'
		'near(lock()["wait_ns"], t["wait_ns"], 3)')
	measure "$WORKLOADS/killed" 4 1.2
}

@test "exec: one pid, the same lock address in two programs, and a thread that died asleep" {
	expect=('fine()' 'lock()["sleeps"] == 2' 'lock(t["left"])["waiting"] == 0'
		'near(lock()["wait_ns"], t["wait_ns"], 3)'
		'near(lock(t["left"])["wait_ns"], t["left_ns"], 3)')
	measure "$WORKLOADS/execer"
}

@test "restart_syscall: a wait goes on after a stop; the stop is no wait" {
	expect=('fine()' '1 <= lock()["sleeps"] <= 2'
		'near(lock()["wait_ns"], t["wait_ns"], 3)')
	measure "$WORKLOADS/restarter"
}

@test "a process that ends while it is watched: its last numbers, then nothing, and no failure" {
	start "$WORKLOADS/contend" 4 2 1000 100
	wait_for 5 asleep "$pid" 2
	"$LOCKTOP" -b -n 6 -d 0.5 -f json -p "$pid" -o "$shots"
	finish
	judge 'fine()' 'lock()' '0.3 * t["wait_ns"] < lock()["wait_ns"] <= t["wait_ns"]' \
		'shots[-1]["totals"]["waiting"] == 0'
}

@test "short-lived processes, system-wide: each has its name" {
	start bash -c 'while :; do "$0" mutex 3 10; done' "$WORKLOADS/primitives"
	"$LOCKTOP" -b -n 8 -d 0.3 -f json --top 0 -o "$shots"
	truth=$BATS_TEST_TMPDIR/none
	judge 'len({p["pid"] for s in shots for p in s["processes"] if p["comm"] == "primitives"}) >= 5'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# What locktop counts, beside programs that know: exact numbers of sleeps, waits within 3 %.

load helper

# exact KIND: every sleep of one primitive, no more and no fewer, and how long they were.
exact() {
	expect=('lock()' 'lock()["sleeps"] == t["sleeps"] == 23' 'lock()["kind"] == t["kind"]'
		'lock()["timeouts"] == t["timeouts"]' 'lock()["waiting"] == 0' 'losses() == 0'
		'lock()["wait_ns"] == lock()["blocked_ns"] + lock()["delay_ns"]'
		'near(lock()["wait_ns"], t["wait_ns"], 3, MS)')
	measure "$WORKLOADS/primitives" "$1" 23 10
}

@test "mutex: 23 sleeps are 23" { exact mutex; }
@test "recursive mutex: 23 sleeps are 23" { exact recursive; }
@test "error-checking mutex: 23 sleeps are 23" { exact errorcheck; }
@test "adaptive mutex: 23 sleeps are 23" { exact adaptive; }
@test "timedlock that succeeds: 23 sleeps are 23" { exact timedlock; }
@test "timedlock that times out: 23 sleeps are 23 time-outs" { exact timedlock-timeout; }
@test "clocklock: 23 sleeps are 23" { exact clocklock; }
@test "robust mutex: 23 sleeps are 23" { exact robust; }
@test "priority-inheriting mutex: 23 sleeps are 23" { exact pi; }
@test "process-shared mutex, waited for by a child: 23 sleeps are 23" { exact pshared; }
@test "rwlock read: 23 sleeps are 23" { exact rwlock-read; }
@test "rwlock write behind a reader: 23 sleeps are 23" { exact rwlock-write-reader; }
@test "rwlock write behind a writer: 23 sleeps are 23" { exact rwlock-write-writer; }
@test "condition variable, both of its words: 23 sleeps are 23 of one object" { exact cond; }
@test "condition variable that times out: 23 sleeps are 23 time-outs" { exact cond-timed; }
@test "semaphore: 23 sleeps are 23" { exact sem; }
@test "semaphore that times out: 23 sleeps are 23 time-outs" { exact sem-timed; }
@test "barrier, another value each round: 23 sleeps are 23 of one object" { exact barrier; }
@test "once: 23 sleeps are 23" { exact once; }
@test "join: 23 sleeps are 23" { exact join; }

@test "futex_waitv: 23 sleeps are 23" {
	expect=('lock()["sleeps"] == 23' 'losses() == 0'
		'near(lock()["wait_ns"], t["wait_ns"], 3, MS)')
	measure "$WORKLOADS/waitv" 23 10
}

@test "futex_wait, the newer system call: 23 sleeps are 23" {
	expect=('lock()["sleeps"] == 23' 'losses() == 0'
		'near(lock()["wait_ns"], t["wait_ns"], 3, MS)')
	measure "$WORKLOADS/futex2" 23 10
}

@test "contended mutex, 1 ms critical sections: wait within 3 % of the program's own, whole run" {
	expect=('fine()' 'lock()["kind"] == "mutex"' 'lock()["class"] == "contention"'
		'sum(p["wait_ns"] for p in rows()) == lock()["wait_ns"]'
		'near(lock()["wait_ns"], t["wait_ns"], 3)'
		'all(near(thread_wait(x["tid"]), x["wait_ns"], 3, 20 * MS) for x in t["threads"])')
	measure "$WORKLOADS/contend" 4 3 1000 100
}

# noted NS: notes have been taken after this moment.
noted() {
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/notes" | sed 's/ .*//;q')" -gt "$1" ]
}

# A stalled machine makes them more than three; the notes tell of just these.
@test "a running process: wait within 3 % of its running totals in the same three seconds" {
	start "$WORKLOADS/contend" 4 8 1000 100 "$BATS_TEST_TMPDIR/totals"
	wait_for 5 asleep "$pid" 2
	python3 "$e2e/totals.py" "$BATS_TEST_TMPDIR/totals" >"$BATS_TEST_TMPDIR/notes" 3>&- &
	started+=($!)
	wait_for 5 test -s "$BATS_TEST_TMPDIR/notes"
	"$LOCKTOP" -b -n 1 -d 3 -f json -p "$pid" -o "$shots"
	wait_for 5 noted "$(date +%s%N)"
	echo "{\"pid\":$pid}" >"$truth"
	judge 'fine()' 'len(shots) == 1' '2.97 * S < shots[0]["interval_ns"] < 4 * S' \
		"near(shots[0]['totals']['wait_ns'], between('$BATS_TEST_TMPDIR/notes', shots[0]), 3)" \
		'shots[0]["locks"][0]["pid"] == t["pid"]' \
		'near(shots[0]["locks"][0]["wait_ns"], shots[0]["totals"]["wait_ns"], 0.1)'
}

@test "a 32-bit program: wait within 3 %" {
	[ -x "$WORKLOADS/compat32" ] || skip "no 32-bit programs can be built here"
	expect=('fine()' 'lock()["kind"] == "mutex"'
		'near(lock()["wait_ns"], t["wait_ns"], 3)')
	measure "$WORKLOADS/compat32" 4 2 1000 100
}

@test "a busy CPU: the delay part is what the scheduler says, the rest was blocked" {
	expect=('fine()' 't["delay_ns"] > 50 * MS'
		'near(lock()["wait_ns"], t["wait_ns"], 3)'
		'near(lock()["delay_ns"], t["delay_ns"], 5, 10 * MS)'
		'near(lock()["blocked_ns"], t["wait_ns"] - t["delay_ns"], 5, 10 * MS)')
	measure "$WORKLOADS/oversubscribed" 3
}

@test "a storm of sleeps: none is lost" {
	expect=('fine()' 'lock()["sleeps"] > 10000' 't["wait_ns"] * 0.85 < lock()["wait_ns"]'
		'lock()["wait_ns"] < t["wait_ns"] * 1.01')
	measure "$WORKLOADS/storm" 32 2
}

@test "ping-pong on one CPU: none is lost, no sleep is counted twice" {
	observe "$WORKLOADS/pingpong" 100000
	judge 'losses() == 0' 't["sleeps"] > 50000' 'near(lock()["sleeps"], t["sleeps"], 0.1)'
}

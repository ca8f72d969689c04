#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Single sleeps: each is told of once, whole, at its time, with lock, thread and waker.

load helper

setup() {
	test_files
	rec=$BATS_TEST_TMPDIR/recording
}

# ask SQL: of the recording, read-only.
ask() {
	sqlite3 -readonly -cmd '.timeout 5000' "$rec" "$1"
}

# holds SQL...: each is true; else it is printed, with its value.
holds() {
	local sql value bad=0

	for sql in "$@"; do
		value=$(ask "SELECT $sql")
		[ "$value" = 1 ] || {
			echo "not so ($value): $sql"
			bad=1
		}
	done
	return "$bad"
}

# What is true of every recording: parts in their order, in their interval, none beside another of
# its thread; each lock has as many as it counted (sleeps that a signal or a time-out of the
# interpreter divides count once in both), but for those that are lost by name.
sound() {
	holds '(SELECT count(*) FROM sleep WHERE start_ns > woken_ns OR woken_ns > end_ns) = 0' \
		'(SELECT count(*) FROM sleeps JOIN interval USING (interval)
			WHERE end_ns > sleeps_end_ns OR end_ns < sleeps_end_ns - interval_ns - 200e6) = 0' \
		'(SELECT count(*) FROM (SELECT start_ns, lag(end_ns) OVER
			(PARTITION BY pid, tid ORDER BY start_ns) AS before
			FROM sleep JOIN thread USING (thread)) WHERE before > start_ns) = 0' \
		'(SELECT count(*) FROM interval WHERE single_sleeps IS NULL) = 0' \
		'(SELECT count(*) FROM sleep WHERE waker = thread) = 0'
}

# Sleeps that ended, as the locks count them (the last, short interval may have none); and those
# that rows or losses tell of.
counted='(SELECT sum(sleeps) FROM lock) - (SELECT total(waiting) FROM locks
	WHERE interval = (SELECT max(interval) FROM interval))'
told='(SELECT count(*) FROM sleep WHERE NOT resumed) + coalesce((SELECT sum(count) FROM loss
	WHERE name = "events_dropped"), 0)'
unseen='coalesce((SELECT sum(count) FROM loss WHERE name = "switches_unseen"), 0)'

@test "every sleep is one row: their number and their time are the lock's" {
	"$LOCKTOP" record --events=100000 -o "$rec" -d 0.5 -- "$WORKLOADS/patterns" convoy 2 \
		>"$truth" # as many sleeps on a busy machine
	sound
	# while threads begin, the C library has a lock of its own that they may meet at
	holds "$told BETWEEN $counted - 2 * $unseen - 1 AND $counted" "$counted > 300" \
		'(SELECT abs(sum(end_ns - start_ns) * 1.0 / (SELECT sum(wait_ns) FROM lock) - 1)
			FROM sleep) < 0.01' \
		'(SELECT avg(waker IS NOT NULL) FROM sleep) > 0.99' \
		'(SELECT avg(ended = (SELECT string FROM string WHERE text = "woken")) FROM sleep)
			> 0.99' \
		'(SELECT count(DISTINCT tid) FROM sleeps WHERE kind = "mutex") = 12' \
		"(SELECT count(*) FROM sleeps WHERE lock_id <> '$(fact pid):$(fact lock)'
			AND kind = 'mutex') < 5" \
		'(SELECT count(*) FROM sleep WHERE inferred OR earlier) = 0'
}

@test "more than the bound: so many a second, and the others are counted" {
	"$LOCKTOP" record --events=50 -o "$rec" -d 0.5 -- "$WORKLOADS/patterns" convoy 2 >"$truth"
	sound
	holds "$told BETWEEN $counted - 2 * $unseen - 1 AND $counted" "$counted > 300" \
		'(SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY end_ns RANGE
			BETWEEN 1000000000 PRECEDING AND CURRENT ROW) AS n FROM sleep)) <= 60' \
		'(SELECT count(*) FROM sleep) > 50' \
		'(SELECT sum(count) FROM loss WHERE name = "events_dropped") > 200'
}

@test "without --events there are none, and it is not said that nothing slept" {
	"$LOCKTOP" record -o "$rec" -d 0.5 -- "$WORKLOADS/contend" 4 1 500 100 >"$truth"
	holds '(SELECT count(*) FROM sleep) = 0' \
		'(SELECT count(*) FROM interval WHERE single_sleeps IS NOT NULL) = 0' \
		'(SELECT sum(sleeps) FROM lock) > 100'
}

@test "a wait for a GIL is one row, however often it runs into its time-out of 5 ms" {
	cat >"$BATS_TEST_TMPDIR/spin.py" <<-'EOF'
		import threading, time
		end = time.monotonic() + 2
		def spin():
		    while time.monotonic() < end:
		        sum(range(20000))
		threads = [threading.Thread(target=spin) for _ in range(4)]
		[t.start() for t in threads]
		[t.join() for t in threads]
	EOF
	"$LOCKTOP" record --events -o "$rec" -d 0.5 -- python3 "$BATS_TEST_TMPDIR/spin.py"
	sound
	# four threads take turns of 5 ms: who wants it waits for three of them
	holds '(SELECT avg(end_ns - start_ns) FROM sleeps WHERE kind = "gil" AND NOT resumed)
			BETWEEN 10e6 AND 30e6' \
		'(SELECT count(*) FROM sleeps WHERE kind = "gil") > 50' \
		'(SELECT avg(resumed) FROM sleeps WHERE kind = "gil") < 0.15'
}

@test "processes of a scope: no sleep of another one's is in the recording" {
	start "$WORKLOADS/contend" 4 4 500 100
	"$LOCKTOP" record --events -o "$rec" -p "$pid" --duration 1s
	sound
	holds '(SELECT count(*) FROM sleeps WHERE comm <> "contend") = 0' \
		'(SELECT count(*) FROM sleep) > 100' \
		'coalesce((SELECT sum(count) FROM loss WHERE name = "events_dropped"), 0) = 0'
}

@test "--events: what is wrong is said in one line" {
	for arg in --events=0 --events=x --events=-1 --events=9999999; do
		run -2 --separate-stderr "$LOCKTOP" record -o "$rec" "$arg"
		one_line "${stderr:?}"
	done
	run -2 --separate-stderr "$LOCKTOP" serve --events
	one_line "${stderr:?}"
	run -2 --separate-stderr "$LOCKTOP" check --events
	one_line "${stderr:?}"
}

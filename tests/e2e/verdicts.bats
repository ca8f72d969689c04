#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# What is wrong with a lock, in plain words: each beside a program that has just that, none beside
# programs that have nothing.

load helper

# judged SECONDS: the verdicts of a program that was started and stands.
judged() {
	"$LOCKTOP" -b -n "$1" -d 1 -f json -i --top 0 -p "$pid" -o "$shots"
	told
}

# told: each verdict has its figures and its advice, in one line each.
told() {
	judge 'all(v["evidence"] and v["advice"] and "\n" not in v["evidence"] + v["advice"]
		for s in shots for x in s["locks"] for v in x["verdicts"])' \
		'all(any(c.isdigit() for c in v["evidence"])
			for s in shots for x in s["locks"] for v in x["verdicts"])'
}

# full: the truth's lock in all intervals but the first, which may have begun in the middle of it, and
# the last, partial one.
full='(rows_of()[1:-1] or rows_of()[1:])'

# given NAME: in all of these intervals.
given() {
	judge "$full" "all('$1' in names(x) for x in $full)"
}

@test "deadlock" {
	start_standing "$WORKLOADS/deadlocks" pair 30
	judged 2
	judge '"deadlock" in verdicts()'
}
@test "owner dead" {
	start_standing "$WORKLOADS/doing" exited 30
	judged 2
	given "owner dead"
}
@test "owner stopped" {
	start_standing "$WORKLOADS/doing" stopped 30
	judged 2
	given "owner stopped"
}
@test "owner preempted" {
	start_standing "$WORKLOADS/doing" preempted 30
	judged 3
	given "owner preempted"
	judge 'verdicts() <= {"owner preempted", "one big lock"}'
}
@test "owner in I/O (read)" {
	start_standing "$WORKLOADS/doing" read 30
	judged 2
	given "owner in I/O (read)"
	judge 'verdicts() <= {"owner in I/O (read)", "one big lock"}'
}
@test "an owner that sleeps is not in I/O" {
	start_standing "$WORKLOADS/doing" nanosleep 30
	judged 2
	given "owner asleep (clock_nanosleep)"
}
@test "an owner that runs gets no verdict for that" {
	start_standing "$WORKLOADS/doing" running 30
	judged 2
	judge 'verdicts() <= {"one big lock"}'
}

# watched CMD...: observes it at one second an interval. Programs end in the middle of one: of waits
# that end while they are read, an interval has nothing and the next one all.
watched() {
	observe -d 1 "$@"
	told
}

@test "writer starving" {
	watched "$WORKLOADS/patterns" starving 5.5
	given "writer starving"
}
@test "a writer behind readers that do not come and go is not starving" {
	start_standing "$WORKLOADS/owners" rwlock-write-readers 30
	judged 3
	judge '"writer starving" not in verdicts()'
}
@test "CPU-starved" {
	watched "$WORKLOADS/patterns" crowded 4.5
	given CPU-starved
	judge '"lost wake-up?" not in verdicts()'
}
@test "lost wake-up?" {
	watched "$WORKLOADS/patterns" overtaken 9.5
	judge 'all("lost wake-up?" in names(x) for x in rows_of()[-3:-1])' \
		'all("lost wake-up?" not in names(x) for x in rows_of()[:4])'
}
@test "convoy, on one big lock" {
	observe -d 8 "$WORKLOADS/patterns" convoy 8.5 # a busy machine has few looks at its holders
	told
	judge '{"convoy", "one big lock"} <= set(names(rows_of()[0]))'
}
@test "one big lock, of two" {
	watched "$WORKLOADS/contend" 4 4.5 1000 100
	given "one big lock"
}
@test "several locks: none is the big one" {
	watched "$WORKLOADS/patterns" several 3.5
	judge "$full" 'all(x["wait_ns"] > 1.5 * S for x in rows_of()[1:-1])' \
		'"one big lock" not in verdicts()'
}
@test "many locks, in chains that form and fall apart: no deadlock, no dead owner" {
	watched "$WORKLOADS/moving" 4.5 50 1000
	judge '"deadlock" not in verdicts()' '"owner dead" not in verdicts()'
}
@test "an idle pool: none" {
	start "$WORKLOADS/idle" 32 60
	wait_for 10 asleep "$pid" 33
	"$LOCKTOP" -b -n 7 -d 1 -f json -i --top 0 -p "$pid" -o "$shots"
	judge 'all(s["locks"] for s in shots)' \
		'all(x["verdicts"] == [] for s in shots for x in s["locks"])'
}
@test "a program whose threads do not contend: none" {
	watched "$WORKLOADS/patterns" alone 3.5
	judge 'all(x["verdicts"] == [] for s in shots for x in s["locks"])'
}

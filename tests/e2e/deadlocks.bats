#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Threads that wait for each other for ever: all of them are found, soon, and nothing else is.

load helper

D=0.5 # the interval
LONG=${LOCKTOP_LONG_SECONDS:-60}

# formed CMD...: a circle that closes while it is observed. Reported in each interval from the second
# after that on: the right threads, locks and owners, with their stacks, and how long it has stood.
formed() {
	observe "$@" 3 1.2
	judge 'true_cycles()' \
		'all(not s["deadlocks"] for s in shots if end_ns(s) < t["formed_ns"])' \
		'len(standing(1.0, 2.8)) >= 3' \
		'all(cycles(s) == true_cycles() for s in standing(1.0, 2.8))' \
		'all(cycles(s) <= true_cycles() for s in shots)' \
		'all(near(d["since_ns"], end_ns(s) - t["formed_ns"], 2, 60 * MS)
			for s in standing(0, 2.8) for d in s["deadlocks"])' \
		'all("want" in functions(x["frames"]) and functions(x["frames"]) & {"clone3", "main"}
			for s in standing(0, 2.8) for d in s["deadlocks"] for x in d["threads"])'
}

# stood MODE: the same in a program that was deadlocked before locktop started.
stood() {
	start_standing "$WORKLOADS/deadlocks" "$1" 30
	"$LOCKTOP" -b -n 2 -d "$D" -f json -i --top 0 -p "$pid" -o "$shots"
	judge 'true_cycles()' 'cycles(shots[1]) == true_cycles()' \
		'deadlocked() == {e[2] for c in true_cycles() for e in c}' \
		'all(d["pid"] in {e[0] for c in true_cycles() for e in c} for d in shots[1]["deadlocks"])' \
		'all(0.4 * S < d["since_ns"] < 2 * S for d in shots[1]["deadlocks"])' \
		'all("want" in functions(x["frames"]) for d in shots[1]["deadlocks"] for x in d["threads"])'
}

@test "two threads, two mutexes: reported within two intervals" { formed "$WORKLOADS/deadlocks" pair; }
@test "three threads in a circle: reported within two intervals" { formed "$WORKLOADS/deadlocks" three; }
@test "a mutex locked twice by one thread: reported within two intervals" { formed "$WORKLOADS/deadlocks" self; }
@test "two circles at once: two deadlocks" { formed "$WORKLOADS/deadlocks" two; }
@test "rwlocks held by writers: reported within two intervals" { formed "$WORKLOADS/deadlocks" rwlock; }
@test "two processes, mutexes in shared memory at different addresses: reported with both" {
	formed "$WORKLOADS/deadlocks" processes
	judge 'len({x["pid"] for d in standing(1, 2.8)[0]["deadlocks"] for x in d["threads"]}) == 2'
}
@test "a thread joins one that waits for its mutex: reported within two intervals" { formed "$WORKLOADS/deadlocks" join; }
@test "threads that queue behind a circle are no part of it" {
	formed "$WORKLOADS/deadlocks" queued
	judge 'all(s["totals"]["waiting"] == 5 for s in standing(1, 2.8))'
}

@test "deadlocks that stood before locktop started are found: pair" { stood pair; }
@test "deadlocks that stood before locktop started are found: self" { stood self; }
@test "deadlocks that stood before locktop started are found: two circles" { stood two; }
@test "deadlocks that stood before locktop started are found: join, though joins are idle" {
	stood join
	"$LOCKTOP" -b -n 2 -d "$D" -f json --top 1 -p "$pid" -o "$shots" # and never hidden
	judge 'cycles(shots[1]) == true_cycles()' \
		'deadlocked() == {e[2] for c in true_cycles() for e in c}'
}
@test "a deadlock across processes is found when only one of them is watched" {
	start_standing "$WORKLOADS/deadlocks" processes 30
	"$LOCKTOP" -b -n 2 -d "$D" -f json --top 0 -p "$pid" -o "$shots"
	judge 'cycles(shots[1]) == true_cycles()'
}
@test "a deadlock is found by the whole system's view, beside contention" {
	start "$WORKLOADS/contend" 4 20 1000 100
	start_standing "$WORKLOADS/deadlocks" three 30
	"$LOCKTOP" -b -n 2 -d "$D" -f json --top 1 -o "$shots"
	judge 'true_cycles() and true_cycles() <= cycles(shots[1])' # others may have their own
}
@test "a deadlock of a program in a PID namespace: numbers of this one" {
	unshare --pid --fork true 2>/dev/null || skip "no PID namespaces here"
	formed unshare --pid --fork --kill-child "$WORKLOADS/deadlocks" pair
}

@test "no deadlock: a chain of threads that stands still" {
	start_standing "$WORKLOADS/deadlocks" chain 30
	run -0 "$LOCKTOP" -b -n 4 -d "$D" -f json -i --top 0 -p "$pid" --fail-on deadlock -o "$shots"
	judge 'all(s["deadlocks"] == [] for s in shots)' 'not deadlocked()' \
		'shots[-1]["totals"]["waiting"] == 2' '"deadlock" not in verdicts()'
}

@test "no deadlock: a circle that one thread leaves by its time-out" {
	run -0 "$LOCKTOP" -b -d 0.2 -f json -i --top 0 --fail-on deadlock -o "$shots" -- \
		bash -c '"$0" timed 5 >"$1"' "$WORKLOADS/deadlocks" "$truth"
	judge 't["rounds"] >= 4' 'all(s["deadlocks"] == [] for s in shots)' \
		'max(s["totals"]["waiting"] for s in shots) == 2' 'not deadlocked()'
}

@test "no deadlock: 200 threads over 1,000 locks, chains that form and fall apart" {
	run -0 "$LOCKTOP" -b -d 0.2 -f json --top 5 --fail-on deadlock -o "$shots" -- \
		bash -c '"$0" "$1" >"$2"' "$WORKLOADS/moving" "$LONG" "$truth"
	judge 't["acquisitions"] > 10000' 'all(s["deadlocks"] == [] for s in shots)' \
		"sum(s['interval_ns'] for s in shots) > 0.99 * $LONG * S" "len(shots) > 2 * $LONG" \
		'max(s["totals"]["waiting"] for s in shots) > 50' \
		'any(x["owner"] for s in shots for x in s["locks"])'
}

# failed SECONDS: what `run --separate-stderr` ran said why in one line, and was not slow about it.
failed() {
	one_line "${stderr:?}"
	[[ $stderr == *deadlock* ]]
	((SECONDS - begun <= $1))
}

@test "--fail-on deadlock: exit 3 within two intervals, one line, the deadlock in the output" {
	start_standing "$WORKLOADS/deadlocks" pair 60
	begun=$SECONDS
	run -3 --separate-stderr timeout 20 "$LOCKTOP" -b -d "$D" -f json -p "$pid" \
		--fail-on deadlock -o "$shots"
	failed 3
	judge 'len(shots) <= 2' 'cycles(shots[-1]) == true_cycles()'
	kill -0 "$pid" # what was only watched is let be
}

@test "--fail-on deadlock with a command: exit 3, and the command, which cannot end, is ended" {
	begun=$SECONDS
	run -3 --separate-stderr timeout 20 "$LOCKTOP" -b -d "$D" --fail-on deadlock -o "$shots" -- \
		bash -c 'exec "$0" pair 60 >"$1"' "$WORKLOADS/deadlocks" "$truth"
	failed 4
	run ! kill -0 "$(fact pid)"
}

@test "--fail-on deadlock where there is none: 0, or the command's status" {
	start_standing "$WORKLOADS/owners" normal 30
	run -0 --separate-stderr "$LOCKTOP" -b -n 3 -d 0.2 --fail-on deadlock -p "$pid"
	[ -z "$stderr" ]
	run -0 "$LOCKTOP" -b -d 0.2 --fail-on deadlock -o "$shots" -- true
	run -7 "$LOCKTOP" -b -d 0.2 --fail-on deadlock -o "$shots" -- sh -c 'sleep 0.5; exit 7'
}

@test "--fail-on something unknown is wrong usage" {
	run -2 --separate-stderr "$LOCKTOP" -b -n 1 --fail-on nonsense
	one_line "$stderr"
}

@test "text says who waits for whom" {
	start_standing "$WORKLOADS/deadlocks" pair 30
	run -0 "$LOCKTOP" -b -n 2 -d "$D" -p "$pid"
	[[ ${output,,} == *deadlock* ]]
	for task in "/proc/$pid/task"/*; do
		[ "${task##*/}" = "$pid" ] || [[ $output == *"${task##*/}"* ]]
	done
}

@test "dump: all threads of a deadlocked program, their stacks, and the deadlock" {
	start_standing "$WORKLOADS/deadlocks" queued 30
	run -0 --separate-stderr timeout 20 "$LOCKTOP" dump -p "$pid"
	[ -z "$stderr" ]
	[[ ${output,,} == *deadlock* ]]
	for task in "/proc/$pid/task"/*; do
		[[ $output == *"${task##*/}"* ]]
	done
	[ "$(grep -cw want <<<"$output")" -ge 5 ]
	[[ $output == *main* ]] # asleep, in no futex
	[[ $output == *clock_nanosleep* ]]
}

@test "dump: threads that run and threads that sleep elsewhere have their stacks" {
	start_standing "$WORKLOADS/doing" running 30
	run -0 timeout 20 "$LOCKTOP" dump -p "$pid"
	[[ $output == *running_here* ]]
	[[ $output == *want_here* ]]
	[[ ${output,,} != *deadlock* ]]
}

@test "dump: a wrong process is one line and exit 1, none at all is wrong usage" {
	run -1 --separate-stderr timeout 20 "$LOCKTOP" dump -p 4194303
	[ -z "$output" ]
	one_line "$stderr"
	run -2 --separate-stderr timeout 20 "$LOCKTOP" dump
	one_line "$stderr"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Python programs that time themselves, on each CPython from 3.8 on that is here: the system's, and
# those of pyenv.

load helper

scripts=$e2e/../workloads/python
export PYTHONDONTWRITEBYTECODE=1

# pythons: one path a line; PYTHONS in the environment chooses others.
pythons() {
	local python

	for python in ${PYTHONS:-"$HOME"/.pyenv/versions/*/bin/python3 /usr/bin/python3}; do
		"$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null &&
			echo "$python"
	done
	true
}

# judge_python EXPRESSION...
judge_python() {
	python3 "$e2e/python_judge.py" "$shots" "$truth" "$@"
}

# with_python N COMMAND...: runs it with $python set for each version, N at a time, each with files
# of its own. The command must hand on what fails, with `|| return`. What went wrong is printed
# behind the version. A version in which it ends with
# $SKIPPED does not count; if all of them do, the test is skipped.
with_python() {
	local at_once=$1 n=0 bad=0 ran=0 status dir

	shift
	while read -r python; do
		dir=$BATS_TEST_TMPDIR/$((n++))
		mkdir "$dir"
		echo "$python" >"$dir/python"
		(
			BATS_TEST_TMPDIR=$dir
			test_files
			status=0
			"$@" >"$dir/out" 2>&1 3>&- || status=$?
			echo "$status" >"$dir/status"
		) &
		((n % at_once)) || wait
	done < <(pythons)
	wait
	((n)) || skip "no Python from 3.8 on is here"
	for ((n--; n >= 0; n--)); do
		dir=$BATS_TEST_TMPDIR/$n
		status=$(cat "$dir/status")
		((status == SKIPPED)) || ((++ran))
		((status == 0 || status == SKIPPED)) && continue
		bad=1
		echo "== $(cat "$dir/python"), status $status"
		cat "$dir/out"
	done
	((ran)) || skip "no Python here has what this is about"
	((bad == 0))
}

# observed SCRIPT ARG...: runs it under locktop.
observed() {
	"$LOCKTOP" -b -f json -i --top 0 -d 0.5 "${options[@]}" -o "$shots" -- "$python" \
		"$scripts/$1" "${@:2}" >"$truth"
}

# in_one_of_three EXPRESSION...: of runs of the command in the array `run`; see `measure`.
in_one_of_three() {
	local attempt

	for attempt in 1 2 3; do
		observed "${run[@]}" || return
		judge_python "$@" && return
		echo "run $attempt of 3 did not agree"
	done
	return 1
}

# ---- constructs ----

constructs() {
	run=(constructs.py)
	in_one_of_three 'kinds_right()' 'told_apart()' 'names_right()' 'lines_right()' 'waited(3)'
}

@test "every construct: kind, class, name, line, and wait within 3 %" {
	with_python 3 constructs
}

exactly() {
	options=(-x --budget 10000)
	run=(constructs.py)
	PAUSE_MS=500 in_one_of_three 'kinds_right()' 'names_right()' 'lines_right()' 'waited(3)' \
		'counted()' 'held(5)' 'averages(3)'
}

@test "every construct, -x: acquisitions equal, holds within 5 %, mean wait within 3 %" {
	with_python 3 exactly
}

stacks() {
	run=(stacks.py)
	in_one_of_three 'lines_right()' 'names_right()' 'kinds_right()' 'waited(5)'
}

@test "stacks: through C functions and callbacks, deep, generators, calls of many lines" {
	with_python 3 stacks
}

# ---- the GIL ----

gil() {
	run=(gil.py 1.2)
	in_one_of_three 'len({x["id"] for x in gil()}) == 1' \
		'all(x["name"] == "GIL" and x["class"] == "contention" for x in gil())' \
		'0.9 * t["slept_ns"] < sum(x["wait_ns"] for x in gil())
			< 1.1 * t["wait_ns"] + thread_wait(t["pid"])' \
		'all(0.85 * x["slept_ns"] < thread_wait(x["tid"]) < 1.15 * x["wait_ns"]
			for x in t["threads"])' \
		'"spin" in gil_functions("waiter")' '"spin" in gil_functions("holder")' \
		'{h["tid"] for x in gil() for h in x["holders"] if h["share"] > 0.1}
			<= {x["tid"] for x in t["threads"]}' \
		'all(h["proof"] == "python" for x in gil() for h in x["holders"])' \
		'any("GIL-bound" in names(x) for x in gil())'
}

@test "the GIL: one row, its wait, its holders and what they run" {
	with_python 1 gil
}

subinterpreters() {
	run=(subinterpreters.py 1.2)
	in_one_of_three 'len({x["id"] for x in gil() if x["wait_ns"] > 0.2 * S}) == 2' \
		'all(x["name"].startswith("GIL") for x in gil())' \
		'"sub_compute" in gil_functions("waiter")'
}

@test "interpreters with a GIL each: a row for each" {
	with_python 1 subinterpreters
}

# ---- deadlocks ----

deadlocks() {
	observed deadlock.py 3 with rlock mixed three attributes || return
	judge_python 'len(standing(1.05, 2.8)) >= 3' \
		'all(deadlocked_right(s) for s in standing(1.05, 2.8))' \
		'not any(s["deadlocks"] for s in shots if end_ns(s) < t["formed_ns"] - 10 * MS)'
}

@test "deadlocks of Locks and RLocks: their lines and names, within two intervals" {
	with_python 3 deadlocks
}

# ---- pitfalls ----

# pitfall WHAT... -- EXPRESSION...
pitfall() {
	local what=()

	while [ "$1" != -- ]; do
		what+=("$1")
		shift
	done
	start_standing "$python" "$scripts/pitfalls.py" 8 "${what[@]}" || return
	"$LOCKTOP" -b -n 3 -d 1 -f json -i --top 0 -p "$pid" -o "$shots" || return
	stop_started
	judge_python "${@:2}"
}

@test "verdict: a daemon thread holds a lock at exit" {
	with_python 3 pitfall daemon_at_exit -- 'given("exit_lock", "daemon thread at exit")'
}
@test "verdicts: in __del__, while importing, timing out, a writer starves between two Locks" {
	with_python 3 pitfall lock_in_del lock_in_import timing_out writer_starving -- \
		'given("registry_lock", "lock in __del__")' \
		'given("config_lock", "lock while importing")' 'given("stuck_lock", "timing out")' \
		'given("_writer_lock", "writer starving")'
}
@test "no verdict on a healthy program" {
	with_python 3 pitfall healthy -- \
		'not any(x["verdicts"] for s in shots for x in s["locks"] if x["pid"] == t["pid"])'
}

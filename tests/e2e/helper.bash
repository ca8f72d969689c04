# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the end-to-end tests share. LOCKTOP and WORKLOADS choose other builds. A test starts its
# background programs with `start`, so that they end with the test.

bats_require_minimum_version 1.5.0

e2e=$BATS_TEST_DIRNAME
root=$(cd "$e2e/../.." && pwd)
LOCKTOP=${LOCKTOP:-$root/build/locktop}
WORKLOADS=${WORKLOADS:-$root/build/workloads}
SKIPPED=77 # exit status of a workload that this machine cannot run
started=()
expect=()  # what `measure` judges by
options=() # more of them for `observe`

test_files() {
	shots=$BATS_TEST_TMPDIR/shots # snapshots, one object a line
	truth=$BATS_TEST_TMPDIR/truth # the workload's own line
}

setup() {
	test_files
}

# Ends what the test started, by its pid.
stop_started() {
	local pid

	for pid in "${started[@]}"; do
		kill -CONT "$pid" 2>/dev/null || true
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	started=()
}

teardown() {
	stop_started
}

# start PROGRAM ARG...: in the background, output to $truth; sets pid.
start() {
	: >"$truth" # what the one before wrote is not taken for this one's
	"$@" >"$truth" 2>"$truth.err" 3>&- &
	pid=$!
	started+=("$pid")
}

# start_standing PROGRAM ARG...: starts a workload that prints its truth as soon as it stands.
start_standing() {
	start "$@"
	wait_for 10 standing
}

standing() {
	[ -s "$truth" ] || {
		kill -0 "$pid" 2>/dev/null || wait "$pid" || [ $? -ne "$SKIPPED" ] ||
			skip "this machine has not what the workload is about"
		false
	}
}

# finish: waits for the program that was started last.
finish() {
	wait "$pid"
	started=()
}

# end SIGNAL: sends it to the program that was started last and waits for its end.
end() {
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null || true
	started=()
}

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		if ((SECONDS > end)); then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.05
	done
}

# asleep PID N: at least N threads of it are asleep in a futex call.
asleep() {
	[ "$(cat "/proc/$1"/task/*/syscall 2>/dev/null | grep -c '^202 ')" -ge "$2" ]
}

# observe [-d SECONDS] CMD ARG...: runs a workload under locktop; snapshots and truth go to their
# files.
observe() {
	local status=0 delay=0.5

	if [ "$1" = -d ]; then
		delay=$2
		shift 2
	fi
	"$LOCKTOP" -b -f json -i --top 0 -d "$delay" "${options[@]}" -o "$shots" -- "$@" \
		>"$truth" 3>&- || status=$?
	[ "$status" -ne "$SKIPPED" ] || skip "this machine has not what $(basename "$1") is about"
	return "$status"
}

# fact KEY: a number or word of the truth.
fact() {
	sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$truth"
}

# judge EXPRESSION...: each must hold of the snapshots and the truth (see judge.py).
judge() {
	python3 "$e2e/judge.py" "$shots" "$truth" "$@"
}

# measure CMD ARG...: observes it; what stands in the array `expect` must hold, in one of three runs.
# Two things in the machine can spoil a run, and neither is locktop's: a thread stalled outside its
# wait (by an overloaded host, for 100 ms and more) has waited by its own clock only; and there are
# hosts whose own service threads hide the switches of their CPU from all probes (0.04 % of them on
# the virtual machine that this was written on). Each repetition is printed.
measure() {
	local attempt

	for attempt in 1 2 3; do
		observe "$@"
		if judge "${expect[@]}"; then
			return
		fi
		echo "# run $attempt of 3 did not agree: ${*##*/}" >&3
	done
	return 1
}

# one_line TEXT: exactly one line, not empty.
one_line() {
	[ -n "$1" ] && [ "$(wc -l <<<"$1")" -eq 1 ]
}

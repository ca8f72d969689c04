#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # names of helper.bash
# Exports of real runs, read by programs that are not ours. The large readers (Go, Prometheus,
# Chromium) come with `make test-readers`; without them their tests are skipped, and say so.

load helper

# export_run FORMAT NAME [OPTION...]: several intervals of a contended workload as a file.
export_run() {
	local format=$1

	file=$BATS_TEST_TMPDIR/$2
	shift 2
	"$LOCKTOP" -b -d 0.3 -i --top 0 -f "$format" -o "$file" "$@" -- \
		"$WORKLOADS/contend" 4 2 1000 100 >"$truth" 3>&-
}

# reader PROGRAM PACKAGE: is it here? With READERS=needed it has to be.
reader() {
	command -v "$1" >/dev/null && return
	[ "${READERS:-}" != needed ] || {
		echo "$1 is missing"
		return 1
	}
	skip "$1 (package $2) is not installed: make test-readers"
}

# one_of_three COMMAND...: what can spoil a run is said at `measure` in helper.bash.
one_of_three() {
	local attempt

	for attempt in 1 2 3; do
		"$@" && return
		echo "# run $attempt of 3 did not agree: $*" >&3
	done
	return 1
}

metrics_agree() {
	export_run "$1" metrics "${@:2}" &&
		/usr/bin/python3 "$e2e/metrics.py" "$file" "$1" "$truth"
}

# All of the wait, as the workload itself measured it.
profile_agrees() {
	local measured own

	export_run pprof profile.pb.gz && gzip -t "$file" || return 1
	own=$(sed -n 's/.*"kind":"mutex","wait_ns":\([0-9]*\).*/\1/p' "$truth")
	measured=$(go tool pprof -top -unit ns "$file" | sed -n 's/.*Total samples = \([0-9]*\)ns.*/\1/p')
	echo "profile: $measured ns, workload: $own ns"
	((measured * 100 >= own * 95 && measured * 100 <= own * 105))
}

@test "OpenMetrics: the reference parser takes it, and its sums agree" {
	one_of_three metrics_agree openmetrics -x
}

@test "Prometheus' text: the reference parser takes it, and its sums agree" {
	one_of_three metrics_agree prometheus
}

@test "Prometheus' text: promtool has nothing to complain of" {
	reader promtool prometheus
	export_run prometheus metrics -x
	run promtool check metrics <"$file"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "pprof: go tool pprof names the functions that waited, and all of the wait" {
	local most='(100|9[0-9](\.[0-9]+)?)%' # a process has other locks too
	reader go golang-go
	one_of_three profile_agrees
	run go tool pprof -top "$file"
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q 'Type: delay' <<<"$output"
	grep -qE " $most +pthread_mutex_lock\$" <<<"$output"
	grep -qE " $most +worker" <<<"$output"
	run go tool pprof -top -sample_index=contentions "$file"
	grep -q 'Type: contentions' <<<"$output"
	run go tool pprof -tags "$file"
	grep -q 'process: Total' <<<"$output"
	grep -q 'lock: Total' <<<"$output"
}

@test "pprof-waker: go tool pprof names the functions that let the waiters go" {
	reader go golang-go
	export_run pprof-waker profile.pb.gz
	run go tool pprof -top "$file"
	echo "$output"
	[ "$status" -eq 0 ]
	grep -qE ' worker' <<<"$output"
	grep -qE ' __lll_lock_wake|unlock' <<<"$output"
	run ! grep -q pthread_mutex_lock <<<"$output"
}

@test "what is for no terminal is not written to one" {
	run script -qec "$LOCKTOP -n 1 -f pprof" /dev/null
	[ "$status" -eq 2 ]
	[[ $output == *"-o FILE"* ]]
}

@test "html: the page stands alone, and its data add up" {
	export_run html page.html -x
	/usr/bin/python3 "$e2e/page.py" "$file"
}

@test "html: a browser shows table, charts and flame graph, by keyboard, light and dark" {
	reader chromium chromium
	export_run html page.html -x
	/usr/bin/python3 "$e2e/browser.py" chromium "$file" "$BATS_TEST_TMPDIR" \
		"$root"/tests/golden/export_*.html.json
}

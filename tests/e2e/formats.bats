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

# build_id FILE: as binutils read it.
build_id() {
	readelf -n "$1" | sed -n 's/.*Build ID: //p'
}

@test "json and pprof: files have the build ids that binutils read" {
	local file_ids program libc id own
	own=$(build_id "$WORKLOADS/contend")
	[ -n "$own" ]
	export_run json snapshots.json
	program='import json, sys
for line in open(sys.argv[1]):
    for lock in json.loads(line)["locks"]:
        for site in lock["sites"]:
            for frame in site["frames"]:
                print(frame["module"], frame["build_id"])'
	file_ids=$(/usr/bin/python3 -c "$program" "$file" | sort -u)
	echo "$file_ids"
	libc=$(sed -n 's,^\(/.*/libc\.so\.6\) .*,\1,p' <<<"$file_ids")
	id=$(build_id "$libc")
	[ "$(grep /contend <<<"$file_ids")" = "$(realpath "$WORKLOADS/contend") $own" ]
	[ "$(grep /libc.so <<<"$file_ids")" = "$libc $id" ]
	reader go golang-go
	export_run pprof profile.pb.gz
	run go tool pprof -raw "$file"
	grep -E '^[0-9]+: 0x' <<<"$output"
	grep -qE "^[0-9]+: 0x0/0xf{16}/0x0 .*/contend $own \[FN\]" <<<"$output"
	grep -qE "^[0-9]+: 0x0/0xf{16}/0x0 $libc $id \[FN\]" <<<"$output"
}

@test "pprof: go tool pprof finds the code of a function, with its wait at the call" {
	reader go golang-go
	export_run pprof profile.pb.gz
	run go tool pprof -show worker -disasm worker "$file"
	echo "$output"
	[ "$status" -eq 0 ]
	grep -qE '^ROUTINE =+ worker' <<<"$output"
	grep -qE ' [0-9.]+m?s +[0-9a-f]+: CALL ' <<<"$output"
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

trace_agrees() {
	export_run trace trace.json && /usr/bin/python3 "$e2e/trace.py" "$file" "$truth"
}

@test "trace: sleeps lie on their tracks, arrows have both ends, and the wait agrees" {
	one_of_three trace_agrees
}

@test "trace: Python's threads by their names, who waits at the end, and idle ones if wanted" {
	local program='import threading, time
lock, never = threading.Lock(), threading.Event()
def refresh():
    for _ in range(300):
        with lock:
            time.sleep(0.002)
threads = [threading.Thread(target=refresh, name=f"refresher-{i}") for i in range(3)]
threading.Thread(target=never.wait, name="idler", daemon=True).start()
[t.start() for t in threads]
[t.join() for t in threads]'
	local trace=$BATS_TEST_TMPDIR/trace.json
	"$LOCKTOP" -b -f trace -i -d 0.5 -n 2 -o "$trace" -- /usr/bin/python3 -c "$program" 3>&-
	/usr/bin/python3 "$e2e/trace.py" "$trace"
	for name in refresher-{0,1,2} idler; do
		grep -q "\"thread_name\",\"args\":{\"name\":\"$name\"}" "$trace"
	done
	grep -q '"still_waiting":true' "$trace"
	grep -q ',idle","args"' "$trace"
	run ! grep -q '"events_dropped"' "$trace"
}

@test "trace: a deadlock is told once, where it closed, and its threads wait until the end" {
	local formed begin at
	local trace=$BATS_TEST_TMPDIR/trace.json
	"$LOCKTOP" -b -f trace -d 0.5 -n 5 -o "$trace" -- "$WORKLOADS/deadlocks" pair 3 >"$truth" 3>&-
	/usr/bin/python3 "$e2e/trace.py" "$trace"
	(($(grep -c '"name":"DEADLOCK"' "$trace") == 1))
	(($(grep -c '"still_waiting":true.*"deadlocked":true' "$trace") == 2))
	formed=$(sed -n 's/.*"formed_ns":\([0-9]*\).*/\1/p' "$truth")
	begin=$(sed -n 's/.*"begin_ns":"\([0-9]*\)".*/\1/p' "$trace")
	at=$(sed -n 's/.*"ts":\([0-9]*\)\.\([0-9]*\).*"DEADLOCK".*/\1\2/p' "$trace")
	echo "closed $((formed - begin - 10#$at)) ns before the workload saw it"
	((begin + 10#$at <= formed && formed - begin - 10#$at < 200000000))
}

@test "trace: what is beyond --events is told where it is missing" {
	local trace=$BATS_TEST_TMPDIR/trace.json
	"$LOCKTOP" -b -f trace --events=100 -d 0.5 -o "$trace" -- "$WORKLOADS/contend" 8 1 100 10 \
		>"$truth" 3>&-
	/usr/bin/python3 "$e2e/trace.py" "$trace"
	grep -q ' sleeps of this interval are not shown","cat":"loss","args":{"events_dropped":' "$trace"
	(($(grep -c '"blocked_ns"' "$trace") <= 400))
}

@test "trace: a viewer of others takes it without a complaint, with the same slices" {
	local viewer=$root/build/readers/node_modules/speedscope
	reader chromium chromium
	if [ ! -d "$viewer" ]; then
		[ "${READERS:-}" != needed ]
		skip "speedscope (from npm) is not installed: make test-readers"
	fi
	export_run trace trace.json -x
	/usr/bin/python3 "$e2e/trace_viewer.py" chromium "$viewer" "$BATS_TEST_TMPDIR" "$file" \
		"$root"/tests/golden/export_{plain,owned,hostile,python}.trace
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Recordings: what ends them, what they survive, and what SQL tells of them.

load helper

setup() {
	test_files
	rec=$BATS_TEST_TMPDIR/recording
}

teardown() {
	stop_started
	[ -z "${disk:-}" ] || umount "$disk"
}

# fails STATUS ARG...: locktop ends with this status and one line on stderr, nothing on stdout.
fails() {
	local wanted=$1

	shift
	run "-$wanted" --separate-stderr timeout 30 "$LOCKTOP" "$@"
	[ -z "$output" ]
	one_line "${stderr:?}"
}

# ask SQL: of the recording, read-only.
ask() {
	sqlite3 -readonly -cmd '.timeout 5000' "$rec" "$1"
}

recorded() {
	[ -s "$rec" ] && [ "$(ask 'SELECT count(*) FROM interval' 2>/dev/null)" -ge "${1:-1}" ]
}

# whole: SQLite finds nothing wrong, and locktop reads as many intervals as there are, each with
# its single sleeps if it has any.
whole() {
	[ "$(ask 'PRAGMA integrity_check')" = ok ]
	[ "$(ask 'SELECT coalesce(sum(single_sleeps), 0) = (SELECT count(*) FROM sleep) FROM interval')" = 1 ]
	"$LOCKTOP" report "$rec" -b -f json >"$shots"
	[ "$(wc -l <"$shots")" -eq "$(ask 'SELECT count(*) FROM interval')" ]
}

@test "record: until --duration, whole intervals and the rest; 0600; one file" {
	start "$WORKLOADS/contend" 4 10 1000 100
	(umask 0 && "$LOCKTOP" record -o "$rec" --duration 1.3s -d 0.5 -p "$pid")
	[ "$(stat -c %a "$rec")" = 600 ]
	[ ! -e "$rec-wal" ]
	whole
	judge 'len(shots) == 3' 'near(shots[1]["interval_ns"], 0.5 * S, 20)' \
		'shots[2]["interval_ns"] < 0.4 * S' \
		'sum(s["interval_ns"] for s in shots) > 1.29 * S' \
		'all(s["totals"]["wait_ns"] > 0 for s in shots)'
}

@test "record: SIGTERM, SIGINT and SIGHUP end it, and the running interval is in it" {
	for signal in TERM INT HUP; do
		rm -f "$rec"
		start env --default-signal "$LOCKTOP" record -o "$rec" -d 60
		wait_for 20 test -e "$rec"
		sleep 1
		kill "-$signal" "$pid"
		finish
		whole
		judge 'len(shots) == 1' '0 < shots[0]["interval_ns"] < 30 * S'
	done
}

@test "record: CMD is observed to its end, its output stays its own, its status is passed on" {
	run -7 --separate-stderr "$LOCKTOP" record -o "$rec" -- \
		sh -c '"$0" 0.7; exit 7' "$WORKLOADS/blocked"
	[[ $output == *'"'* ]]
	echo "$output" >"$truth"
	whole
	judge 'len(shots) == 1' 'near(lock()["wait_ns"], 0.7 * S, 5)'
}

@test "record: a file that is there stays as it was" {
	echo mine >"$rec"
	fails 1 record -o "$rec" --duration 1s
	[ "$(cat "$rec")" = mine ]
	fails 1 record -o /no/such/directory/file --duration 1s
	fails 1 record -o "$rec.2" -p 4194303
	[ ! -e "$rec.2" ]
}

@test "record: wrong usage exits 2 with one line" {
	fails 2 record
	fails 2 record -o "$rec" -f no-such-format
	fails 2 record -o "$rec" --max-size 5
	fails 2 record -o "$rec" --max-size 5X
	fails 2 record -o "$rec" --keep forever
	fails 2 record -o "$rec" --duration 0
	fails 2 --max-size 5M
	[ ! -e "$rec" ]
}

@test "record: SIGKILL 50 times at random moments: what was committed is there" {
	local i intervals=0 sleeps=0 how

	start "$WORKLOADS/moving" 900 40 20
	workload=$pid
	for ((i = 0; i < 50; i++)); do
		rm -f "$rec"*
		how=()
		((i % 2)) || how=(--events)
		"$LOCKTOP" record -o "$rec" -d 0.1 -p "$workload" "${how[@]}" 3>&- &
		started+=($!)
		wait_for 20 recorded
		sleep "0.$((RANDOM % 400 + 100))"
		kill -KILL "$!"
		wait "$!" 2>/dev/null || true
		[ -e "$rec-wal" ]
		whole
		intervals=$((intervals + $(wc -l <"$shots")))
		sleeps=$((sleeps + $(ask 'SELECT count(*) FROM sleep')))
	done
	[ "$intervals" -ge 100 ]
	[ "$sleeps" -ge 500 ]
}

# small_disk SIZE: a file system of its own for the recording.
small_disk() {
	disk=$BATS_TEST_TMPDIR/disk
	mkdir "$disk"
	mount -t tmpfs -o "size=$1" tmpfs "$disk"
	rec=$disk/recording
}

@test "record: a full disk: one line, exit 1, and what was committed can be read where it is" {
	small_disk 2m
	start "$WORKLOADS/moving" 900 150 300
	fails 1 record -o "$rec" -d 0.1 -p "$pid" --duration 25s --events
	[[ $stderr == *space* ]]
	whole
	[ "$(wc -l <"$shots")" -gt 3 ]
	[ "$(df --output=avail "$disk" | tail -n 1)" -lt 200 ]
}

@test "record: --max-size keeps it running where the disk would be full" {
	small_disk 5m
	start "$WORKLOADS/moving" 900 150 300
	"$LOCKTOP" record -o "$rec" -d 0.1 -p "$pid" --duration 20s --max-size 1M --events
	[ "$(stat -c %s "$rec")" -le 1048576 ]
	whole
	[ "$(wc -l <"$shots")" -gt 3 ]
	[ "$(ask 'SELECT min(interval) > 1 FROM interval')" = 1 ] # some have gone
}

@test "record: --keep drops what is older" {
	"$LOCKTOP" record -o "$rec" -d 0.1 --keep 1s --duration 2.5s
	whole
	judge '8 <= len(shots) <= 12'
}

@test "a file of a newer version, one cut short, one overwritten: one line, no crash" {
	"$LOCKTOP" record -o "$rec" -d 0.2 --duration 2s
	cp "$rec" "$rec.good"
	sqlite3 "$rec" 'PRAGMA user_version = 3'
	fails 1 report "$rec" -b
	[[ $stderr == *newer* ]]
	head -c 10000 "$rec.good" >"$rec"
	fails 1 report "$rec" -b
	cp "$rec.good" "$rec"
	printf 'x%.0s' {1..3000} | dd of="$rec" bs=1 seek=20 conv=notrunc status=none
	fails 1 report "$rec" -b
	for i in {1..40}; do
		cp "$rec.good" "$rec"
		head -c 500 /dev/urandom | dd of="$rec" bs=1 conv=notrunc status=none \
			seek=$((RANDOM * 32768 + RANDOM & 131071))
		run --separate-stderr timeout 20 "$LOCKTOP" report "$rec" -b
		[ "$status" -le 1 ]
		[ "$status" -eq 0 ] || one_line "$stderr"
	done
}

# version_1: a recording as programs of that version wrote it.
version_1() {
	sqlite3 "$rec" <"$root/tests/unit/store_version_1.sql"
}

@test "a file of version 1: report and diff read it; what it has not is said" {
	version_1
	"$LOCKTOP" report "$rec" -b -f json -i >"$shots"
	judge 'len(shots) == 3' 'all(s["locks"] for s in shots)' 'len(shots[1]["deadlocks"]) == 2'
	"$LOCKTOP" report "$rec" -b --sum -f text | grep -q table_cache_lock
	"$LOCKTOP" diff "$rec" "$rec" >/dev/null
	fails 1 report "$rec" -b -f trace
	[[ $stderr == *--events* ]]
	mv "$rec" "$rec.1"
	"$LOCKTOP" record -o "$rec" -d 0.2 --duration 0.4s --events
	"$LOCKTOP" diff "$rec.1" "$rec" >/dev/null
	"$LOCKTOP" diff "$rec" "$rec.1" >/dev/null
}

@test "record --events: single sleeps add up to what the locks say, and are a trace" {
	start "$WORKLOADS/contend" 4 60 1000 100
	"$LOCKTOP" record -o "$rec" -d 0.5 --duration 3s -p "$pid" --events
	whole
	# of one lock; the sleeps that were going on when the recording began or ended are no rows
	[ "$(ask "SELECT abs(1 - 1.0 * sum(wait_ns) / (SELECT sum(wait_ns) FROM locks
		WHERE class = 'contention')) < 0.05 FROM sleeps WHERE class = 'contention'")" = 1 ]
	[ "$(ask "SELECT count(*) > 100 FROM sleeps WHERE ended = 'woken'")" = 1 ]
	[ "$(ask 'SELECT count(*) FROM sleeps WHERE start_ns > woken_ns + 1000000 OR
		woken_ns > end_ns OR wait_ns != blocked_ns + delay_ns AND woken_ns >= start_ns')" = 0 ]
	# none overlaps the next one of its thread
	[ "$(ask 'SELECT count(*) FROM (SELECT start_ns - lag(end_ns) OVER
		(PARTITION BY pid, tid ORDER BY end_ns) AS gap FROM sleeps) WHERE gap < 0')" = 0 ]
	"$LOCKTOP" report "$rec" -b -f trace >"$shots"
	python3 -c 'import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
sleeps = [e for e in events if e["ph"] == "X" and e.get("args", {}).get("ended")]
assert len(sleeps) == int(sys.argv[2]), len(sleeps)' "$shots" \
		"$(ask "SELECT count(*) FROM sleeps WHERE class = 'contention'")"
}

@test "docs/recording.md: every example gives rows" {
	local sql n=0

	start "$WORKLOADS/deadlocks" pair 60
	"$LOCKTOP" record -o "$rec" --events -d 0.5 --duration 2s -- "$WORKLOADS/contend" 4 10 1000 100 \
		>/dev/null 3>&-
	while IFS= read -r -d '' sql; do
		echo "$sql"
		[ -n "$(ask "$sql")" ]
		n=$((n + 1))
	done < <(awk '/^```sql/ { on = 1; next } /^```/ { if (on) printf "%c", 0; on = 0 } on' \
		"$root/docs/recording.md")
	[ "$n" -ge 10 ]
}

@test "docs/recording.md: every table, view and column is in it" {
	local table column

	"$LOCKTOP" record -o "$rec" -d 0.2 --duration 0.4s
	for table in $(ask "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"); do
		grep -q "^|.*\`$table\`" "$root/docs/recording.md" || {
			echo "$table is missing"
			return 1
		}
		ask "SELECT * FROM $table" >/dev/null
	done
	for table in $(ask "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"); do
		for column in $(ask "SELECT name FROM pragma_table_info('$table')"); do
			[ "$column" = interval ] || grep "^|.*\`$table\`" "$root/docs/recording.md" |
				grep -q "\`$column\`" || {
				echo "$table.$column is missing"
				return 1
			}
		done
	done
}

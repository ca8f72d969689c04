#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Recordings shown: printed, and on screen.

load helper
load terminal

# record: three seconds of a contended lock, in intervals of 0.3 s, into the file tape.
record() {
	start "$WORKLOADS/contend" 4 60 1000 100
	"$LOCKTOP" record -o tape -d 0.3 --duration 3s -p "$pid" 3>&-
	stop_started
}

# report ARG...: of the tape, as JSON lines.
report() {
	"$LOCKTOP" report tape -b -f json -i --top 0 "$@"
}

@test "report: the intervals of a recording are JSON that stands to its schema" {
	record
	report >all
	[ "$(wc -l <all)" -ge 9 ]
	python3 "$e2e/schema.py" all
	grep -q '"kind":"mutex"' all
	"$LOCKTOP" report tape | grep -q '^locktop 20'
	"$LOCKTOP" report tape -f csv | python3 -c 'import csv, sys
rows = list(csv.DictReader(sys.stdin))
assert len(rows) >= 9 and all(row["comm"] == "contend" for row in rows), rows'
	"$LOCKTOP" report tape -f folded | grep -q 'contend.*worker'
}

@test "report --sum: the figures of all intervals, added" {
	record
	report >all
	report --sum >sum
	python3 "$e2e/schema.py" sum
	python3 "$e2e/report.py" all sum
	report --sum --from +1 --to +2 >sum
	report --from +1 --to +2 >all
	python3 "$e2e/report.py" all sum
}

@test "report --from, --to, -n: intervals by offset, by clock and by date" {
	record
	report >all
	n=$(wc -l <all)
	report --from +1 --to +2 >part
	[ "$(wc -l <part)" -ge 3 ]
	[ "$(wc -l <part)" -lt "$n" ]
	[ "$(grep -cxFf part all)" = "$(wc -l <part)" ]
	fourth=$(sed -n 4p all | grep -o '"time":"[^"]*"' | cut -d'"' -f4)
	report --from "$fourth" >part
	cmp part <(tail -n +4 all)
	report --to "$fourth" >part
	cmp part <(head -4 all)
	report --from "$(TZ=UTC date -d "$fourth" +%T.%3N)" -n 2 >part
	cmp part <(sed -n 4,5p all)
	report -n 2 >part
	cmp part <(head -2 all)
	run -1 --separate-stderr report --from +1000
	[ -z "$output" ]
	one_line "$stderr"
	[[ $stderr == *'no interval lies there'* ]]
	run -2 --separate-stderr report --from noon
	one_line "$stderr"
}

@test "report: what is no recording, or none at all, is said in one line" {
	run -1 --separate-stderr report
	one_line "$stderr"
	[[ $stderr == *tape* ]]
	echo 'no recording' >tape
	run -1 --separate-stderr report
	one_line "$stderr"
	run -2 --separate-stderr "$LOCKTOP" report
	one_line "$stderr"
	run -2 --separate-stderr "$LOCKTOP" report tape -p 1
	one_line "$stderr"
	run -2 --separate-stderr "$LOCKTOP" -b --sum
	one_line "$stderr"
}

# workloads: programs in all that waits are about: mutexes, condition variables, deadlocks, Python.
workloads() {
	start "$WORKLOADS/contend" 4 60 1000 100
	pids=$pid
	start "$WORKLOADS/primitives" rwlock-write-writer 10000 10
	pids+=,$pid
	start "$WORKLOADS/idle" 8 60
	pids+=,$pid
	start_standing "$WORKLOADS/deadlocks" pair 60
	pids+=,$pid
	start python3 "$e2e/../workloads/python/gil.py" 60 2 # it wants a CPU for each thread
	pids+=,$pid
	start python3 "$e2e/../workloads/python/deadlock.py" 60 with mixed
	pids+=,$pid
}

# as_live "RECORD-OPTIONS" "PRINT-OPTIONS" FORMAT...: what is printed while it is recorded is what
# report prints of the recording, to the byte; of each format, all at once.
as_live() {
	local format recorders=()

	for format in "${@:3}"; do
		# shellcheck disable=SC2086 # they are several words
		"$LOCKTOP" record -o "tape.$format" -d 0.4 --duration 2.6s -f "$format" $1 $2 \
			>"live.$format" 3>&- &
		recorders+=($!)
	done
	wait "${recorders[@]}"
	for format in "${@:3}"; do
		# shellcheck disable=SC2086
		"$LOCKTOP" report "tape.$format" -b -f "$format" $2 >again
		[ "$(wc -c <again)" -gt 200 ]
		cmp "live.$format" again
		rm "tape.$format"
	done
}

@test "report prints what was printed live, to the byte: each interval" {
	workloads
	as_live "-p $pids" '' text json csv folded dot
	as_live "-p $pids" '-i --top 0' text json csv folded dot
	grep -q '"deadlocks":\[{' live.json
	grep -q '"runtime":"CPython' live.json
	grep -q '"class":"idle"' live.json
}

@test "report prints what was printed live, to the byte: documents" {
	workloads
	as_live "-p $pids" '' openmetrics prometheus html pprof pprof-waker
	as_live "-p $pids" '-i --top 0' openmetrics prometheus html pprof pprof-waker
}

@test "report prints what was printed live, to the byte: the exact tier, the whole machine" {
	workloads
	as_live "--exact=$pids" '-i --top 0' json csv text html openmetrics
	grep -q '"tier":"exact"' live.json
	grep -q '"acquisitions":[1-9]' live.json
}

@test "report prints what was printed live, to the byte: single sleeps" {
	start "$WORKLOADS/contend" 4 60 1000 100
	as_live "--events -p $pid" '' trace json
}

@test "record -f: CMD prints to the same stdout; the interval is in both" {
	"$LOCKTOP" record -o tape -f csv -- sh -c '"$0" 0.3; echo fine' "$WORKLOADS/blocked" \
		>printed 3>&-
	grep -qx fine printed
	grep -q '"kind":"mutex"' printed
	"$LOCKTOP" report tape -b -f csv >again
	[ "$(grep -cxFf again printed)" = "$(wc -l <again)" ]
}

@test "record -f: who reads what it prints goes: one line, and the recording is whole" {
	"$LOCKTOP" record -o tape -d 0.1 --duration 20s -f json 2>said 3>&- | head -n 1 >printed
	[ "${PIPESTATUS[0]}" -eq 1 ]
	one_line "$(cat said)"
	grep -q 'cannot write to stdout: Broken pipe' said
	[ ! -e tape-wal ]
	"$LOCKTOP" report tape -b -f json -n 1 | cmp - printed
	"$LOCKTOP" record -o full -d 0.1 --duration 20s -f json 2>said >/dev/full 3>&- || failed=$?
	[ "$failed" -eq 1 ]
	one_line "$(cat said)"
	[ "$("$LOCKTOP" report full -b -f json | wc -l)" -ge 1 ]
}

@test "report: a full disk is called so in every format" {
	record
	for format in text json csv folded dot openmetrics prometheus pprof html; do
		run -1 --separate-stderr "$LOCKTOP" report tape -b -f "$format" -o /dev/full
		[ "${stderr:?}" = "locktop: cannot write to /dev/full: No space left on device" ]
	done
}

@test "report: the recording may still be growing" {
	start "$WORKLOADS/contend" 4 60 1000 100
	"$LOCKTOP" record -o tape -d 0.2 --duration 8s -p "$pid" 3>&- &
	started+=($!)
	wait_for 10 grows 2
	first=$(report | wc -l)
	wait_for 10 grows $((first + 3))
}

# grows N: the tape has so many intervals, and none is cut.
grows() {
	report >all 2>/dev/null && [ "$(wc -l <all)" -ge "$1" ] && python3 "$e2e/schema.py" all
}

@test "screen: through time with Left, Right, Home, End; q restores the terminal" {
	record
	n=$(report | wc -l)
	live 100 30 report tape
	wait_for 10 shows RECORDED
	shows "interval 1 of $n"
	shows contend
	keys Right
	wait_for 5 shows "interval 2 of $n"
	keys Right Right
	wait_for 5 shows "interval 4 of $n"
	keys Left
	wait_for 5 shows "interval 3 of $n"
	keys End
	wait_for 5 shows "interval $n of $n"
	keys Home
	wait_for 5 shows "interval 1 of $n"
	keys q
	restored 0
}

@test "screen: the figures are those of the interval; its export is what report prints" {
	record
	report -n 3 | tail -1 >third
	live 100 30 report tape -i
	wait_for 10 shows RECORDED
	keys Right Right
	wait_for 5 shows 'interval 3 of'
	keys e
	wait_for 5 shows 'exported to'
	cmp third locktop-*.json
	keys q
	restored 0
}

@test "screen: E writes the marked range: its sum, or as a document all of its intervals" {
	record
	n=$(report | wc -l)
	live 100 30 report tape -i
	wait_for 10 shows RECORDED
	keys m
	wait_for 5 shows MARKED
	keys End
	wait_for 5 shows "interval $n of $n"
	keys m
	wait_for 5 shows "SUM OF $n INTERVALS"
	for format in html pprof openmetrics; do
		choose "$format"
		wait_for 5 shows 'Write to: locktop-'
		keys Enter
		wait_for 10 matches '^exported to locktop-'
		"$LOCKTOP" report tape -b -i --top 0 -f "$format" >printed
		cmp printed "$(screen | sed -n 's/^exported to //p')"
	done
	choose json
	wait_for 5 shows 'Write to: locktop-'
	keys Enter
	wait_for 10 matches '^exported to locktop-.*json'
	report --sum | cmp - locktop-*.json
	choose trace
	wait_for 5 shows 'single sleeps were not recorded: record with --events'
	keys q
	restored 0
}

@test "screen: jump to a time, mark a range, see its sum, and go on" {
	record
	n=$(report | wc -l)
	live 100 30 report tape
	wait_for 10 shows RECORDED
	keys t
	keys '+1.0' Enter
	wait_for 5 shows "interval $(report --to +1.0 | wc -l) of $n"
	keys m
	wait_for 5 shows MARKED
	keys End
	wait_for 5 shows "interval $n of $n"
	keys m
	wait_for 5 matches 'SUM OF [0-9]+ INTERVALS'
	keys e
	wait_for 5 shows 'exported to'
	python3 "$e2e/schema.py" locktop-*.json
	keys m
	wait_for 5 shows "interval $n of $n"
	keys t
	keys later Enter
	wait_for 5 shows 'a time is as'
	keys q
	restored 0
}

@test "screen: it plays, and stands still at the end" {
	record
	n=$(report | wc -l)
	live 100 30 report tape
	wait_for 10 shows RECORDED
	keys p
	wait_for 5 shows 'PLAYING x1'
	wait_for 5 shows 'interval 3 of'
	keys + + +
	wait_for 5 shows "interval $n of $n"
	wait_for 5 shows RECORDED
	keys p
	wait_for 5 shows PLAYING
	keys p
	wait_for 5 shows RECORDED
	keys q
	restored 0
}

@test "screen: lists, a lock's page, graph, dump and help, in any size" {
	record
	live 100 70 report tape
	wait_for 10 shows RECORDED
	keys Right
	keys 2
	wait_for 5 shows mutex
	keys Enter
	wait_for 5 shows 'WAITS HERE'
	keys Right
	wait_for 5 shows 'interval 3 of'
	shows 'WAITS HERE'
	keys g
	wait_for 5 shows 'WHO BLOCKS'
	keys Escape
	keys 1
	keys D
	wait_for 5 shows 'Threads of contend'
	keys Escape
	keys h
	wait_for 5 shows 'one interval back'
	keys Escape
	for size in 1x1 20x5 60x15 200x50 80x24; do
		tm resize-window -t t -x "${size%x*}" -y "${size#*x}"
		sleep 0.2
		keys Right
	done
	wait_for 5 shows RECORDED
	keys q
	restored 0
}

@test "report: nobody needs to be root to look at a recording" {
	record
	public=$(mktemp -d)
	cp tape "$LOCKTOP" "$public"
	chmod 755 "$public"
	chmod 644 "$public/tape"
	cd "$public"
	run setpriv --reuid 65534 --clear-groups ./locktop report tape -f csv
	cd "$work"
	rm -r "$public"
	[ "$status" -eq 0 ]
	[[ $output == *contend* ]]
}

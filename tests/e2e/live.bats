#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# The live screen, in a terminal of its own.

load helper
load terminal

teardown() {
	end_terminal
	[ -z "${mounted:-}" ] || umount "$mounted"
}

@test "demo: the screen shows its process, its lock, and q restores the terminal" {
	live 80 24 demo
	wait_for 15 shows locktop-demo
	[ "$(figure alternate_on)" = 1 ]
	keys 2
	wait_for 5 shows mutex
	keys q
	restored 0
}

# press_until KEY TEXT: one key after the other, four at most, until the screen matches.
press_until() {
	local i

	for i in 1 2 3 4; do
		keys "$1"
		if wait_for 2 matches "$2"; then
			return
		fi
	done
	return 1
}

@test "drill in with Enter: process, its locks, a lock's threads; Esc leads out again" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	keys /locktop-demo Enter
	keys Enter
	wait_for 5 shows mutex
	press_until Enter '\bTID\b'
	press_until Escape '^ *PID USER'
	keys q
	restored 0
}

@test "sort by the next column, from the menu, and reversed" {
	start "$WORKLOADS/contend" 2 60 1000 100
	"$WORKLOADS/contend" 6 60 1000 100 >/dev/null 3>&- &
	six=$!
	started+=("$six")
	live 80 24 -d 0.3 -p "$pid,$six"
	wait_for 15 matches "$six.*contend"
	wait_for 5 first "$six"
	keys r
	wait_for 5 first "$pid"
	keys r
	wait_for 5 first "$six"
	keys '<'
	keys s
	wait_for 5 matches '[Ss]ort'
	keys Escape
	keys q
	restored 0
}

# first PID: the upper of the two rows is this one's.
first() {
	[ "$(screen | grep -E '\bcontend\b' | grep -oE "\b($pid|$six)\b" | head -1)" = "$1" ]
}

@test "filter hides what does not match; Esc shows it again" {
	start "$WORKLOADS/blocked" 60
	wait_for 5 asleep "$pid" 1
	live 80 24 -d 0.3
	wait_for 15 matches "$pid.*blocked"
	keys f
	keys no-such-thing Enter
	wait_for 5 hides "$pid"
	keys Escape
	wait_for 5 matches "$pid.*blocked"
	keys f
	keys blocked Enter
	wait_for 5 matches "$pid.*blocked"
	keys q
	restored 0
}

@test "search: a text that is there and one that is not" {
	start "$WORKLOADS/blocked" 60
	wait_for 5 asleep "$pid" 1
	live 80 24 -d 0.3
	wait_for 15 matches "$pid.*blocked"
	keys /blocked Enter
	wait_for 5 matches "$pid.*blocked"
	keys / C-u no-such-thing Enter
	wait_for 5 matches 'nothing here contains'
	keys q
	restored 0
}

@test "resize to 1x1 and back, and to 200x50: it survives and shows the demo again" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	for size in 1x1 2x1 1x30 20x5 60x15 80x24 200x50; do
		tm resize-window -t t -x "${size%x*}" -y "${size#*x}"
		sleep 0.4
		[ "$(figure alternate_on)" = 1 ]
	done
	wait_for 5 shows locktop-demo
	[ "$(screen | wc -l)" -ge 49 ]
	keys q
	restored 0
}

@test "200x50 shows more than 80x24, 60x15 still shows the lock" {
	live 200 50 -d 0.3 demo
	wait_for 15 shows locktop-demo
	keys 2
	wait_for 5 matches 'locktop-demo.*mutex|mutex.*locktop-demo'
	tm resize-window -t t -x 60 -y 15
	wait_for 5 shows mutex
	keys q
	restored 0
}

@test "export: the file is there by the name on screen, 0600, and valid" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	sleep 0.5
	keys e
	wait_for 5 matches '\.json'
	file=$(ls "$work"/*.json)
	[ -f "$file" ]
	shows "$(basename "$file")"
	[ "$(stat -c %a "$file")" = 600 ]
	python3 "$e2e/schema.py" "$file"
	grep -q locktop-demo "$file"
	keys q
	restored 0
}

# export_as FORMAT NAME: by key E, from the menu, under this name instead of the one proposed.
export_as() {
	choose "$1"
	wait_for 5 matches '^Write to: locktop-'
	keys C-u
	keys -l "$2"
	keys Enter
}

@test "export as: the format from the menu, the name proposed or typed; the files are read back" {
	start "$WORKLOADS/contend" 4 60 1000 100
	live 80 24 -d 0.3 -p "$pid"
	wait_for 15 matches "$pid.*contend"
	sleep 0.5
	choose html
	wait_for 5 matches '^Write to: locktop-.*\.html$'
	proposed=$(screen | sed -n 's/^Write to: //p')
	keys Enter
	wait_for 5 shows "exported to $proposed"
	[ "$(stat -c %a "$proposed")" = 600 ]
	/usr/bin/python3 "$e2e/page.py" "$proposed"
	export_as pprof profile.pb.gz
	wait_for 5 shows 'exported to profile.pb.gz'
	[ "$(stat -c %a profile.pb.gz)" = 600 ]
	gzip -dc profile.pb.gz >profile
	grep -qa pthread_mutex_lock profile
	grep -qa worker profile
	if command -v go; then
		go tool pprof -top profile.pb.gz | grep -q pthread_mutex_lock
	fi
	export_as csv table.csv
	wait_for 5 shows 'exported to table.csv'
	python3 -c 'import csv
rows = list(csv.DictReader(open("table.csv")))
assert any(row["comm"] == "contend" and row["kind"] == "mutex" for row in rows), rows'
	keys q
	restored 0
}

@test "export as: while a name is typed the screen stands still, and what it shows is written" {
	live 80 24 -d 0.2 demo
	wait_for 15 shows locktop-demo
	sleep 0.5
	choose json
	wait_for 5 shows 'Write to: '
	shown=$(screen | head -n -1)
	sleep 1
	[ "$(screen | head -n -1)" = "$shown" ]
	keys Enter
	wait_for 5 shows 'exported to'
	load=$(sed -n 's/^Load \([0-9.]*\) .*/\1/p' <<<"$shown")
	python3 -c 'import json, sys
s = json.load(open(sys.argv[1]))
load = s["totals"]["wait_ns"] / s["interval_ns"]
assert abs(load - float(sys.argv[2])) < 0.006, (load, sys.argv[2])' locktop-*.json "$load"
	wait_for 5 differs "$shown"
	keys q
	restored 0
}

# differs TEXT: the screen is another one by now.
differs() {
	[ "$(screen | head -n -1)" != "$1" ]
}

@test "export as: what is there stays, what fails is one line and leaves nothing, Esc leaves" {
	echo mine >here
	mkdir dir disk
	mount -t tmpfs -o size=16k tmpfs disk
	mounted=$PWD/disk
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	sleep 0.5
	export_as text here
	wait_for 5 matches '^not exported: there is a file here *$'
	choose text
	wait_for 5 matches '^Write to: here *$' # to be mended
	keys 2 Enter
	wait_for 5 shows 'exported to here2'
	export_as text dir
	wait_for 5 matches '^not exported: Is a directory: dir *$'
	keys E Enter C-u no/such/place Enter
	wait_for 5 matches '^not exported: No such file or directory: no/such/place *$'
	export_as html disk/page
	wait_for 5 matches '^not exported: No space left on device: disk/page *$'
	[ -z "$(ls -A disk)" ]
	umount disk
	mounted=
	choose trace
	wait_for 5 shows 'single sleeps are not kept: start with --events'
	choose csv
	wait_for 5 shows 'Write to: '
	keys Escape
	wait_for 5 hides 'Write to'
	keys E
	wait_for 5 shows 'EXPORT AS'
	keys Escape
	wait_for 5 hides 'EXPORT AS'
	keys q
	restored 0
	[ "$(cat here)" = mine ]
	[ -z "$(compgen -G 'locktop-*')" ]
}

@test "export as: pasted controls do not reach the terminal or the name" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	sleep 0.5
	choose csv
	wait_for 5 shows 'Write to: '
	keys C-u
	printf 'a\001b\302\233\342\200\256[2Jc' | tm load-buffer -
	tm paste-buffer -t t
	wait_for 5 shows 'Write to: ab?[2Jc'
	keys Enter
	wait_for 5 shows 'exported to ab?[2Jc'
	[ -s "$(printf 'ab\342\200\256[2Jc')" ]
	keys q
	restored 0
}

@test "export as: in small terminals, and over a lock's page" {
	live 40 12 -d 0.3 demo
	wait_for 15 shows locktop-demo
	keys 2
	wait_for 5 shows mutex
	keys Enter
	wait_for 5 matches 'lines 1-'
	keys E
	wait_for 5 shows 'EXPORT AS'
	keys Home Down Enter
	wait_for 5 matches '^Write to: <.*\.json *$'
	tm resize-window -t t -x 10 -y 3
	wait_for 5 matches '^<.*\.json *$'
	tm resize-window -t t -x 1 -y 1
	sleep 0.3
	tm resize-window -t t -x 40 -y 12
	wait_for 5 matches '^Write to: <.*\.json *$'
	keys Enter
	wait_for 5 shows 'exported to locktop-'
	python3 "$e2e/schema.py" locktop-*.json
	keys q
	restored 0
}

@test "idle on and off" {
	start "$WORKLOADS/idle" 32 60
	wait_for 10 asleep "$pid" 33
	live 80 24 -d 0.3 -p "$pid"
	wait_for 15 matches '[Ii]dle'
	keys 2
	wait_for 5 hides 'cond '
	keys i
	wait_for 5 matches '\bcond\b'
	keys i
	wait_for 5 hides 'cond '
	keys q
	restored 0
}

@test "pause, interval, help" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	keys p
	wait_for 5 matches '[Pp]aused|PAUSED'
	keys p
	keys h
	wait_for 5 matches 'first row|one row up'
	keys Escape
	wait_for 5 shows locktop-demo
	keys d
	keys C-u 0.5 Enter
	wait_for 5 shows locktop-demo
	keys q
	restored 0
}

@test "without colours, without a rich terminal: it still shows the demo" {
	live 80 24 demo
	wait_for 15 shows locktop-demo
	keys q
	restored 0
	rm -f after
	keys "clear; NO_COLOR=1 TERM=vt100 '$LOCKTOP' demo; echo again=\$?" Enter
	wait_for 15 shows locktop-demo
	run -1 bash -c 'tmux -L "$0" capture-pane -e -p -t t | grep -E "$1"' "$socket" $'\e\\[[0-9;]*3[1-7]m'
	keys q
	wait_for 10 shows again=0
	keys "clear; TERM=no-such-terminal '$LOCKTOP' demo; echo third=\$?" Enter
	wait_for 10 matches 'third=[1-9]'
}

@test "SIGTERM restores the terminal" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	child=$(pgrep -P "$(figure pane_pid)" locktop)
	kill -TERM "$child"
	wait_for 10 matches 'status=[0-9]+'
	wait_for 5 test -s after
	cmp before after
	[ "$(figure alternate_on)" = 0 ]
	[ "$(figure cursor_flag)" = 1 ]
}

@test "the demo ends with locktop, even when that is killed" {
	live 80 24 -d 0.3 demo
	wait_for 15 shows locktop-demo
	child=$(pgrep -P "$(figure pane_pid)" locktop)
	demo=$(pgrep -P "$child")
	[ -n "$demo" ]
	kill -KILL "$child"
	wait_for 5 test ! -e "/proc/$demo/exe"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# The command line: scopes, formats, outputs, and input that is wrong.

load helper

NOBODY=65534

# fails STATUS ARG...: locktop ends with this status and one line on stderr, nothing on stdout.
fails() {
	local wanted=$1

	shift
	run "-$wanted" --separate-stderr timeout 20 "$LOCKTOP" "$@"
	[ -z "$output" ]
	one_line "${stderr:?}"
}

# shared_dir: a directory that everybody may enter, with the programs in it.
shared_dir() {
	dir=$(mktemp -d)
	chmod 755 "$dir"
	cp "$LOCKTOP" "$dir/locktop"
	cp "$WORKLOADS/contend" "$dir/contend"
}

teardown() {
	stop_started
	[ -z "${dir:-}" ] || rm -rf "$dir"
	[ -z "${group:-}" ] || rmdir "$group"
}

@test "check: this machine can run the default tier" {
	run -0 "$LOCKTOP" check
	[ -n "$output" ]
}

@test "--help and --version print to stdout and exit 0" {
	run -0 --separate-stderr "$LOCKTOP" --help
	[[ $output == *--cgroup* ]]
	[[ $output == *wait_ns* ]]
	[ -z "$stderr" ]
	run -0 --separate-stderr "$LOCKTOP" --version
	one_line "$output"
}

@test "wrong usage exits 2 with one line" {
	fails 2 --no-such-option
	fails 2 -p
	fails 2 -p 12x
	fails 2 -p -1
	fails 2 -d 0
	fails 2 -d nan
	fails 2 -n 0
	fails 2 -n 99999999999999999999
	fails 2 -f yaml
	fails 2 -s no_such_field
	fails 2 --user no-such-user
	fails 2 no-such-command
	fails 2 --
}

@test "no such process: one line, exit 1" {
	fails 1 -b -n 1 -p 4194303
	[[ $stderr == *4194303* ]]
}

@test "no such program after --: one line, and what shells exit with" {
	fails 127 -b -n 1 -- /no/such/program
	[[ $stderr == */no/such/program* ]]
}

@test "not root: one line that says what is missing, exit 1" {
	shared_dir
	run -1 --separate-stderr setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups \
		"$dir/locktop" -b -n 1
	[ -z "$output" ]
	one_line "$stderr"
	[[ $stderr == *root* || $stderr == *CAP_* ]]
	run -1 --separate-stderr setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups \
		"$dir/locktop" check
}

@test "unwritable output: one line, exit 1, and CMD is not left behind" {
	fails 1 -b -n 1 -d 0.1 -o /no/such/directory/file
	fails 1 -b -n 1 -d 0.1 -o /proc/file
	fails 1 -b -n 1 -d 0.1 -o "$BATS_TEST_TMPDIR"
	[[ $stderr == *"$BATS_TEST_TMPDIR"* ]]
}

@test "a full disk: one line, exit 1" {
	fails 1 -b -n 1 -d 0.1 -f json -o /dev/full
	run -1 --separate-stderr bash -c '"$0" -b -n 1 -d 0.1 >/dev/full' "$LOCKTOP"
	one_line "$stderr"
}

@test "stdout is closed: one line, exit 1" {
	run -1 --separate-stderr bash -c '"$0" -b -n 1 -d 0.1 >&-' "$LOCKTOP"
	one_line "$stderr"
}

@test "the reader of the pipe goes away: locktop ends" {
	run timeout 10 bash -c '"$0" -b -d 0.1 | head -1; exit "${PIPESTATUS[0]}"' "$LOCKTOP"
	[ "$status" -ne 124 ]
}

@test "CMD keeps its stdin and stdout, and passes its exit status" {
	run -7 "$LOCKTOP" -b -o "$shots" -- sh -c 'exit 7'
	run -0 bash -c 'echo hello | "$0" -b -o "$1" -- cat' "$LOCKTOP" "$shots"
	[ "$output" = hello ]
	run -0 --separate-stderr "$LOCKTOP" -b -o "$shots" -- sh -c 'echo out; echo err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "CMD and locktop write to the same file: no line is torn" {
	"$LOCKTOP" -b -d 0.2 -f json -i --top 0 -- bash -c \
		'"$0" 2 50 500 & while kill -0 $! 2>/dev/null; do echo "{}"; done; wait' \
		"$WORKLOADS/moving" >"$shots" 3>&-
	: >"$truth"
	judge 'len(shots) > 1000' 'sum("schema" in s for s in shots) >= 5'
}

@test "CMD that dies by a signal: 128 and its number, as shells say it" {
	run -137 "$LOCKTOP" -b -o "$shots" -- sh -c 'kill -9 $$'
}

@test "children of CMD are observed too" {
	expect=('lock()["sleeps"] == 23' 'losses() == 0')
	measure bash -c '"$0" mutex 23 & wait' "$WORKLOADS/primitives"
}

@test "-o: created 0600 whatever the umask, and written whole" {
	(umask 0 && "$LOCKTOP" -b -n 2 -d 0.1 -f json -o "$shots")
	[ "$(stat -c %a "$shots")" = 600 ]
	judge 'len(shots) == 2'
	[ "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name '*shots*' | wc -l)" -eq 1 ]
}

# written N: at least so many snapshots are in the file that is to take the place of $shots.
written() {
	[ "$(cat "$shots".* 2>/dev/null | wc -l)" -ge "$1" ]
}

@test "-o: an old file stays as it was when locktop is killed" {
	echo old >"$shots"
	start "$LOCKTOP" -b -d 0.1 -f json -o "$shots"
	wait_for 20 written 1
	end KILL
	[ "$(cat "$shots")" = old ]
}

@test "SIGTERM ends batch mode; what was seen is written whole" {
	start "$LOCKTOP" -b -d 0.1 -f json -o "$shots"
	wait_for 20 written 2
	end TERM
	: >"$truth"
	judge 'len(shots) >= 2'
}

# bpf_ids PID: ids of the BPF programs that a process holds.
bpf_ids() {
	cat "/proc/$1"/fdinfo/* 2>/dev/null | sed -n 's/^prog_id:\s*//p' | sort -un
}

loaded() {
	[ "$(bpf_ids "$1" | wc -l)" -ge 2 ]
}

gone() {
	local id

	for id in "$@"; do
		! bpftool prog show id "$id" >/dev/null 2>&1 || return 1
	done
}

@test "SIGKILL leaves no probe behind" {
	start "$LOCKTOP" -b -d 1
	wait_for 10 loaded "$pid"
	sleep 0.5
	ids=$(bpf_ids "$pid")
	[ -n "$ids" ]
	end KILL
	# shellcheck disable=SC2086
	wait_for 10 gone $ids
}

@test "text names the process and its lock" {
	start "$WORKLOADS/blocked" 20
	wait_for 5 asleep "$pid" 1
	run -0 "$LOCKTOP" -b -n 1 -d 0.3 -p "$pid"
	[[ $output == *blocked* ]]
	[[ $output == *mutex* ]]
	[[ $output == *"$pid"* ]]
	run -0 bash -c '"$0" -n 1 -d 0.3 -p "$1" | cat' "$LOCKTOP" "$pid"
	[[ $output == *mutex* ]]
}

@test "csv is read by a csv reader: one head, rows as long as it, the lock's id among them" {
	start "$WORKLOADS/blocked" 20
	wait_for 5 asleep "$pid" 1
	"$LOCKTOP" -b -n 3 -d 0.3 -f csv -p "$pid" -o "$shots"
	python3 - "$shots" "$pid" <<-'END'
		import csv, sys
		rows = list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8")))
		head = rows[0]
		assert len(head) == len(set(head)), head
		assert {"id", "pid", "kind", "wait_ns"} <= set(head), head
		assert len(rows) == 4, rows
		assert all(len(row) == len(head) for row in rows), rows
		for row in rows[1:]:
		    row = dict(zip(head, row))
		    assert row["pid"] == sys.argv[2] and row["kind"] == "mutex", row
		    assert 0.25e9 < int(row["wait_ns"]) < 0.4e9, row
	END
}

@test "a process name that is an attack on terminals and readers stays a name" {
	cp "$WORKLOADS/blocked" "$BATS_TEST_TMPDIR/"$'=\e[31m","\nx'
	start "$BATS_TEST_TMPDIR/"$'=\e[31m","\nx' 20
	wait_for 5 asleep "$pid" 1
	run -0 bash -c '"$0" -b -n 1 -d 0.2 -p "$1" | grep -c "$(printf "\033")" || true' "$LOCKTOP" "$pid"
	[ "$output" = 0 ]
	run -0 bash -c '"$0" -b -n 1 -d 0.2 -f csv -p "$1" | grep -c "$(printf "\033")" || true' "$LOCKTOP" "$pid"
	[ "$output" = 0 ]
	"$LOCKTOP" -b -n 1 -d 0.2 -f json -p "$pid" -o "$shots"
	python3 "$e2e/schema.py" "$shots"
}

# two_pairs: two contended programs of different names, $pid and $other; both are asleep in locks.
two_pairs() {
	shared_dir
	cp "$WORKLOADS/contend" "$dir/other"
	"$@" "$dir/other" 2 120 1000 100 >/dev/null 3>&- &
	other=$!
	started+=("$other")
	start "$dir/contend" 2 120 1000 100
	wait_for 5 asleep "$pid" 1
	wait_for 5 asleep "$other" 1
}

# only PID ARG...: with these options locktop sees this process and no other.
only() {
	local wanted=$1

	shift
	"$LOCKTOP" -b -n 1 -d 0.4 -f json -o "$shots" "$@"
	judge "{p['pid'] for p in shots[0]['processes']} == {$wanted}" \
		"{x['pid'] for x in shots[0]['locks']} == {$wanted}" 'shots[0]["totals"]["wait_ns"] > 0'
}

@test "scopes: -p one, -p two, --comm, both together" {
	two_pairs env
	: >"$truth"
	only "$pid" -p "$pid"
	only "$pid,$other" -p "$pid,$other"
	only "$other" --comm 'oth*'
	only "$other" --comm 'othe[r]' -p "$pid,$other"
}

@test "scopes: --user" {
	two_pairs setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups
	: >"$truth"
	only "$other" --user nobody
	only "$other" --user $NOBODY -p "$pid,$other"
}

@test "scopes: --cgroup" {
	two_pairs env
	: >"$truth"
	for base in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/pids /sys/fs/cgroup/*; do
		[ ! -w "$base/cgroup.procs" ] || break
	done
	[ -w "$base/cgroup.procs" ] || skip "no control group can be made here"
	mkdir "$base/locktop-test-$$"
	group=$base/locktop-test-$$
	echo "$other" >"$group/cgroup.procs"
	only "$other" --cgroup "/${group##*/}"
	only "$other" --cgroup "$group"
	kill -KILL "$other"
	wait_for 5 test ! -s "$group/cgroup.procs"
}

@test "-p follows children that are started later" {
	start bash -c 'sleep 1.5; "$0" mutex 23; exit' "$WORKLOADS/primitives"
	"$LOCKTOP" -b -n 6 -d 0.5 -f json -p "$pid" -o "$shots"
	finish
	judge '22 <= lock()["sleeps"] <= 23' 'near(lock()["wait_ns"], t["wait_ns"], 10)'
}

@test "make install puts the program and its page below DESTDIR, make uninstall takes them away" {
	local to=$BATS_TEST_TMPDIR/root

	make -s -C "$root" install DESTDIR="$to" PREFIX=/usr
	[ -x "$to/usr/sbin/locktop" ]
	[ -s "$to/usr/share/man/man8/locktop.8" ]
	"$to/usr/sbin/locktop" --version | grep -q '^locktop '
	make -s -C "$root" uninstall DESTDIR="$to" PREFIX=/usr
	[ -z "$(find "$to" -type f)" ]
}

@test "the man page has every option, format, key and field of --help" {
	"$root/contrib/man-tables" --check "$LOCKTOP"
}

@test "a name of the user's own takes the place of a symbol; a bad file is one clear line" {
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR
	unset SUDO_USER
	mkdir -p "$XDG_CONFIG_HOME/locktop"
	echo 'demo_acc* the big lock' >"$XDG_CONFIG_HOME/locktop/names"
	"$LOCKTOP" demo -b -n 1 -d 0.5 | grep -q 'the big lock'
	echo 'alone' >"$XDG_CONFIG_HOME/locktop/names"
	run -1 --separate-stderr "$LOCKTOP" demo -b -n 1 -d 0.5
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ ${stderr_lines[0]} == *'names:1: '* ]]
}

@test "--debuginfod without servers is refused in one line" {
	unset DEBUGINFOD_URLS
	run -2 --separate-stderr "$LOCKTOP" --debuginfod -b -n 1
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ ${stderr_lines[0]} == *DEBUGINFOD_URLS* ]]
}

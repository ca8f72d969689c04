#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Who holds a lock, how that is known, what the owner does, and what it costs the others.

load helper

teardown() {
	stop_started
	[ -z "${group:-}" ] || wait_for 5 rmdir "$group" 2>/dev/null
}

# in_group FILE VALUE [FILE VALUE]: puts the owner into a control group of its own that has FILE, and
# writes to it; skips the test where there is none.
in_group() {
	local base

	for base in /sys/fs/cgroup /sys/fs/cgroup/*; do
		group=$base/locktop-owners-$$
		mkdir "$group" 2>/dev/null || continue
		[ ! -e "$group/$1" ] || break
		rmdir "$group"
	done
	[ -e "$group/$1" ] || {
		group=
		skip "no control group with $1 here"
	}
	fact owner_pid >"$group/cgroup.procs"
	while [ $# -gt 0 ]; do
		echo "$2" >"$group/$1"
		shift 2
	done
}

# look: two intervals of the program that was started.
look() {
	"$LOCKTOP" -b -n 2 -d 0.5 -f json -i --top 0 -p "$(fact pid)" -o "$shots"
}

# held LOCK [BUILD]: the owner is the one that the program names, read from the lock, asleep where it
# says; the waiters are where they say.
held() {
	local program=owners${2:+-$2}

	[ -x "$WORKLOADS/$program" ] || skip "there is no $program here"
	start_standing "$WORKLOADS/$program" "$1" 30
	look
	judge 'row().get("kind") == t["kind"]' 'row()["waiting"] == 2' 'own().get("tid") == t["owner"]' \
		'own()["pid"] == t["owner_pid"]' 'own()["proof"] == "lock-word"' \
		'own()["inferred"] is False' 'row()["owner_died"] is None' \
		'own()["state"] == "sleeping"' 'own()["syscall"] in ("clock_nanosleep", "nanosleep")' \
		'own()["waiting_for"] is None' 'own()["state_ns"] is None or own()["state_ns"] < 1.1 * S' \
		'all(thread(x)["waiting_for"] == row()["id"] for x in t["waiters"])' \
		'all(thread(x)["state"] == "waiting" for x in t["waiters"])'
}

# sites: of a program with symbols: where the owner is, where the others wait.
sites() {
	judge '"hold_here" in functions(own()["frames"])' '"hold_here" in site("holder", row())' \
		'"want_here" in site("waiter", row())' \
		'[(h["tid"], h["proof"], h["inferred"]) for h in row()["holders"]]
			== [(t["owner"], "lock-word", False)]' \
		'near(row()["holders"][0]["share"], 1, 1)' \
		'near(row()["holders"][0]["wait_ns"], row()["wait_ns"], 1)'
}

@test "normal mutex: its owner" { held normal && sites; }
@test "recursive mutex: its owner" { held recursive && sites; }
@test "error-checking mutex: its owner" { held errorcheck && sites; }
@test "adaptive mutex: its owner" { held adaptive && sites; }
@test "robust mutex: its owner" { held robust && sites; }
@test "priority-inheriting mutex: its owner" { held pi && sites; }
@test "robust priority-inheriting mutex: its owner" { held pi-robust && sites; }
@test "process-shared mutex: its owner in another process" { held pshared && sites; }
@test "robust process-shared mutex: its owner in another process" { held pshared-robust; }
@test "rwlock, a writer behind a writer: its owner" { held rwlock-write && sites; }
@test "rwlock, readers behind a writer: its owner" { held rwlock-read && sites; }
@test "FILE: its owner" { held stdio && sites; }

@test "rwlock behind readers: how many, and no owner" {
	start_standing "$WORKLOADS/owners" rwlock-write-readers 30
	look
	judge 'row()["kind"] == "rwlock-write"' 'row()["readers"] == 3' 'row()["owner"] is None' \
		'row()["owner_died"] is None' 'row()["waiting"] == 2'
}

@test "semaphore: the last waker, inferred" {
	start_standing "$WORKLOADS/owners" sem 30
	look
	judge 'row()["kind"] == "sem"' 'own().get("tid") == t["owner"]' \
		'own()["proof"] == "last-waker"' 'own()["inferred"] is True' \
		'"post_here" in site("waker", row())' 'row()["owner_died"] is None' \
		'all(h["inferred"] for h in row()["holders"])' 'row()["readers"] is None'
}

@test "no symbols at all: owners by the signature of the wait" {
	for kind in normal robust pi rwlock-write; do
		held "$kind" static-stripped
		stop_started
	done
}

@test "musl: owners where it records them" {
	for kind in recursive errorcheck robust pi pshared-robust; do
		held "$kind" musl
		stop_started
	done
}

@test "musl, normal mutex: no owner is made up" {
	[ -x "$WORKLOADS/owners-musl" ] || skip "there is no musl-gcc here"
	start_standing "$WORKLOADS/owners-musl" normal 30
	look
	judge 'row()["kind"] == "mutex"' 'row()["owner"] is None' 'row()["owner_died"] is None'
}

@test "in a PID namespace: owners by their numbers outside" {
	unshare --pid --fork true 2>/dev/null || skip "no PID namespaces here"
	for kind in normal robust pi rwlock-write; do
		start_standing unshare --pid --fork --kill-child "$WORKLOADS/owners" "$kind" 30
		look
		judge 'own().get("tid") == t["owner"]' 'own()["proof"] == "lock-word"' \
			'own()["pid"] == t["owner_pid"] == t["pid"]' \
			'"hold_here" in functions(own()["frames"])'
		stop_started
	done
}

# doing WHAT: the owner does what it says.
doing() {
	start_standing "$WORKLOADS/doing" "$1" 30
	look
	judge 'own().get("tid") == t["owner"]' 'own()["pid"] == t["owner_pid"]' \
		'own()["proof"] == "lock-word"' 'own()["state"] == t["state"]' \
		'own()["syscall"] == (t["call"] or None)'
}

@test "an owner that runs: running, with samples of where" {
	doing running
	judge '"running_here" in site("holder", row())' 'own()["state_ns"] is None'
}
@test "an owner that reads from a pipe: sleeping in read" {
	doing read
	judge '"read_here" in functions(own()["frames"])' '0.4 * S < own()["state_ns"] < 1.2 * S'
}
@test "an owner that sleeps: sleeping in clock_nanosleep" {
	doing nanosleep
	judge '"nanosleep_here" in functions(own()["frames"])'
}
@test "an owner that sleeps uninterruptibly: blocked" { doing vfork; }
@test "an owner in a process that is stopped: stopped" { doing stopped; }

@test "an owner that its control group keeps from running: frozen" {
	start_standing "$WORKLOADS/doing" apart 30
	in_group cgroup.freeze 1
	wait_for 5 grep -q 'frozen 1' "$group/cgroup.events"
	look
	judge 'own().get("tid") == t["owner"]' 'own()["state"] == "frozen"'
}
@test "an owner whose control group has used up its CPU time: throttled" {
	start_standing "$WORKLOADS/doing" apart 30
	if [ -e /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
		in_group cpu.cfs_period_us 1000000 cpu.cfs_quota_us 10000
	else
		in_group cpu.max "10000 1000000"
	fi
	"$LOCKTOP" -b -n 6 -d 0.3 -f json -p "$pid" -o "$shots"
	judge 'all(x["owner"]["tid"] == t["owner"] for x in rows_of()[1:])' \
		'sum(x["owner"]["state"] == "throttled" for x in rows_of()[1:]) >= 4'
}

@test "an owner without a CPU: runnable, nearly always" {
	start_standing "$WORKLOADS/doing" preempted 30
	"$LOCKTOP" -b -n 6 -d 0.2 -f json -p "$pid" -o "$shots"
	judge 'all(x["owner"]["tid"] == t["owner"] for x in rows_of())' \
		'sum(x["owner"]["state"] == "runnable" for x in rows_of()) >= 4' \
		'sum(x["owner"]["state"] == "running" for x in rows_of()) <= 2'
}

@test "an owner whose CPU locktop itself takes to look at it: running, not preempted" {
	local cpu

	cpu=$(taskset -cp $$ | sed 's/.*[^0-9]//')
	start_standing taskset -c "$cpu" "$WORKLOADS/doing" displaced 30
	taskset -c "$cpu" "$LOCKTOP" -b -n 12 -d 0.2 -f json -p "$pid" -o "$shots"
	# at some of the looks another program may have it
	judge 'all(x["owner"]["tid"] == t["owner"] for x in rows_of())' \
		'sum(x["owner"]["state"] == "running" for x in rows_of()) >= 4' \
		'sum("owner preempted" in names(x) for x in rows_of()) <= 6'
}

@test "an owner that ended: nobody, and who it was" {
	start_standing "$WORKLOADS/doing" exited 30
	look
	judge 'row()["owner"] is None' 'row()["owner_died"] == t["owner"]' 'row()["waiting"] == 1'
}

@test "a robust mutex whose owner ends: its owner, then nobody waits, and it is not called dead" {
	observe "$WORKLOADS/doing" robust 3
	judge 't["inherited"] == 1' 'shots[0]["locks"][0]["owner"]["tid"] == t["owner"]' \
		'shots[0]["locks"][0]["owner"]["proof"] == "lock-word"' 'row()["waiting"] == 0' \
		'all(x["owner_died"] is None for x in rows_of())' '"owner dead" not in verdicts()'
}

# chained: three threads in a row wait for one that sleeps.
chained() {
	start_standing "$WORKLOADS/doing" chain 30
	look
}

@test "a chain: each owner waits for the next lock, the last one sleeps" {
	chained
	judge 'own()["tid"] == t["owner"]' 'own()["state"] == "sleeping"' \
		'own()["waiting_for"] is None' \
		'all(own(t["waiters"][i]["lock"])["tid"] == t["waiters"][i - 1]["tid"] for i in (1, 2))' \
		'all(own(t["waiters"][i]["lock"])["state"] == "waiting" for i in (1, 2))' \
		'all(own(t["waiters"][i]["lock"])["waiting_for"] == lock_id(t["waiters"][i - 1]["lock"])
			for i in (1, 2))' \
		'shots[-1]["deadlocks"] == []'
}

@test "a chain: the wait of all of it is charged to its root" {
	chained
	judge 'near(row()["impact_ns"], sum(thread(x["tid"])["wait_ns"] for x in t["waiters"]), 10)' \
		'near(row()["impact_ns"], 3 * shots[-1]["interval_ns"], 10)' \
		'near(row()["wait_ns"], shots[-1]["interval_ns"], 10)' \
		'all(row(x["lock"])["impact_ns"] < 0.1 * S for x in t["waiters"][1:])'
	"$LOCKTOP" -b -n 1 -d 0.5 -f json -p "$pid" -s impact_ns -o "$shots"
	judge 'shots[0]["locks"][0]["address"] == t["lock"]'
}

@test "a chain as a graph that Graphviz would read: all of its threads" {
	chained
	"$LOCKTOP" -b -n 1 -d 0.5 -f dot -p "$pid" -o "$BATS_TEST_TMPDIR/graph.dot"
	# shellcheck disable=SC2046 # numbers
	python3 "$e2e/dot.py" "$BATS_TEST_TMPDIR/graph.dot" $(fact owner) \
		$(grep -o '"tid":[0-9]*' "$truth" | cut -d: -f2)
}

@test "two holders, 3 to 1: their shares, and the places where they let go" {
	expect=('losses() == 0' 't["rounds"] > 100'
		'near(charged(t["tids"][0]) / (charged(t["tids"][0]) + charged(t["tids"][1])),
			t["waited_ns"][0] / sum(t["waited_ns"]), 15)'
		'near(charged(t["tids"][0]) + charged(t["tids"][1]), sum(t["waited_ns"]), 10)'
		'{"hold_long", "hold_short"} <= set().union(*(site("waker", x) for x in rows_of()))'
		'{"hold_long", "hold_short"} <= set().union(*(site("holder", x) for x in rows_of()))'
		'all(not h["inferred"] for x in rows_of() for h in x["holders"])')
	measure "$WORKLOADS/patterns" shares 6
}

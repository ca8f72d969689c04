#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Programs as other people build them: no frame pointers, no debug information, with and without
# symbols, static, by other compilers, with another C library, in other languages. Their stacks reach
# the start of each thread, and their locks are called what they are.

load helper

# built TOOL PROGRAM: skips the test if PROGRAM is not there because its compiler is not.
built() {
	[ ! -e "$WORKLOADS/$2" ] || return 0
	! command -v "$1" >/dev/null || {
		echo "$WORKLOADS/$2 is not there: make workloads"
		return 1
	}
	skip "there is no $1 here"
}

# sample CMD...: adds the snapshots of a run, with many samples, to $shots.
sample() {
	"$LOCKTOP" -b -f json -i --top 0 --samples 200 -d 0.5 -o "$shots.part" -- "$@" >"$truth" 3>&-
	cat "$shots.part" >>"$shots"
}

stacks() {
	python3 "$e2e/stacks.py" "$shots" "$@"
}

# c_stacks BUILD TOOL [OPTION...]: the C programs, built this way.
c_stacks() {
	local build=$1 kind

	built "$2" "contend-$build"
	sample "$WORKLOADS/contend-$build" 4 1 1000 100
	sample "$WORKLOADS/storm-$build" 4 1
	for kind in mutex timedlock rwlock-read cond sem barrier join; do
		sample "$WORKLOADS/primitives-$build" "$kind" 5 2
	done
	shift 2
	stacks whole 99 "$@"
}

# c_kind BUILD TOOL KIND: one primitive, built this way.
c_kind() {
	built "$2" "primitives-$1"
	sample "$WORKLOADS/primitives-$1" "$3" 23 3
	stacks kind "$(kind_of "$truth")" "$(class_of "$(kind_of "$truth")")"
}

kind_of() {
	sed -n 's/.*"kind":"\([^"]*\)".*/\1/p' "$1"
}

class_of() {
	case $1 in
	cond | barrier | join | park | futex) echo idle ;;
	*) echo contention ;;
	esac
}

KINDS=(mutex recursive errorcheck timedlock timedlock-timeout robust pi pshared rwlock-read
	rwlock-write-reader rwlock-write-writer cond cond-timed sem sem-timed once join)

# c_kinds BUILD TOOL KIND...: all of them; says which were wrong.
c_kinds() {
	local kind wrong=

	built "$2" "primitives-$1"
	for kind in "${@:3}"; do
		: >"$shots"
		c_kind "$1" "$2" "$kind" || wrong="$wrong $kind"
	done
	[ -z "$wrong" ] || echo "wrong:$wrong"
	[ -z "$wrong" ]
}

NAMES=(worker waiter target_thread)

@test "gcc: stacks reach the start of the thread" { c_stacks plain gcc "${NAMES[@]}"; }
@test "gcc, stripped: stacks reach the start of the thread" {
	c_stacks stripped gcc --module '*-stripped'
}
@test "gcc, static: stacks reach the start of the thread" { c_stacks static gcc "${NAMES[@]}"; }
@test "gcc, static and stripped: stacks reach the start of the thread" {
	c_stacks static-stripped gcc --module '*-static-stripped'
}
@test "gcc, static-pie: stacks reach the start of the thread" {
	c_stacks static-pie gcc "${NAMES[@]}"
}
@test "clang: stacks reach the start of the thread" { c_stacks clang clang "${NAMES[@]}"; }
@test "clang, stripped: stacks reach the start of the thread" {
	c_stacks clang-stripped clang --module '*-clang-stripped'
}
@test "musl: stacks reach the start of the thread" { c_stacks musl musl-gcc "${NAMES[@]}"; }
@test "musl, static: stacks reach the start of the thread" {
	c_stacks musl-static musl-gcc "${NAMES[@]}"
}

# A barrier's futex call tells nothing by itself.
@test "gcc, static and stripped: kinds without a single name" {
	c_kinds static-stripped gcc "${KINDS[@]}"
}
@test "clang: kinds" { c_kinds clang clang "${KINDS[@]}" barrier; }
@test "musl: kinds" { c_kinds musl musl-gcc "${KINDS[@]}" barrier; }
@test "musl, static: kinds" { c_kinds musl-static musl-gcc "${KINDS[@]}" barrier; }

CPP_KINDS=(mutex shared-read shared-write condition atomic-wait latch semaphore)
RUST_KINDS=(mutex rwlock-read rwlock-write condvar park once)

# language TOOL PROGRAM KINDS [OPTION...]: stacks of all kinds, KINDS being the name of an array. Until
# locktop has asked for longer copies of a lock's stacks, deep ones are cut: on a stalled machine that
# is a fifth of the few samples there are. Then there is another run, and it is said.
language_stacks() {
	local -n kinds=$3
	local kind attempt

	built "$1" "$2"
	for attempt in 1 2; do
		rm -f "$shots"
		for kind in "${kinds[@]}"; do
			sample "$WORKLOADS/$2" "$kind" 12 3
		done
		if stacks whole 99 "${@:4}"; then
			return
		fi
		echo "# run $attempt of 2 did not agree: $2" >&3
	done
	return 1
}

# language_kinds TOOL PROGRAM KIND...: all of them; says which were wrong.
language_kinds() {
	local kind reported wrong=

	built "$1" "$2"
	for kind in "${@:3}"; do
		: >"$shots"
		sample "$WORKLOADS/$2" "$kind" 23 3
		reported=$(kind_of "$truth")
		stacks kind "$reported" "$(class_of "$reported")" || wrong="$wrong $kind"
	done
	[ -z "$wrong" ] || echo "wrong:$wrong"
	[ -z "$wrong" ]
}

@test "C++, templates and exceptions: stacks reach the start of the thread" {
	language_stacks g++ cpp-plain CPP_KINDS '*waiter_main*'
}
@test "C++, stripped: stacks reach the start of the thread" {
	language_stacks g++ cpp-stripped CPP_KINDS --module cpp-stripped
}
@test "C++, static: stacks reach the start of the thread" {
	language_stacks g++ cpp-static CPP_KINDS
}
@test "C++ by clang: stacks reach the start of the thread" {
	language_stacks clang++ cpp-clang CPP_KINDS '*waiter_main*'
}
@test "C++: kinds" { language_kinds g++ cpp-plain "${CPP_KINDS[@]}"; }
@test "C++ by clang: kinds" { language_kinds clang++ cpp-clang "${CPP_KINDS[@]}"; }
# std::atomic::wait has no names of its own then; latch and semaphore are the same call.
@test "C++, stripped: kinds of what the C library does" {
	language_kinds g++ cpp-stripped mutex shared-read shared-write condition
}

@test "Rust: stacks reach the start of the thread" {
	language_stacks rustc rust-plain RUST_KINDS '*thread_start*'
}
@test "Rust, stripped: stacks reach the start of the thread" {
	language_stacks rustc rust-stripped RUST_KINDS --module rust-stripped
}
@test "Rust: kinds" { language_kinds rustc rust-plain "${RUST_KINDS[@]}"; }

@test "Go: stacks reach the start of the thread" {
	built go go
	sample "$WORKLOADS/go" mutex 23 5
	sample "$WORKLOADS/go" channel 23 5
	stacks whole 99 'runtime.m*' 'runtime.clone*' 'runtime.rt0_go*' 'runtime.goexit*' 'runtime.systemstack*'
}
@test "Go: threads without work are idle" {
	built go go
	sample "$WORKLOADS/go" mutex 23 5
	stacks kind park idle
}

# has_thread PID NAME
has_thread() {
	grep -qsx "$2" "/proc/$1/task"/*/comm
}

# HotSpot keeps frame pointers in compiled code only if it is told to.
java=(java -XX:+PreserveFramePointer -cp "$WORKLOADS/java" Waits)

@test "Java: stacks of a running program reach the start of the thread" {
	local kind

	built javac java/Waits.class
	for kind in synchronized lock park; do
		start "${java[@]}" "$kind" 1000 10
		wait_for 20 has_thread "$pid" waiter
		sleep 0.5
		"$LOCKTOP" -b -n 2 -f json -i --top 0 --samples 200 -d 0.5 -p "$pid" -o "$shots.part"
		cat "$shots.part" >>"$shots"
		stop_started
	done
	stacks whole 99 --module 'libj*.so' --module java
}
# Code is mapped long after the first sample. What is missing is deep stacks before their copies
# grew, and code younger than the latest reading of the mappings.
@test "Java from its first moment: stacks reach the start of the thread" {
	built javac java/Waits.class
	sample "${java[@]}" synchronized 43 10
	stacks whole 85 --module 'libj*.so' --module java
}
@test "Java: threads are parked in objects of their own" {
	built javac java/Waits.class
	sample "${java[@]}" park 43 10
	stacks kind park idle 50 # the virtual machine has mutexes that it contends for
}

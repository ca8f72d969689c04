#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# Orders in which locks are taken: contradictions are found though nothing ever waits, and only
# those.

load helper

# ordered MODE ARG...: what is known at the end is the truth: one inversion, or none.
ordered() {
	options=(-x --budget 10000)
	observe "$WORKLOADS/exact_orders" "$1" 20 1.2
	judge 'shots[-1]["totals"]["sleeps"] == 0' 'losses() == 0' \
		'inversions(shots[-1]) == true_inversions()' \
		'all(inversions(s) in ([], true_inversions()) for s in shots)' \
		'sites_right(shots[-1])' \
		'sum(i["new"] for s in shots for i in s["inversions"]) == len(true_inversions())' \
		'all(e["count"] == 20 for i in shots[-1]["inversions"] for e in i["sites"])' \
		'all(len(i["locks"]) == len(i["sites"]) for i in shots[-1]["inversions"])'
}

@test "two locks, two threads that never meet: one inversion, both stacks" { ordered pair; }
@test "three locks in a circle, three threads that never meet: one inversion" { ordered three; }
@test "writers of rwlocks: one inversion" { ordered writers; }
@test "a gate that only one of the threads passes: one inversion" { ordered half-gate; }
@test "ordered locks: none" { ordered ordered; }
@test "a gate that both threads pass: none" { ordered gate; }
@test "the second lock by trylock: none" { ordered trylock; }
@test "readers of rwlocks: none" { ordered readers; }
@test "one thread in both orders, that cannot meet itself: none" { ordered alone; }

# suppressed LINE...: with these in the user's file, pair has no inversion.
suppressed() {
	mkdir -p "$BATS_TEST_TMPDIR/locktop"
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/locktop/suppressions"
	options=(-x --budget 10000)
	unset SUDO_USER
	XDG_CONFIG_HOME=$BATS_TEST_TMPDIR observe "$WORKLOADS/exact_orders" pair 20 1.2
}

@test "suppressed by a function: none" {
	suppressed '# known' '' 'inversion then_0'
	judge 'all(s["inversions"] == [] for s in shots)'
}
@test "suppressed by two locks: none" {
	suppressed 'inversion mutexes* mutexes*'
	judge 'all(s["inversions"] == [] for s in shots)'
}
@test "a suppression of something else changes nothing" {
	suppressed 'inversion then_7'
	judge 'inversions(shots[-1]) == true_inversions()'
}
@test "a suppressions file that makes no sense: one line, exit 1" {
	mkdir -p "$BATS_TEST_TMPDIR/locktop"
	echo nonsense >"$BATS_TEST_TMPDIR/locktop/suppressions"
	unset SUDO_USER
	XDG_CONFIG_HOME=$BATS_TEST_TMPDIR run -1 --separate-stderr \
		"$LOCKTOP" -x -b -n 1 -d 0.1 -p $$
	one_line "$stderr"
}

@test "without -x nobody looks at orders: unknown, not none" {
	observe "$WORKLOADS/exact_orders" pair 20
	judge 'all(s["inversions"] is None for s in shots)'
}

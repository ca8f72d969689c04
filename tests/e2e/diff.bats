#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2030,SC2031,SC2154 # names of helper.bash
# locktop diff: what it says of two runs of a program whose load is known, and its conditions.

load helper

NOBODY=65534

setup() {
	test_files
	a=$BATS_TEST_TMPDIR/a.json
	b=$BATS_TEST_TMPDIR/b.json
}

# seen FILE CMD...: ten intervals of a program, or fewer if it ends before; its truth goes to its file.
seen() {
	local file=$1

	shift
	"$LOCKTOP" -b -f json --top 0 -d 0.3 -n 10 "${options[@]}" -o "$file" -- "$@" >"$truth" 3>&-
}

# compared EXPRESSION...: each holds of the comparison `d`, whose first lock is `x`.
compared() {
	"$LOCKTOP" diff "$a" "$b" -f json >"$shots"
	python3 - "$shots" "$@" <<-'END'
		import json, sys
		d = json.loads(open(sys.argv[1], encoding="utf-8").read())
		x = d["locks"][0] if d["locks"] else None
		for expression in sys.argv[2:]:
		    assert eval(expression), (expression, d)
	END
}

# fails STATUS ARG...: diff ends with this status and one line on stderr.
fails() {
	local wanted=$1

	shift
	run "-$wanted" --separate-stderr timeout 20 "$LOCKTOP" diff "$@"
	one_line "${stderr:?}"
}

@test "diff: four threads instead of one lock's two: the same lock, more load" {
	seen "$a" "$WORKLOADS/contend" 2 4 1000 4000
	seen "$b" "$WORKLOADS/contend" 4 4 1000 100
	compared 'len(d["locks"]) == 1' 'x["comm"] == "contend"' 'x["kind"] == "mutex"' \
		'x["status"] == "both"' 'x["a"]["load"] < 1 < 1.5 < x["b"]["load"] < 4' \
		'abs(x["change"] - (x["b"]["load"] - x["a"]["load"])) < 1e-9' \
		'x["within_noise"] is False' 'x["a"]["acquisitions_per_s"] is None' \
		'abs(d["total"]["change"] - x["change"]) < 0.05' 'd["a"]["intervals"] == 10' \
		'd["a"]["listed"] > 0.99'
	run -0 "$LOCKTOP" diff "$a" "$b"
	[[ $output == *CHANGE*LOAD*WAIT*P99*LOCK* ]]
	[[ $output == *contend*mutex* ]]
}

@test "diff: a file and itself: nothing has changed, all of it is chance" {
	seen "$a" "$WORKLOADS/contend" 4 4 1000 100
	b=$a
	compared 'len(d["locks"]) == 1' 'x["change"] == 0' 'x["within_noise"] is True' \
		'x["a"] == x["b"]' 'd["total"]["change"] == 0'
	run -0 "$LOCKTOP" diff "$a" "$a" --fail-if 'load>1x' --fail-if 'new>0' --fail-if \
		'deadlocks>0' --fail-if 'p99>1.0x'
}

@test "diff: another program: one lock is gone and one is new" {
	seen "$a" "$WORKLOADS/contend" 4 4 1000 100
	cp "$WORKLOADS/contend" "$BATS_TEST_TMPDIR/other"
	seen "$b" "$BATS_TEST_TMPDIR/other" 4 4 1000 100
	compared '{(x["comm"], x["status"]) for x in d["locks"]} == {("contend", "gone"), ("other", "new")}' \
		'all((x["a"] is None) == (x["status"] == "new") for x in d["locks"])'
	fails 3 "$a" "$b" --fail-if 'new>0'
	[[ $stderr == *"1 new lock"* ]]
}

@test "diff: the exact tier's figures, each a second" {
	local taken_a taken_b

	options=(-x --budget 10000)
	seen "$a" "$WORKLOADS/contend" 1 2 1000 9000
	taken_a=$(fact acquisitions)
	seen "$b" "$WORKLOADS/contend" 1 2 1000 100
	taken_b=$(fact acquisitions)
	compared 'len(d["locks"]) >= 1' 'd["a"]["tier"] == "exact"' \
		"abs(max((x['a'] or {}).get('acquisitions_per_s') or 0 for x in d['locks']) *
			d['a']['duration_ns'] / 1e9 - $taken_a) < 0.5" \
		"abs(max((x['b'] or {}).get('acquisitions_per_s') or 0 for x in d['locks']) *
			d['b']['duration_ns'] / 1e9 - $taken_b) < 0.5"
	fails 3 "$a" "$b" --fail-if 'acquisitions>1.5x' --min-load 0
	[[ $stderr == *acquisitions* ]]
	run -0 "$LOCKTOP" diff "$a" "$b" --fail-if 'acquisitions>1.5x' # nobody waits there
}

@test "diff --fail-if: status 3 and one line, the comparison is printed all the same" {
	seen "$a" "$WORKLOADS/contend" 2 4 1000 4000
	seen "$b" "$WORKLOADS/contend" 4 4 1000 100
	for condition in 'load>1.2x' 'load>0.5' 'mutex:load>1.2x' 'mut*:load>1.2x' 'sleeps>1.2x'; do
		fails 3 "$a" "$b" --fail-if "$condition"
		[[ $stderr == *"$condition"*mutex*contend* ]]
		[[ $output == *CHANGE* ]]
	done
	for condition in 'load>10000x' 'load>9' 'max>1000s' 'no_such_lock:load>0' 'load<0.5x'; do
		run -0 --separate-stderr "$LOCKTOP" diff "$a" "$b" --fail-if "$condition"
		[ -z "$stderr" ]
	done
	fails 3 "$a" "$b" --fail-if 'new>0' --fail-if 'load>1.2x'
	fails 3 "$b" "$a" --fail-if 'load<0.9x'
	run -0 "$LOCKTOP" diff "$a" "$b" --fail-if 'load>1.2x' --min-load 100
}

@test "diff --fail-if: what was not recorded is an error, not a pass" {
	seen "$a" "$WORKLOADS/contend" 2 1 1000 4000
	fails 1 "$a" "$a" --fail-if 'hold>1.2x'
	[[ $stderr == *"$a"*-x* ]]
}

@test "diff --fail-if deadlocks: a program that has run into one" {
	start "$WORKLOADS/deadlocks" pair 30
	wait_for 10 standing
	"$LOCKTOP" -b -f json -d 0.5 -n 4 -p "$pid" -o "$b"
	seen "$a" "$WORKLOADS/contend" 2 1 1000 4000
	fails 3 "$a" "$b" --fail-if 'deadlocks>0'
	[[ $stderr == *"1 deadlock"* ]]
	run -0 "$LOCKTOP" diff "$b" "$a" --fail-if 'deadlocks>0'
}

@test "diff: recordings, and a recording with json" {
	"$LOCKTOP" record -o "$BATS_TEST_TMPDIR/a.db" -d 0.3 -- "$WORKLOADS/contend" 2 4 1000 4000 \
		>/dev/null 3>&-
	seen "$b" "$WORKLOADS/contend" 4 4 1000 100
	a=$BATS_TEST_TMPDIR/a.db
	compared 'len(d["locks"]) == 1' 'x["status"] == "both"' 'x["change"] > 0.5'
	b=$a
	compared 'len(d["locks"]) == 1' 'x["change"] == 0'
}

@test "diff: pipes are read too, and nobody needs to be root" {
	seen "$a" "$WORKLOADS/contend" 2 1 1000 1000
	run -0 "$LOCKTOP" diff <(cat "$a") <(cat "$a")
	dir=$(mktemp -d)
	chmod 755 "$dir"
	cp "$LOCKTOP" "$dir/locktop"
	cp "$a" "$dir/a"
	chmod 644 "$dir/a"
	run -0 setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups "$dir/locktop" diff "$dir/a" \
		"$dir/a"
	rm -rf "$dir"
}

@test "diff: wrong usage exits 2, what cannot be read exits 1; one line each" {
	seen "$a" "$WORKLOADS/contend" 2 1 1000 1000
	fails 2
	fails 2 "$a"
	fails 2 "$a" "$a" "$a"
	fails 2 "$a" "$a" -f csv
	fails 2 "$a" "$a" -p 1
	fails 2 "$a" "$a" --fail-if load
	fails 2 "$a" "$a" --fail-if 'speed>1x'
	fails 2 "$a" "$a" --min-load x
	fails 1 "$a" /no/such/file
	[[ $stderr == *"/no/such/file"* ]]
	fails 1 "$a" "$BATS_TEST_TMPDIR"
	fails 1 /dev/null "$a"
	head -c 1000 "$a" >"$b"
	fails 1 "$a" "$b"
	[[ $stderr == *"$b:1: "* ]]
	head -c 100000 /dev/urandom >"$b"
	fails 1 "$a" "$b"
	{
		printf 'SQLite format 3\0'
		head -c 100000 /dev/urandom
	} >"$b"
	fails 1 "$a" "$b"
	[[ $stderr == *"$b"* ]]
	"$LOCKTOP" -b -n 1 -d 0.1 -f csv -o "$b"
	fails 1 "$a" "$b"
	fails 1 "$a" "$a" -o /dev/full
	fails 1 "$a" "$a" -o /no/such/directory/file
	[ -z "$output" ]
}

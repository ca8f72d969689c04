#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # scripts in quotes; names of helper.bash
# CPython's own tests of threads and queues pass while they are observed.

load helper

SUITE=(test_threading test_thread test_queue test_threadsignals)

# suite OPTION...: with the first Python here that has the tests; PYTHONS chooses others.
suite() {
	local python

	for python in ${PYTHONS:-/usr/bin/python3 "$HOME"/.pyenv/versions/*/bin/python3}; do
		"$python" -c 'import sys, test.test_threading
sys.exit(sys.version_info < (3, 8))' 2>/dev/null || continue
		cd "$BATS_TEST_TMPDIR" || return
		timeout -k 5 240 "$LOCKTOP" "$@" -b -f json -i --top 0 -d 1 -o "$shots" -- \
			"$python" -m test "${SUITE[@]}" >"$truth.out" 2>&1 3>&- || {
			tail -n 50 "$truth.out"
			return 1
		}
		grep -q 'SUCCESS' "$truth.out"
		judge 'len(shots) > 5' 'any(x["kind"].startswith("py-") for s in shots for x in s["locks"])'
		return
	done
	skip "no Python here has its tests with it (libpython3-testsuite)"
}

@test "CPython's tests of threads pass while they are observed" { suite; }
@test "CPython's tests of threads pass under the exact tier" { suite -x; }

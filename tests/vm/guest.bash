# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests in guests share: Debian's kernels, a guest's file system, QEMU, and TAP.

set -u
set -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
locktop=${LOCKTOP:-$root/build/locktop}
workloads=${WORKLOADS:-$root/build/workloads}
cache=$root/build/vm
boot_seconds=400 # against a hang only

number=0
failed=0
scratch=$(mktemp -d) || exit 1
trap 'jobs -p | xargs -r kill 2>/dev/null; wait; rm -rf "$scratch"' EXIT

# tap LINE: numbers a test line, counts failures, passes comments through.
tap() {
	case $1 in
	"ok "*)
		number=$((number + 1))
		echo "ok $number ${1#ok }"
		;;
	"not ok "*)
		number=$((number + 1))
		failed=$((failed + 1))
		echo "not ok $number ${1#not ok }"
		;;
	*)
		echo "$1"
		;;
	esac
}

finish() {
	echo "1..$number"
	[ "$failed" -eq 0 ]
	exit
}

# require TOOL...: without one, and on other machines, there is nothing to test.
require() {
	local tool

	for tool in qemu-system-x86_64 cpio apt-get dpkg python3 "$@"; do
		if ! command -v "$tool" >/dev/null; then
			tap "ok - other kernels # SKIP $tool is not installed"
			finish
		fi
	done
	if [ "$(uname -m)" != x86_64 ]; then
		tap "ok - other kernels # SKIP the test kernels are x86_64, this machine is $(uname -m)"
		finish
	fi
}

# built PROGRAM...: each has to be there.
built() {
	local program

	for program in "$@"; do
		if [ ! -x "$program" ]; then
			tap "not ok - other kernels: $program is not built (make test-vm builds it)"
			finish
		fi
	done
}

# The newest package of a series that apt knows; empty if there is none.
newest() {
	apt-cache search --names-only "^linux-image-${1//./\\.}\\.[0-9].*-cloud-amd64-unsigned\$" \
		2>/dev/null | cut -d' ' -f1 | sort -V | tail -n 1
}

# kernel SERIES: prints the path of a kernel image, downloaded once. On failure prints why.
kernel() {
	local version=$1 package dir=$cache/$1 image

	mkdir -p "$dir"
	package=$(newest "$version")
	if [ -n "$package" ] && [ ! -s "$dir/$package" ]; then
		if (cd "$scratch" && apt-get -q download "$package") >"$scratch/apt.log" 2>&1 &&
			dpkg -x "$scratch/$package"_*.deb "$scratch/$version" &&
			image=$(find "$scratch/$version/boot" -name 'vmlinuz-*' | head -n 1) &&
			[ -n "$image" ]; then
			rm -f "$dir"/*
			mv "$image" "$dir/$package"
		fi
		rm -rf "$scratch/$package"_*.deb "${scratch:?}/$version"
	fi
	# Without a network the image of an earlier run will do.
	image=$(find "$dir" -type f | sort -V | tail -n 1)
	if [ -n "$image" ]; then
		echo "$image"
		return 0
	fi
	if [ -z "$package" ]; then
		echo "apt knows no linux-image-$version cloud package"
	else
		echo "cannot download $package: $(tail -n 1 "$scratch/apt.log")"
	fi
	return 1
}

# libraries FILE: what it loads, into the tree, where it is found here.
libraries() {
	local library

	ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$scratch/tree$library" ] && continue
		mkdir -p "$scratch/tree$(dirname "$library")"
		cp -L "$library" "$scratch/tree$library"
	done
}

# add PROGRAM [DIRECTORY]: into the tree, if not its bin, with the shared libraries that it loads.
add() {
	mkdir -p "$scratch/tree/${2:-bin}" && cp "$1" "$scratch/tree/${2:-bin}/" && libraries "$1"
}

pack() {
	(cd "$scratch/tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$scratch/initrd.gz"
}

# boot IMAGE NAME [ARGUMENTS]: results come by the second serial port, out of the kernel's way. One thread
# for all virtual CPUs: with a thread each, QEMU 7.2 now and then runs kernel code that was patched long
# ago (switching BPF statistics on and off patches hot code) and the guest panics at int3 or hangs.
boot() {
	local pid

	trap 'kill "$pid"' TERM # or the guest would outlive this script
	timeout -k 5 "$boot_seconds" qemu-system-x86_64 \
		-accel tcg,thread=single -cpu max -smp 2 -m 1024 -no-reboot -nodefaults -display none \
		-monitor none -serial "file:$scratch/$2.console" -serial "file:$scratch/$2.results" \
		-kernel "$1" -initrd "$scratch/initrd.gz" \
		-append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off ${3-}" \
		</dev/null >"$scratch/$2.qemu" 2>&1 &
	pid=$!
	wait "$pid"
	echo $? >"$scratch/$2.status"
}

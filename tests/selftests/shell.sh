# SPDX-License-Identifier: GPL-2.0-only
# TAP for the shell tests, sourced by them: each test is a function, run_tests calls them by name.
# Invariant: one line "ok"/"not ok" per test, diagnostics as comments before it.
# shellcheck shell=bash

device=${RD_DEVICE:-/dev/redoubt}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0 failures=0 skip_reason=
# A host whose kernel checks itself is slower by this factor; limits are multiplied by it.
slow=${RD_SLOW:-1}

note() {
	# Anything in a comment, control characters of a guest's console included.
	tr -d '\r' <<<"$*" | sed 's/^/# /'
}

skip() {
	skip_reason=$*
	return 77
}

# fail WHY: use as "… || fail why || return 1".
fail() {
	note "$*"
	return 1
}

run_tests() {
	local name status

	echo "TAP version 13"
	for name in "$@"; do
		number=$((number + 1)) skip_reason=
		"test_$name"
		status=$?
		if [ $status = 0 ]; then
			echo "ok $number - $name"
		elif [ $status = 77 ]; then
			echo "ok $number - $name # SKIP $skip_reason"
		else
			echo "not ok $number - $name"
			failures=$((failures + 1))
		fi
	done
	echo "1..$number"
	[ $failures = 0 ]
}

# boot LOG [VMCTL-OPTION…]: a stock Debian guest that says what it is and powers off.
boot() {
	local log=$1

	shift
	timeout "${BOOT_SECONDS:-$((150 * slow))}" "$top/tools/vmctl" run --device "$device" --kernel "$RD_KERNEL" --initrd "$RD_INITRD" \
		--append "console=ttyS0 ${RD_APPEND-quiet}" "$@" >"$log" 2>&1 </dev/null
}

# Free memory in KiB, with the pages that CPUs keep in lists of their own: without these the figure goes up and down
# by 20 MiB.
free_kb() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "pages" && $2 == "free" { n += $3 } $1 == "count:" { n += $2 } END { print n * 4 }' /proc/zoneinfo
}

# slack_kb: by how much free_kb may differ with nothing lost. A debug kernel keeps up to a thirty-second of all memory
# in KASAN's quarantine; there kmemleak is the judge.
slack_kb() {
	[ -e /sys/kernel/debug/kmemleak ] || { echo 1024; return; }
	awk '$1 == "MemTotal:" { print int(1024 + $2 / 32) }' /proc/meminfo
}

show_tail() {
	note "$(tail -n "${2:-12}" "$1" | cut -c1-200)"
}

# guest NAME: the script on standard input becomes a read-only disk, $scratch/NAME.script.
guest() {
	{
		cat
		echo 'exit 0'
	} >"$scratch/$1.script"
	truncate -s %65536 "$scratch/$1.script"
}

# run_guest NAME [OPTION…]: boot with the script as the first disk; the output goes to $scratch/NAME.log.
run_guest() {
	local name=$1 status

	shift
	RD_APPEND="quiet rd.run=sh+/dev/vda" boot "$scratch/$name.log" --memory 256M --cpus 2 \
		--disk "$scratch/$name.script,ro" "$@"
	status=$?
	[ $status = 0 ] && return 0
	show_tail "$scratch/$name.log" 25
	fail "vmctl ended with status $status"
}

# said NAME TEXT: a line of the guest is exactly TEXT.
said() {
	tr -d '\r' <"$scratch/$1.log" | grep -qxF "$2" && return 0
	show_tail "$scratch/$1.log" 25
	fail "the guest did not say \"$2\""
}

# json EXPRESSION: of Python, with o as the last of the objects on standard input, one a line.
json() { python3 -c 'import json,sys
for line in sys.stdin: json.loads(line)
print(eval(sys.argv[1], {"o": json.loads(line)}))' "$1"; }

# refuses STATUS PATTERN ARG…: $vmctl must end with STATUS and one line that has PATTERN.
refuses() {
	local want=$1 pattern=$2 status

	shift 2
	timeout $((60 * slow)) "$vmctl" "$@" >"$scratch/refused" 2>&1 </dev/null
	status=$?
	[ $status = "$want" ] && [ "$(wc -l <"$scratch/refused")" = 1 ] && grep -q "$pattern" "$scratch/refused" ||
		fail "vmctl $*: status $status: $(cat "$scratch/refused")"
}

# wait_for SECONDS WHAT COMMAND…: until COMMAND succeeds.
wait_for() {
	local i limit=$(($1 * 10 * slow)) what=$2

	shift 2
	for ((i = 0; i < limit; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	fail "waited in vain for $what"
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: GPUs of QEMU driven from user space do what they do on the base; no report
# On: x86-64 in QEMU, base and series: PREEMPT_RT, lockdep
# Takes: minutes: a boot of each side after the build of the kernels
. "$(dirname "$0")/../lib/results.sh"

on_both "$(cat harness/devices/* harness/devices-init.sh | git hash-object --stdin)" step devices
judge "$result" devices
if [ -s "$result.tsv" ]; then
	grep 'PASS$' "$base.tsv" >"$tmp/base"
	grep -v -x -F -f "$result.tsv" "$tmp/base" |
		none "devices: what passes on the base ($(wc -l <"$tmp/base")) passes on the series"
	none 'devices: no report of lockdep or the like' <"$result.reports"
	sed 's/^/NOTE devices, on the base: /' "$base.reports"
fi

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: i915's mock selftests pass that pass on the base, and those of the series; no new report of lockdep
# On: x86-64 in QEMU (q35), base and series: i915 without a device, lockdep, two CPUs
# Takes: two kernels with i915, and two boots of some minutes for each
. "$(dirname "$0")/../lib/results.sh"

on_both '' step i915
judge "$result" i915
if [ -s "$result.tsv" ]; then
	for side in base series; do
		of=$result
		[ $side = series ] || of=$base
		printf 'i915 mock selftests, %-8s %4d passed %4d failed %4d reports\n' "$side" \
			"$(grep -c 'PASS$' "$of.tsv")" "$(grep -c -v 'PASS$' "$of.tsv")" \
			"$(grep -c . "$of.reports")"
	done
	lost_cases >"$tmp/lost"
	none "i915: what passes on the base ($(wc -l <"$tmp/base")) passes on the series" <"$tmp/lost"
	new_places | none 'i915: no report of lockdep or the like that the base does not have'
fi

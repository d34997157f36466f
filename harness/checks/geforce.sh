#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: nouveau on an emulated NV40 wakes who waits, survives clients, suspend and its own removal
# On: x86-64 in Bochs with its GeForce, base and series: lockdep, two CPUs
# Takes: not known, it has not been run to its end
. "$(dirname "$0")/../lib/results.sh"
run harness/geforce.sh needs && run harness/prereq.sh geforce || exit 2

on_both "$(cat harness/geforce/* "$BOCHS/bochs" | git hash-object --stdin)" step geforce
judge "$result" geforce
if [ -s "$result.tsv" ]; then
	awk -F '\t' '
		function cell(state, text) {
			return state != "PASS" && text ? state ": " text : text ? text : state
		}
		NR == FNR { base[$1] = cell($2, $3); next }
		FNR == 1 { printf "\n%-28s %-46s %s\n", "on an emulated NV40", "base", "series" }
		{ printf "%-28s %-46s %s\n", $1, ($1 in base ? base[$1] : "-"), cell($2, $3) }
		END { print "" }' "$base.tsv" "$result.tsv"
	cut -f 1,2 "$result.tsv" >"$tmp/series"
	cut -f 1,2 "$base.tsv" | grep 'PASS$' >"$tmp/base"
	grep -v -x -F -f "$tmp/series" "$tmp/base" |
		none "geforce: what passes on the base ($(wc -l <"$tmp/base")) passes on the series"
	awk -F '\t' '
		$3 !~ /^[0-9.]+ ms$/ { next }
		NR == FNR { base[$1] = $3 + 0; next }
		$1 in base && $3 + 0 > 2 * base[$1] + 2 { print $1 ": base " base[$1] " ms, series " $3 }
		' "$base.tsv" "$result.tsv" |
		none 'geforce: what takes time takes no more than 2 ms and twice that of the base'
	none 'geforce: no report of lockdep or the like' <"$result.reports"
	sed 's/^/NOTE geforce, on the base: /' "$base.reports"
fi

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What bench.sh measured becomes a table on standard output, CSV files and plots: bench-table.sh WHAT RUNS
. "$(dirname "$0")/lib/run.sh"
begin
what=$1
runs=$2
out=out/bench
table=$tmp/table

mkdir -p "$out"
awk '$3 == "nops/100" && $8 != 100 { print "100 instructions count as " $8 }
	$1 == "icount" || $1 == "wake" {
		what = $2 " " $3 " " $4
		run = $5
		$1 = $5 = ""
		if (run == 1)
			first[what] = $0
		else if (first[what] != $0)
			print what " differs from run to run"
	}' "$runs" >"$tmp/wrong"
[ ! -s "$tmp/wrong" ] || note "these counts are not exact: $(cat "$tmp/wrong")"

{
	echo 'machine,kind,row,side,run,min,p10,median,p90,max,samples'
	tr ' ' , <"$runs"
} >"$out/runs.csv"

# A row of the table is the median of the medians of the runs; its spread is that of the medians.
awk -f harness/bench/table.awk -v goals=harness/bench/goals -v csv="$out/bench.csv" "$runs" >"$table"
if [ "$what" = all ] || [ "$what" = quick ]; then
	{
		gcc --version | head -n 1
		awk -F , '$1 == "icount" && $2 ~ /^(count|time)$/ { print $3, $5, $8 }' "$out/bench.csv"
	} >"$out/counts"
fi
cat "$table"
if [ "$what" = all ]; then
	step plots gnuplot -e "out = '$out'" harness/bench/plots.gp ||
		die "cannot plot: $(first_error "$build/log/plots.log")"
fi
echo "figures: $out"

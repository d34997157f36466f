#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: no instruction count is worse, relative to the base, than harness/bench.recorded
# On: x86-64 in QEMU that counts instructions, base and series
# Takes: minutes: two small kernels for QEMU, two boots of each
. "$(dirname "$0")/../lib/results.sh"

run harness/bench.sh quick >"$tmp/table" || die "no counts: $(tail -n 1 "$tmp/table")"
cat "$tmp/table"
# Another compiler has other counts: its ratios may be a little worse.
slack=0.0005
if [ "$(head -n 1 out/bench/counts)" != "$(head -n 1 harness/bench.recorded)" ]; then
	echo "NOTE the record is from another compiler, $(head -n 1 harness/bench.recorded)"
	slack=0.05
fi
# Where tasks wait, the count has the scheduler's timer in it and is not the same each time.
awk -v slack=$slack 'FNR == 1 { next }
	NR == FNR { was[$1] = $3 / $2; next }
	!($1 in was) { print $1 " is not in harness/bench.recorded"; next }
	$3 / $2 > was[$1] + ($1 ~ /^wait/ ? 0.02 : slack) {
		printf "%s: %.3f, recorded %.3f\n", $1, $3 / $2, was[$1]
	}
	{ delete was[$1] }
	END { for (row in was) print row " is recorded and was not measured" }' \
	harness/bench.recorded out/bench/counts |
	none "bench: no count is worse, relative to the base's, than what is recorded"

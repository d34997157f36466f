#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the order between CPUs that the series relies on, and that each step of it is needed
# On: no kernel
# Takes: 15 seconds
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/proof.sh

git --git-dir="$repo" ls-tree -r --name-only "$series_top" Documentation/litmus-tests/dma-fence >"$tmp/tests"
if [ ! -s "$tmp/tests" ]; then
	skip 'the series has no litmus tests'
	exit 0
fi
run harness/herd.sh || exit 2
litmus_tree
while read -r file; do
	# checklitmus.sh forgives another result where there is a data race.
	if found=$(litmus "$file") && ! grep -q Forgiven "$tmp/judged"; then
		pass "litmus: $(basename "$file" .litmus): $found"
	else
		cat "$tmp/judged" "$tmp/litmus/$file.out" | fail "litmus: $(basename "$file" .litmus)"
	fi
done <"$tmp/tests"

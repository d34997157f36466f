#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: each misuse that lockdep is to report is reported, once
# On: the user-mode kernel big, a boot for each
# Takes: seconds for each boot after the build of the kernel
. "$(dirname "$0")/../lib/results.sh"

obj=$build/series/big
run harness/kunit.sh series big build || exit 2
kunit=$build/series/src/tools/testing/kunit/kunit.py
provoke="$kunit_smp --kernel_args=dma_fence_lockdep.provoke=1"
# shellcheck disable=SC2086 # words
python3 "$kunit" exec --build_dir="$obj" $provoke --list_tests 'dma-fence-lockdep.*' </dev/null |
	sed -n '/^dma-fence-lockdep\.st_provoke_/p' >"$tmp/cases"
if [ ! -s "$tmp/cases" ]; then
	skip 'the series has no suite dma-fence-lockdep'
	exit 0
fi
while read -r case <&3; do
	# shellcheck disable=SC2086 # words
	step "boot-$case" python3 "$kunit" exec --build_dir="$obj" --timeout=120 $provoke \
		--json="$tmp/case.json" "$case" 3<&-
	state=$(kunit_cases "$tmp/case.json" | awk -F '\t' -v c="$case" '$1 == c { print $2 }')
	reports "$obj/test.log" | grep -v 'turning off the locking' >"$tmp/reports"
	# A mutex where nobody may sleep is reported by might_sleep(), before lockdep does.
	due=1
	case $case in
	*.st_provoke_sleep*) due=2 ;;
	esac
	if [ "$state" = PASS ] && [ "$(wc -l <"$tmp/reports")" = $due ]; then
		pass "lockdep: $case, reports: $due"
	else
		{
			echo "the case: ${state:-no result}; reports: $(wc -l <"$tmp/reports")"
			cat "$tmp/reports"
		} | fail "lockdep: $case"
	fi
done 3<"$tmp/cases"

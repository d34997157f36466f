#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the suites pass, with what passes on the base among them; no new failure or report; exports
# On: the user-mode kernel big: lockdep, KASAN, nouveau, virtio-gpu, DRM, scheduler, TTM, vkms
# Takes: minutes: the largest kernel; twice that without a record of the base
. "$(dirname "$0")/../lib/results.sh"

on_both '' series kunit big
if [ ! -s "$result.tsv" ]; then
	fail 'drm: no result' </dev/null
	exit 0
fi
count pass "$(grep -c -P '\tPASS$' "$result.tsv")"
# Some of the scheduler's cases judge times, and this machine may be busy: once more, alone.
lost_cases >"$tmp/lost"
: >"$tmp/gone"
while read -r case <&3; do
	# shellcheck disable=SC2086 # words
	step "again-$case" python3 "$build/series/src/tools/testing/kunit/kunit.py" exec \
		--build_dir="$build/series/big" --timeout=300 $kunit_smp \
		--json="$tmp/again.json" "$(echo "$case" | cut -d . -f 1,2)" 3<&-
	if kunit_cases "$tmp/again.json" | grep -q -x -F "$case$(printf '\tPASS')"; then
		echo "NOTE $case failed at first, and passed when it was run again alone"
	else
		echo "$case" >>"$tmp/gone"
	fi
done 3<"$tmp/lost"
none "drm: what passes on the base ($(wc -l <"$tmp/base") cases) passes on the series" \
	<"$tmp/gone"
cut -f 1 "$base.tsv" | sort >"$tmp/old"
grep -v -P '\t(PASS|SKIP)$' "$result.tsv" | cut -f 1 | sort | comm -23 - "$tmp/old" |
	none 'drm: no new case fails'
# The scheduler's mock counts a job's time from when the one before was due. If a timer is late
# the test finds the job too short: that place judges times, and is none of the kernel's.
new_places | grep -v '/scheduler/tests/tests_scheduler.c:[0-9]* at drm_sched_client_work$' |
	none 'drm: no report that the base does not have'
exported big drivers/dma-buf/st- drivers/dma-buf/tests/ drivers/gpu/drm/nouveau/

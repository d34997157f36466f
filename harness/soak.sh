#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Boot the user-mode kernel again and again for MINUTES with the stress and the race suites, each time
# with another seed, until something is wrong: soak.sh. SOAK=um does without KASAN.
# A line a round. What went wrong stays in out/soak; status 1.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
minutes=${MINUTES:-10}
config=${SOAK:-big}
case $minutes in
*[!0-9]*) die "MINUTES is a number, not \"$minutes\"" ;;
esac
case $config in
um | big) ;;
*) die "SOAK is um or big, not \"$config\"" ;;
esac
begin
run harness/prereq.sh && run harness/base.sh || exit 2
series_commits
run harness/kunit.sh series "$config" build || exit 2
obj=$build/series/$config
rm -rf out/soak
mkdir -p out/soak

end=$(($(date +%s) + minutes * 60))
round=0
while [ "$(date +%s)" -lt "$end" ]; do
	round=$((round + 1))
	# Not 0, which is for a seed of the kernel's choice.
	seed=$(($(od -A n -N 4 -t u4 /dev/urandom) % 2000000000 + 1))
	# shellcheck disable=SC2086 # words
	step soak python3 "$build/series/src/tools/testing/kunit/kunit.py" exec --build_dir="$obj" \
		--timeout=300 $kunit_smp --kernel_args=dma_fence_kunit.seed=$seed \
		--kernel_args=dma_fence_kunit.stress_ms=20000 --json="$top/out/soak/result.json" \
		'dma-fence-s*' >/dev/null
	status=$?
	cp "$obj/test.log" out/soak/log
	kunit_cases out/soak/result.json >out/soak/cases 2>/dev/null
	reports out/soak/log >out/soak/reports
	printf 'round %d: %d s, %d cases, seed %s\n' $round "$seconds" \
		"$(awk -F '\t' '$2 == "PASS"' out/soak/cases | wc -l)" $seed
	if [ $status != 0 ] || [ ! -s out/soak/cases ] || [ -s out/soak/reports ]; then
		echo $seed >out/soak/seed
		awk -F '\t' '$2 != "PASS" && $2 != "SKIP" { print "failed: " $1 }' out/soak/cases
		sed 's/^/report: /' out/soak/reports
		[ "$seconds" -lt 300 ] || echo 'it did not end within 300 seconds'
		echo 'seed and log are in out/soak' >&2
		exit 1
	fi
done
echo "$round rounds, nothing wrong"

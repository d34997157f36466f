#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run the mock selftests of i915, which need no device: i915.sh series|plain
# The machine has no root file system: it ends with a panic after the tests, which the log is cut before.
# Results: out/i915-SIDE.{tsv,log,reports}. Status 1: a test failed.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
begin
side=$1
result=out/i915-$side
kernel_at "$side" i915
mkdir -p out
rm -f "$result".*
run harness/kunit.sh "$side" i915 build || exit 2

# In igt_evict_vm a counter of lockdep overflows, and lockdep turns itself off. So it has a boot for itself,
# after that of all others. The timeout is of each test that repeats itself until then, in ms.
boot() { # name of the step, which subtests
	emulate "$1" 1200 "$obj" "i915.mock_selftests=-1 i915.st_random_seed=1 i915.st_timeout=500 \
		i915.st_filter=$2 kunit.enable=0" -machine q35
	tr -d '\r' <"$build/log/$1.log" >"$tmp/boot"
	grep -q 'Brought up .* 2 CPUs' "$tmp/boot" || die "the kernel did not run on two CPUs: $build/log/$1.log"
	no_root='panic - not syncing: \(No working init\|VFS\)'
	grep -q "$no_root" "$tmp/boot" || echo 'The boot did not end.' >>"$tmp/boot"
	sed "/$no_root/,\$d" "$tmp/boot" >>"$result.log"
}
boot "boot-$side-i915" '!igt_evict_vm'
boot "boot-$side-i915-evict" igt_evict_vm

# A subtest is announced, and nothing says that it passed: so the one before it did. A test that failed is
# the last one, and so is one during which the kernel stopped: after the last there is the next suite, or
# the end of the log.
awk -v OFS='\t' '
	function done(state) {
		if (test)
			print test, state
		test = ""
	}
	/i915: Running [A-Za-z0-9_]+\/[A-Za-z0-9_]+$/ { done("PASS"); test = $NF }
	/i915\/[A-Za-z0-9_]+: [A-Za-z0-9_]+ failed with error / { done("FAIL") }
	/Kernel panic|Oops|kernel BUG at/ { done("CRASH") }
	/^The boot did not end/ { done("HANG") }
	END { done("PASS") }' "$result.log" >"$result.tsv"
reports "$result.log" >"$result.reports"
[ -s "$result.tsv" ] && ! grep -q -v 'PASS$' "$result.tsv"

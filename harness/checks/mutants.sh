#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: four mutants are caught
# On: the user-mode kernel big: lockdep and KASAN, two CPUs
# Takes: 150 CPU seconds after the build of the kernel
. "$(dirname "$0")/../lib/results.sh"

rm -f out/mutants.tsv
KUNIT=big run harness/mutants.sh core-dispatching-early core-add-no-look array-leak nouveau-event-leak >/dev/null
[ -s out/mutants.tsv ] || die "no result of the mutants, see $build/log"
while IFS="$(printf '\t')" read -r name what state time; do
	case $state in
	[A-Z]*) echo "$what: $state" | fail "mutants: $name" ;;
	*) pass "mutants: $name: $state ($time s)" ;;
	esac
done <out/mutants.tsv

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run one check and keep its counts in build/results: check.sh NAME. Status 0, whatever it found.
. "$(dirname "$0")/lib/run.sh"
begin
mkdir -p "$build/results"
COUNTS=$build/results/$1
export COUNTS
: >"$COUNTS"
began=$(date +%s)
run "harness/checks/$1.sh"
if [ "$run_rc" -gt 1 ]; then
	echo "FAIL $1 ended early, status $run_rc    (alone: make test-$1)"
	echo 'fail 1' >>"$COUNTS"
elif [ ! -s "$COUNTS" ]; then
	echo "FAIL $1 checked nothing    (alone: make test-$1)"
	echo 'fail 1' >>"$COUNTS"
fi
count_cpu
printf '%s %s\n' seconds $(($(date +%s) - began)) cpu "$cpu" >>"$COUNTS"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the last commit compiles without a message, and its suites pass
# On: the base, or BASE; x86-64 and arm64 allmodconfig, and the user-mode kernel of make
# Takes: as make, and the files of the series
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh

series="the series for ${variant:-$kernel}"
pass "$series applies"
at_step "$series_top"
touched base "$series_top" | objects_of >"$tmp/touched"
: >"$tmp/said"
for where in x86 arm64; do
	for_compiler $where <"$tmp/touched" >"$tmp/$where"
	compile $where "state-$where" "$tmp/$where" ||
		grep -E 'error|\*\*\*' "$build/log/state-$where.log" >>"$tmp/said"
	warnings "state-$where" >>"$tmp/said"
	(cd "$build/step/$where" && xargs ls <"$tmp/$where" 2>&1 >/dev/null) >>"$tmp/said"
done
none "$series: $(wc -l <"$tmp/touched") C files compile, and none is left out" <"$tmp/said"
suites um

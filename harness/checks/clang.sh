#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: clang has no warning that the base does not have, and every C file of the series was compiled
# On: x86-64 and arm64 allmodconfig, compiled only
# Takes: minutes: a preparation of allmodconfig, and the files of the series
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh

at_step "$series_top"
touched base "$series_top" | objects_of >"$tmp/touched"
for_compiler x86 <"$tmp/touched" >"$tmp/x86"
for_compiler arm64 <"$tmp/touched" >"$tmp/arm64"
compile clang clang "$tmp/x86" W=1 || grep -E 'error|\*\*\*' "$build/log/clang.log"
compile arm64 arm64 "$tmp/arm64" W=1 || grep -E 'error|\*\*\*' "$build/log/arm64.log"
{
	(cd "$build/step/clang" && xargs ls <"$tmp/x86" 2>&1 >/dev/null)
	(cd "$build/step/arm64" && xargs ls <"$tmp/arm64" 2>&1 >/dev/null)
} | none "each of the $(wc -l <"$tmp/touched") C files that the series touches is compiled"
warnings clang | sort -u >"$tmp/warn.clang"
: >"$tmp/base.warnings"
if [ -s "$tmp/warn.clang" ]; then
	base_says clang clang-base "$tmp/x86" W=1
fi
sort -u "$tmp/base.warnings" | comm -13 - "$tmp/warn.clang" |
	none 'clang says nothing that the base does not have'

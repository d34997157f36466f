#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: each part compiles on the base and the parts that it needs, without the others
# On: x86-64 and arm64 allmodconfig, compiled only
# Takes: not measured; minutes after test-commits, which compiles for the same directories
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh
. harness/lib/parts.sh

# Part, the commit below it, and its last one.
fixed_identity
read_parts
for part in $(parts); do
	# shellcheck disable=SC2046 # words
	below=$(commit_parts "$repo" "$(git --git-dir="$repo" rev-parse base)" 'the base' $(part_base "$part")) || exit 2
	end=$(commit_parts "$repo" "$below" "what $part needs" "$part") || exit 2
	echo "$part $below $end"
done >"$tmp/ends" || exit 2

at_step "$series_top"
touched base "$series_top" >"$tmp/touched"
for where in x86 arm64; do
	for_compiler $where <"$tmp/touched" | objects_of >"$tmp/objects"
	compile $where "parts-$where" "$tmp/objects"
	commands "$where" >"$tmp/commands.$where"
done
while read -r part below end; do
	at_step "$end"
	touched "$below" "$end" >"$tmp/files"
	: >"$tmp/errors"
	for where in x86 arm64; do
		for_compiler $where <"$tmp/files" >"$tmp/files.$where"
		[ -s "$tmp/files.$where" ] || continue
		replay $where "$where-$part" "$tmp/files.$where"
		grep -E 'error: ' "$build/log/$where-$part.log" >>"$tmp/errors"
	done
	none "$part compiles on what it needs" <"$tmp/errors"
done <"$tmp/ends"

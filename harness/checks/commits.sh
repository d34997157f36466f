#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: each commit compiles, in order, without a warning that the base does not have (W=1)
# On: x86-64 and arm64 allmodconfig, compiled only
# Takes: minutes: a preparation of allmodconfig, the files of the series, then those of each commit
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh

commits() {
	git --git-dir="$repo" rev-list --reverse "base..$series_top"
}

number=0
for commit in $(commits); do
	number=$((number + 1))
	touched "$commit" >"$tmp/touched.$number"
	: >"$tmp/new.$number"
done
at_step "$series_top"
touched base "$series_top" >"$tmp/touched"
for where in x86 arm64; do
	for_compiler $where <"$tmp/touched" | objects_of >"$tmp/objects"
	[ $where = arm64 ] || echo drivers/dma-buf/ >>"$tmp/objects"
	compile $where "commits-$where" "$tmp/objects" W=1
	commands "$where" >"$tmp/commands.$where"
done
for where in x86 arm64; do
	number=0
	: >"$tmp/warn"
	for commit in $(commits); do
		number=$((number + 1))
		: >"$tmp/warn.$number"
		for_compiler $where <"$tmp/touched.$number" >"$tmp/files"
		# A header of ours: all of drivers/dma-buf that is there, which uses each of them.
		if [ $where = x86 ] && git --git-dir="$repo" diff-tree -r --name-only "$commit" |
		   grep -q '^include/'; then
			git --git-dir="$repo" ls-tree -r --name-only "$commit" drivers/dma-buf/ >"$tmp/there"
			cut -f 1 "$tmp/commands.x86" | sort | comm -12 - "$tmp/there" >>"$tmp/files"
		fi
		[ -s "$tmp/files" ] || continue
		at_step "$commit"
		replay $where "$where-$number" "$tmp/files"
		warnings "$where-$number" | sort -u >"$tmp/warn.$number"
		if [ -s "$tmp/warn.$number" ]; then
			objects_of <"$tmp/files" >>"$tmp/warn"
		fi
	done
	: >"$tmp/base.warnings"
	if [ -s "$tmp/warn" ]; then
		sort -u -o "$tmp/warn" "$tmp/warn"
		base_says $where "$where-base" "$tmp/warn" W=1
	fi
	sort -u "$tmp/base.warnings" >"$tmp/known"
	number=0
	for commit in $(commits); do
		number=$((number + 1))
		comm -23 "$tmp/warn.$number" "$tmp/known" >>"$tmp/new.$number"
	done
done
number=0
for commit in $(commits); do
	number=$((number + 1))
	none "commit $number compiles without new warnings: $(git --git-dir="$repo" show -s --format=%s "$commit")" <"$tmp/new.$number"
done

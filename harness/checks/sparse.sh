#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: sparse says nothing that the base does not have
# On: x86-64 and arm64 allmodconfig, compiled only
# Takes: minutes: the files of the series, and what of them warns on the base
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh

run harness/sparse.sh || exit 2
git --git-dir="$repo" diff-tree -r --name-only base "$series_top" >"$tmp/ours"
touched base "$series_top" | objects_of >"$tmp/touched"
for where in x86 arm64; do
	at_step "$series_top"
	for_compiler $where <"$tmp/touched" >"$tmp/objects"
	[ $where = arm64 ] || echo drivers/dma-buf/ >>"$tmp/objects"
	# Of each object in one piece, so that a warning is below the file that it came from.
	compile $where "sparse-$where" "$tmp/objects" -O W=1 C=2 CHECK="$build/sparse/sparse" ||
		die "cannot compile for sparse: $(first_error "$build/log/sparse-$where.log")"
	grep -q '^  CHECK ' "$build/log/sparse-$where.log" ||
		die "sparse did not run: $(first_error "$build/log/sparse-$where.log")"
	warnings "sparse-$where" | grep -v '\[-W' >"$tmp/sparse.top"
	awk '$1 == "CHECK" { file = $2 } / (warning|error): / && !/\[-W/ { print file }' \
		"$build/log/sparse-$where.log" | grep '^drivers/' | sort -u | objects_of >"$tmp/warn"
	: >"$tmp/base.warnings"
	if [ -s "$tmp/warn" ]; then
		# What the base says about headers that only new files of the series include.
		[ "$where" = arm64 ] || echo drivers/gpu/drm/nouveau/nvif/object.o >>"$tmp/warn"
		base_says "$where" "sparse-$where-base" "$tmp/warn" W=1 C=2 CHECK="$build/sparse/sparse"
	fi
	grep -v '\[-W' "$tmp/base.warnings" >"$tmp/sparse.base"
	# A header that the series does not touch says it once for each file that includes it.
	awk -F : -v ours="$tmp/ours" 'BEGIN { while ((getline f <ours) > 0) our[f] = 1 }
		!($1 in our)' "$tmp/sparse.base" | sort -u >"$tmp/known"
	comm -13 "$tmp/sparse.base" "$tmp/sparse.top" | grep -v -x -F -f "$tmp/known" |
		none "sparse for $where on $(wc -l <"$tmp/objects") files: nothing that the base does not have"
done

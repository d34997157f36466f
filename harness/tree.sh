#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build/tree: the base and one commit a patch, on the branch "series".
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
run harness/prereq.sh && run harness/base.sh || exit 2
what=$(unsaved "$build") && die "$what"
need_disk "$build" 2000 "build/tree"
series_commits
checkout "$build/tree" "$series_top"
git -C "$build/tree" checkout -q -B series "$series_top" || exit 2
git --git-dir="$repo" update-ref refs/harness/saved "$series_top" || exit 2
series_hash >"$build/tree.state"
echo "${build#"$top"/}/tree: $(patches | wc -l) commits on base, branch series"

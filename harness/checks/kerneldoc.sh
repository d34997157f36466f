#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: kernel-doc says nothing that the base does not have
# On: the sources of base and series
# Takes: 5 seconds
. "$(dirname "$0")/../lib/results.sh"

# The compilers' logs have it with W=1, but only of C files, and not in the form of a warning of theirs.
git --git-dir="$repo" diff-tree -r --no-renames --name-only --diff-filter=d base "$series_top" -- \
	drivers include | grep '\.[ch]$' >"$tmp/files"
for commit in base "$series_top"; do
	git --git-dir="$repo" ls-tree -r --name-only "$commit" | sort | comm -12 - "$tmp/files" >"$tmp/there"
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	{
		echo tools/docs
		echo tools/lib/python
		cat "$tmp/there"
	} | tr '\n' '\0' | xargs -0 git --git-dir="$repo" archive "$commit" -- | tar x -C "$tmp/tree"
	env -C "$tmp/tree" PYTHONDONTWRITEBYTECODE=1 xargs -a "$tmp/there" python3 tools/docs/kernel-doc -none \
		>"$tmp/said" 2>&1
	[ $? -le 3 ] || tail -n 3 "$tmp/said" | fail "kernel-doc runs on $commit"
	sed 's/:[0-9][0-9]* /: /' "$tmp/said" | sort -u >"$tmp/doc.$commit"
done
comm -13 "$tmp/doc.base" "$tmp/doc.$series_top" |
	none "kernel-doc says nothing of $(wc -l <"$tmp/files") files that the base does not have"

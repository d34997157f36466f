#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build the kernel's driver-api book as HTML, with the kernel's own setup, in out/docs. Status 1: a
# file that the series brings or touches has a warning that the base does not have.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
run harness/prereq.sh && run harness/prereq.sh docs && run harness/base.sh || exit 2
need_disk "$build" 3000 'the documentation'
series_commits
src=$build/step/src

book() { # name of the step, commit, output
	checkout "$src" "$2"
	step "$1" make -C "$src" SPHINXDIRS=driver-api BUILDDIR="$3" htmldocs ||
		die "cannot build the documentation: $(first_error "$build/log/$1.log")"
}

# Warnings that name a file of the series; pages are named without .rst.
warnings() { # name of the step
	git --git-dir="$repo" diff-tree -r --name-only base "$series_top" | sed 's/\.rst$//' >"$tmp/ours"
	grep -E '(WARNING|ERROR|CRITICAL|SEVERE):' "$build/log/$1.log" | grep -F -f "$tmp/ours" |
		sed -e "s,$src/,,g" -e 's/:[0-9][0-9]*\([ :]\)/\1/g' | sort -u
}

# The base says the same as long as it is the same, for the same Sphinx.
state="$(cat "$build/base") $(sphinx-build --version)"
if [ "$(cat "$build/docs.base" 2>/dev/null)" != "$state" ]; then
	rm -rf "$build/docs"
	book docs-base base "$build/docs"
	rm -rf "$build/docs"
	echo "$state" >"$build/docs.base"
fi
rm -rf out/docs
book docs "$series_top" "$top/out/docs"
checkout "$src" base

page=out/docs/driver-api/dma-buf.html
[ -s "$page" ] || die "no page: $page"
warnings docs-base >"$tmp/old"
warnings docs | comm -13 "$tmp/old" - >"$tmp/new"
echo "$page: $(wc -l <"$tmp/new") new warnings"
cat "$tmp/new"
[ ! -s "$tmp/new" ]

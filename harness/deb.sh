#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The series as patches of a Debian kernel source package, in out/deb, tried with quilt: our base is
# what the source package is after all patches of Debian's. BASE=7.2 is for that kernel.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
run harness/prereq.sh && run harness/prereq.sh deb && run harness/base.sh || exit 2
series_commits
out=out/${variant:+$variant-}deb
place=features/all/dma-fence
mkdir -p "$tmp/deb/$place" "$tmp/tree" "$tmp/result"

git --git-dir="$repo" format-patch -q -N --no-renames --no-signature -o "$tmp/deb/$place" \
	"base..$series_top" || exit 2
# A variant that has nothing to do is an empty file.
find "$tmp/deb/$place" -size 0 -delete
(cd "$tmp/deb" && printf '%s\n' "$place"/*.patch >series) || exit 2

# Only the files that the series touches.
git --git-dir="$repo" diff-tree -r --name-only base "$series_top" | tr '\n' '\0' >"$tmp/names"
git --git-dir="$repo" diff-tree -r --name-only --diff-filter=MD base "$series_top" | tr '\n' '\0' |
	xargs -0 git --git-dir="$repo" archive base -- | tar x -C "$tmp/tree"
(cd "$tmp/tree" && QUILT_PATCHES="$tmp/deb" quilt --quiltrc=/dev/null push -a --fuzz=0) >"$tmp/quilt" 2>&1 ||
	die "quilt: $(grep -m 1 -E 'FAILED|fuzz|does not apply' "$tmp/quilt" || tail -n 1 "$tmp/quilt")"
rm -rf "$tmp/tree/.pc"
xargs -0 git --git-dir="$repo" archive "$series_top" -- <"$tmp/names" | tar x -C "$tmp/result"
diff -r "$tmp/tree" "$tmp/result" >"$tmp/differ" || die "quilt made another tree: $(head -n 1 "$tmp/differ")"

rm -rf "$out"
mkdir -p "$out/debian/patches" && mv "$tmp/deb/features" "$out/debian/patches/" &&
	mv "$tmp/deb/series" "$out/debian/patches/series.dma-fence" || exit 2
echo "$out: $(wc -l <"$out/debian/patches/series.dma-fence") patches for $(cat "$build/base"), quilt applies them without fuzz"

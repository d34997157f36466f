#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Get the kernel that the series is for: Debian's package, unpacked and committed once.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin

[ ! -s "$build/base" ] || exit 0
[ ! -e "$build/tree" ] || die "build/tree is there, but the base that it is made from is not"

package=linux-source-${variant:-$kernel}
need_disk "$build" 6000 "the base and a build of it"
run harness/package.sh "$package" "$tmp/package" || exit 2
version=$(sed -n 1p "$tmp/package")
deb=$(sed -n 2p "$tmp/package")

# Nothing of the user's can be here yet: build/tree needs build/base, which is written last.
src=$build/series/src
rm -rf "$repo" "$build/series" "$build/step" "$build/series.state"
init_repo
fixed_identity
empty=$(git --git-dir="$repo" mktree </dev/null) &&
	git --git-dir="$repo" tag base "$(echo empty | git --git-dir="$repo" commit-tree "$empty")" &&
	git --git-dir="$repo" worktree add -q --detach "$src" base || exit 2
# shellcheck disable=SC2016 # expanded by the inner shell
step unpack sh -c 'dpkg-deb --fsys-tarfile "$1" | tar xO "./usr/src/$2.tar.xz" |
	tar xJ -C "$3" --strip-components=1' unpack "$deb" "$package" "$src" ||
	die "cannot unpack $package $version: $(first_error "$build/log/unpack.log")"
[ -f "$src/MAINTAINERS" ] || die "no kernel in $package $version"
step commit-base git -C "$src" add -A -f . ||
	die "cannot commit the base: $(first_error "$build/log/commit-base.log")"
git --git-dir="$repo" config --unset core.bigFileThreshold
tree=$(git -C "$src" write-tree) &&
	base=$(echo "$package $version" | git -C "$src" commit-tree "$tree") &&
	git -C "$src" tag -f base "$base" >/dev/null &&
	git -C "$src" reset -q --soft base || exit 2
echo "$package $version" >"$tmp/base" && mv "$tmp/base" "$build/base"

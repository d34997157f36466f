#!/bin/sh
# Get the kernel that the series is for: Debian's package, unpacked and committed once.
# The mirror is the one that the machine's own apt uses; lists, cache and state are private.
. "$(dirname "$0")/lib.sh"
begin

[ ! -s "$build/base" ] || exit 0
[ ! -e "$build/tree" ] || die "build/tree is there, but the base that it is made from is not"

find_mirror
need_disk "$build" 6000 "the base and a build of it"

version=
tried=
for suite in trixie-backports sid experimental; do
	tried="$tried $suite"
	private_apt "lists-$suite" "$suite" apt-get update -q -o APT::Update::Error-Mode=any ||
		die "no lists of $suite from $mirror: $(first_error "$build/log/lists-$suite.log")"
	private_apt "version-$suite" "$suite" apt-cache madison "$package" || exit 2
	version=$(awk -F ' *[|] *' 'NR == 1 { print $2 }' "$build/log/version-$suite.log")
	[ -z "$version" ] || break
done
[ -n "$version" ] || die "no package $package at $mirror in:$tried"

mkdir -p "$tmp/deb"
cd "$tmp/deb" || exit 2
private_apt download "$suite" apt-get download -q "$package=$version" ||
	die "no $package $version from $mirror $suite: $(first_error "$build/log/download.log")"
cd "$top" || exit 2

# Nothing of the user's can be here yet: build/tree needs build/base, which is written last.
src=$build/series/src
rm -rf "$repo" "$build/series" "$build/step" "$build/series.state"
git init -q --bare "$repo" || exit 2
for setting in gc.auto=0 core.compression=1 core.bigFileThreshold=1 core.autocrlf=false; do
	git --git-dir="$repo" config "${setting%=*}" "${setting#*=}" || exit 2
done
fixed_identity
empty=$(git --git-dir="$repo" mktree </dev/null) &&
	git --git-dir="$repo" tag base "$(echo empty | git --git-dir="$repo" commit-tree "$empty")" &&
	git --git-dir="$repo" worktree add -q --detach "$src" base || exit 2
# shellcheck disable=SC2016 # expanded by the inner shell
step unpack sh -c 'dpkg-deb --fsys-tarfile "$1"/*.deb | tar xO "./usr/src/$2.tar.xz" |
	tar xJ -C "$3" --strip-components=1' unpack "$tmp/deb" "$package" "$src" ||
	die "cannot unpack $package $version: $(first_error "$build/log/unpack.log")"
rm -rf "$tmp/deb"
[ -f "$src/MAINTAINERS" ] || die "no kernel in $package $version"
step commit-base git -C "$src" add -A -f . ||
	die "cannot commit the base: $(first_error "$build/log/commit-base.log")"
git --git-dir="$repo" config --unset core.bigFileThreshold
tree=$(git -C "$src" write-tree) &&
	base=$(echo "$package $version" | git -C "$src" commit-tree "$tree") &&
	git -C "$src" tag -f base "$base" >/dev/null &&
	git -C "$src" reset -q --soft base || exit 2
echo "$package $version" >"$tmp/base" && mv "$tmp/base" "$build/base"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tree in $KDIR as the base, in build/kdir, for "make KDIR=". Nothing is written to $KDIR: of a git tree
# the objects are borrowed, and HEAD is the base; another is copied, and must not have been built in place.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
use_kdir "${KDIR-}"
need_disk "$build" 6000 "a copy of $kdir and a build of it"

if [ "$(cat "$build/kdir" 2>/dev/null)" != "$kdir" ]; then
	find "$build" -mindepth 1 -maxdepth 1 ! -name lock ! -name 'tmp.*' -exec rm -rf {} +
	init_repo
	echo "$kdir" >"$build/kdir"
fi
fixed_identity
if [ -e "$kdir/.git" ]; then
	objects=$(git -C "$kdir" rev-parse --git-path objects) || die "$kdir is no git tree that you can read"
	case $objects in
	/*) ;;
	*) objects=$kdir/$objects ;;
	esac
	echo "$objects" >"$repo/objects/info/alternates"
	[ -z "$(git --no-optional-locks -C "$kdir" status --porcelain --untracked-files=no)" ] ||
		note "$kdir has uncommitted edits: HEAD is taken, without them"
	tree=$(git -C "$kdir" rev-parse 'HEAD^{tree}') || die "$kdir has no commit"
	what=$(git -C "$kdir" describe --always HEAD)
else
	if [ -e "$kdir/.config" ] || [ -e "$kdir/include/config" ]; then
		die "$kdir was built in place: make mrproper there first, or take a git tree"
	fi
	# All files: the .gitignore of Debian's sources has everything.
	GIT_INDEX_FILE=$build/index
	export GIT_INDEX_FILE
	step commit-base git --git-dir="$repo" --work-tree="$kdir" -C "$kdir" add -A -f . ||
		die "cannot copy $kdir: $(first_error "$build/log/commit-base.log")"
	tree=$(git --git-dir="$repo" write-tree) || exit 2
	what="Linux $version"
	unset GIT_INDEX_FILE
	git --git-dir="$repo" config core.bigFileThreshold 512m
fi
base=$(echo base | git --git-dir="$repo" commit-tree "$tree") &&
	git --git-dir="$repo" tag -f base "$base" >/dev/null || exit 2
echo "$variant" >"$build/variant"
echo "$kdir $what" >"$build/base"
# So that another tree of the same name is another series.
echo "$tree" >>"$build/base"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: each mail has a recipient; git am takes the mails and gives the tree of the series; it takes each part
# on the untouched base and what the part needs, without the others
# On: the base; the newest kernel of each directory in series/, of which only the edited files are unpacked
# Takes: 8 minutes on two cores that other builds shared
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/parts.sh

somebody='-c user.name=test -c user.email=test@localhost -c commit.gpgsign=false'

# Each part by git am on a base, after what it needs and nothing else. What was done for one part is done for
# those that begin alike.
am_parts() { # working tree, directory of mails, name of the base
	begin=$(git -C "$1" rev-parse HEAD)
	read_parts
	: >"$tmp/steps"
	for part in $(parts); do
		commit=$begin
		: >"$tmp/am.log"
		for step in $(part_base "$part") "$part"; do
			next=$(sed -n "s/^$commit $step //p" "$tmp/steps")
			if [ -z "$next" ]; then
				git -C "$1" checkout -q --force --detach "$commit" || exit 2
				# shellcheck disable=SC2086 # words
				if ! git -C "$1" $somebody am -q --empty=drop "$2"/[0-9][0-9]-"$step"/*.patch \
					>>"$tmp/am.log" 2>&1; then
					git -C "$1" am --abort
					echo "$step does not apply" >>"$tmp/am.log"
					break
				fi
				next=$(git -C "$1" rev-parse HEAD)
				echo "$commit $step $next" >>"$tmp/steps"
			fi
			commit=$next
		done
		none "git am of $part onto $3 and what it needs" <"$tmp/am.log"
	done
}

# A full index, and only the edited files in the working tree.
am=$tmp/am
git --git-dir="$repo" worktree add -q --no-checkout --detach "$am" base || exit 2
git -C "$am" read-tree base
OUT=$tmp/mail KDIR='' SIGNOFF='' harness/series.sh >/dev/null || exit 2
grep -L '^To: ' "$tmp"/mail/*/*.patch | none 'each mail has somebody to go to'
series_edits | git -C "$am" checkout-index --stdin 2>/dev/null
# As the README says it, with the cover letter.
# shellcheck disable=SC2086 # words
if git -C "$am" $somebody am --empty=drop "$tmp"/mail/*/*.patch >"$tmp/am.log" 2>&1 &&
   [ "$(git -C "$am" rev-parse 'HEAD^{tree}')" = \
     "$(git --git-dir="$repo" rev-parse "$series_top^{tree}")" ]; then
	pass 'git am of the mail onto the untouched base gives the tree of the series'
else
	fail 'git am of the mail onto the untouched base' <"$tmp/am.log"
fi
git -C "$am" checkout-index -q scripts/get_maintainer.pl
mkdir "$tmp/parted.tree"
series_edits >"$tmp/edits"
git --git-dir="$repo" ls-tree -r --name-only base | sort | comm -12 - "$tmp/edits" | tr '\n' '\0' |
	xargs -0 git --git-dir="$repo" archive base -- | tar x -C "$tmp/parted.tree"
# shellcheck disable=SC2086 # words
git -C "$tmp/parted.tree" init -q && git -C "$tmp/parted.tree" add -A -f . &&
	git -C "$tmp/parted.tree" $somebody commit -q -m base && am_parts "$tmp/parted.tree" "$tmp/mail" 'the base'
# By an entry for the file, not by words in it; lists and reviewers do not count.
# shellcheck disable=SC2016 # expanded by the inner shell
series_brings | (cd "$am" && xargs -P "$jobs" -I {} sh -c 'perl scripts/get_maintainer.pl \
	--no-tree --nogit --nogit-fallback --nokeywords --nol --nor -f "$1" 2>&1 | grep -q "@" ||
	echo "$1"' who {}) | none 'MAINTAINERS has an entry for each new file'
rm -rf "$am"
git --git-dir="$repo" worktree prune

# The newest Linux 7.2 that Debian has, as a tree of one's own: the edited files of it are enough. Without
# scripts/get_maintainer.pl the mails are to nobody.
for directory in series/[0-9]*/; do
	other=$(basename "$directory")
	package=linux-source-$other
	run harness/package.sh "$package" "$tmp/package" >/dev/null
	if [ "$run_rc" = 3 ]; then
		skip "apply: the mirror has no $package"
		continue
	fi
	[ "$run_rc" = 0 ] || exit 2
	version=$(sed -n 1p "$tmp/package")
	tree=$tmp/$other
	mkdir -p "$tree"
	{
		printf '%s\n' Makefile Kbuild Kconfig include/linux/dma-fence.h
		variant=$other series_edits
	} | sed "s,^,$package/," >"$tmp/wanted"
	# Some of the files came later; tar says so.
	dpkg-deb --fsys-tarfile "$(sed -n 2p "$tmp/package")" | tar xO "./usr/src/$package.tar.xz" |
		tar xJ -C "$tree" --strip-components=1 -T "$tmp/wanted" 2>"$tmp/tar.log"
	{
		# shellcheck disable=SC2086 # words
		git -C "$tree" init -q && git -C "$tree" add -A -f . &&
			git -C "$tree" $somebody commit -q -m base && git -C "$tree" tag base &&
			OUT=$tmp/mail-$other KDIR=$tree SIGNOFF='' harness/series.sh &&
			git -C "$tree" $somebody am --empty=drop "$tmp/mail-$other"/*/*.patch
	} >"$tmp/am.log" 2>&1 || echo 'git am failed' >>"$tmp/am.log"
	variant=$other series_brings | while read -r file; do
		cmp "$file" "$tree/$file" 2>&1
	done >>"$tmp/am.log"
	if grep -q -E '^(git am failed|cmp: |.* differ: )' "$tmp/am.log"; then
		tail -n 20 "$tmp/am.log" | fail "git am of the mail onto Linux $version"
	else
		pass "git am of the mail onto Linux $version"
		git -C "$tree" checkout -q base && variant=$other && am_parts "$tree" "$tmp/mail-$other" "Linux $version"
		variant=
	fi
done

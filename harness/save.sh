#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The commits of a tree, base to HEAD, become series/ and our files. With BASE=7.2 those that differ
# from the patches of series/ become series/7.2/.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
case ${TREE-} in
'') tree=$build/tree ;;
/*) tree=$TREE ;;
*) tree=$start_dir/$TREE ;;
esac
our_dirs='drivers include Documentation tools scripts'
in_tree() {
	git -C "$tree" "$@"
}

[ -e "$tree/.git" ] || die "no tree to save at $tree: make tree first"
in_tree rev-parse -q --verify 'base^{commit}' >/dev/null || die "$tree has no commit named base"
[ -z "$(in_tree status --porcelain --untracked-files=all)" ] ||
	die "$tree has uncommitted edits: commit them first"
if [ -z "${TREE-}$variant" ] && [ "$(cat "$build/tree.state")" != "$(series_hash)" ]; then
	die "series/ changed since make tree: it would be overwritten"
fi
in_tree merge-base --is-ancestor base HEAD || die "HEAD of $tree does not start from base"
[ -z "$(in_tree rev-list --merges base..HEAD)" ] || die "there are merges between base and HEAD"

# Does the patch of series/ that comes here do what a commit does? If not, keep the commit's as its
# variant; before the first one, as one that only the variant has.
keep_variant() { # commit, its patch
	title=$(in_tree show -s --format=%s "$1")
	of=$(variant='' patches | sed -n "$((number - extras))p")
	if [ "$(sed -n '1s/^Subject: //p' "${of:-/dev/null}")" != "$title" ]; then
		[ "$number" = $((extras + 1)) ] || die "\"$title\" comes where ${of:-nothing} should"
		extras=$number
		mv "$2" "$new/series/$variant/0000-$number-$(basename "$2" | cut -d - -f 2-)"
		return
	fi
	patch_brings "$of" | diff - "$tmp/brings" >/dev/null || die "\"$title\" brings other files than $of"
	while read -r file; do
		cmp -s "$new/$file" "$file" || die "\"$title\" brings a $file that differs: make it fit both"
	done <"$tmp/brings" || exit 2
	if ! (
		patch_message "$of" | cmp -s - "$tmp/message" || exit 1
		patch_diff "$of" >"$tmp/diff"
		[ -s "$tmp/diff" ] || exit 0
		GIT_INDEX_FILE=$tmp/index
		export GIT_INDEX_FILE
		in_tree read-tree "$1^" && in_tree apply --cached --whitespace=nowarn "$tmp/diff" 2>/dev/null &&
			patch_edits "$of" | tr '\n' '\0' | xargs -0 git -C "$tree" diff --cached --quiet "$1" --
	); then
		mv "$2" "$new/series/$variant/${of##*/}"
	fi
}

new=$tmp/new
mkdir -p "$new/series${variant:+/$variant}"
: >"$tmp/brought"
number=0
extras=0
in_tree rev-list --reverse base..HEAD >"$tmp/commits"
while read -r commit; do
	number=$((number + 1))
	title=$(in_tree show -s --format='%h ("%s")' "$commit")
	in_tree show -s --format=%B "$commit" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$tmp/message"
	if grep -q -E '^(---$|diff --git )' "$tmp/message"; then
		die "$title has a line in its message that begins the patch"
	fi
	if grep -q '^Signed-off-by:' "$tmp/message"; then
		die "$title has a sign-off: make series SIGNOFF=1 adds it"
	fi
	: >"$tmp/brings"
	: >"$tmp/edits"
	in_tree diff-tree -r --no-renames --name-only --no-commit-id "$commit" >"$tmp/names"
	while read -r file; do
		if in_tree cat-file -e "base:$file" 2>/dev/null; then
			echo "$file" >>"$tmp/edits"
			continue
		fi
		by=$(sed -n "s|^$file	||p" "$tmp/brought")
		[ -z "$by" ] || die "$title changes $file: fold it into $by, the commit that brings it"
		case " $our_dirs " in
		*" ${file%%/*} "*) ;;
		*) die "$title brings $file, outside of: $our_dirs" ;;
		esac
		printf '%s\t%s\n' "$file" "$title" >>"$tmp/brought"
		echo "$file" >>"$tmp/brings"
		mkdir -p "$new/$(dirname "$file")"
		in_tree cat-file blob "$commit:$file" >"$new/$file" || exit 2
		case $(in_tree ls-tree "$commit" -- "$file") in
		100755*) chmod +x "$new/$file" ;;
		esac
	done <"$tmp/names" || exit 2
	patch=$new/series/$(printf %04d $number)-$(in_tree show -s --format=%f "$commit" | cut -c1-52).patch
	{
		sed '1s/^/Subject: /' "$tmp/message"
		echo ---
		sed 's/^/Brings: /' "$tmp/brings"
		if [ -s "$tmp/edits" ]; then
			if [ -s "$tmp/brings" ]; then
				echo
			fi
			tr '\n' '\0' <"$tmp/edits" | xargs -0 git -C "$tree" diff-tree -p -r \
				--no-commit-id --no-renames --no-ext-diff --no-textconv --no-color -U3 \
				--indent-heuristic --diff-algorithm=myers --full-index --binary \
				--src-prefix=a/ --dst-prefix=b/ "$commit" -- | sed '/^index [0-9a-f]/d'
		fi
	} >"$patch"
	if [ -n "$variant" ]; then
		keep_variant "$commit" "$patch"
	fi
done <"$tmp/commits" || exit 2

# All is well: files that are no longer brought go, the rest is put in place.
if [ -n "$variant" ]; then
	[ $((number - extras)) = "$(variant='' patches | wc -l)" ] || die "$tree has not all patches"
	find "series/$variant" -type f | sort >"$tmp/old"
	(cd "$new" && find "series/$variant" -type f) | sort >"$tmp/files"
else
	{
		patches
		series_brings
	} | sort >"$tmp/old"
	(cd "$new" && find . -type f) | sed 's,^\./,,' | sort >"$tmp/files"
	# Variants follow patches that get another number.
	for file in series/*/[0-9][0-9][0-9][0-9]-*.patch; do
		number_of=$(cd "$new/series" && echo [0-9][0-9][0-9][0-9]-"$(basename "$file" | cut -d - -f 2-)")
		if [ -f "$new/series/$number_of" ] && [ ! -f "${file%/*}/$number_of" ]; then
			mv "$file" "${file%/*}/$number_of"
			echo "renamed: ${file%/*}/$number_of"
		fi
	done
fi
while read -r file; do
	if ! cmp -s "$new/$file" "$file" || { [ -x "$new/$file" ] && [ ! -x "$file" ]; } ||
	   { [ ! -x "$new/$file" ] && [ -x "$file" ]; }; then
		mkdir -p "$(dirname "$file")"
		mv "$new/$file" "$file" || exit 2
		echo "written: $file"
	fi
done <"$tmp/files"
comm -23 "$tmp/old" "$tmp/files" | while read -r file; do
	rm -f "$file"
	echo "removed: $file"
done
if [ -z "${TREE-}" ]; then
	git --git-dir="$repo" update-ref refs/harness/saved "$(in_tree rev-parse HEAD)"
	series_hash >"$build/tree.state"
fi
echo "saved: $number commits"

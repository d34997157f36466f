# SPDX-License-Identifier: GPL-2.0-only
# The series: the format of a patch, the commits that the patches make, and trees that hold them.
# shellcheck shell=sh disable=SC2034,SC2154

# In order. Of a variant are the first ones, 0000, and those that stand for the patch of their name.
patches() {
	variants=series/${variant:-none}
	for patch in "$variants"/0000-*.patch series/[0-9][0-9][0-9][0-9]-*.patch; do
		if [ -f "$variants/${patch##*/}" ]; then
			echo "$variants/${patch##*/}"
		elif [ -f "$patch" ]; then
			echo "$patch"
		fi
	done
}

# Those that change something. A variant may have nothing to do, and a mail without a patch stops git am.
patches_to_mail() {
	patches | while read -r p; do
		if grep -q -E '^(Brings: |diff --git )' "$p"; then
			echo "$p"
		fi
	done
}

patch_message() { # patch
	awk '/^---$/ { exit } NR == 1 { sub(/^Subject: /, "") } { print }' "$1"
}

patch_brings() { # patch
	awk '/^---$/ { on = 1 } /^diff --git / { if (on) exit } on && sub(/^Brings: /, "")' "$1"
}

patch_diff() { # patch
	awk '/^---$/ { on = 1 } on && /^diff --git / { diff = 1 } diff' "$1"
}

patch_edits() { # patch
	patch_diff "$1" | sed -n 's,^diff --git a/\(.*\) b/.*,\1,p'
}

# All files that the series edits, and all that it brings.
series_edits() {
	patches | while read -r p; do patch_edits "$p"; done | sort -u
}

series_brings() {
	patches | while read -r p; do patch_brings "$p"; done | sort -u
}

# One word for all that goes into the commits.
series_hash() {
	{
		patches
		series_brings
	} | while read -r file; do
		echo "$file $(test -x "$file" && echo x)"
		cat "$file" 2>/dev/null
	done | git hash-object --stdin
}

# Which hunk of which file git could not place, from the text of git apply.
failed_hunk() { # diff, git's text
	place=$(sed -n 's/^error: patch failed: //p' "$2" | head -n 1)
	if [ -z "$place" ]; then
		sed -n 's/^error: //p' "$2" | head -n 1
		return
	fi
	awk -v file="${place%:*}" -v line="${place##*:}" '
		/^diff --git / { on = index($0, "diff --git a/" file " b/") == 1; hunk = 0 }
		on && /^@@ / {
			hunk++
			split($2, at, ",")
			if (at[1] == "-" line) {
				print file ", hunk " hunk " (" $1 " " $2 " " $3 " " $4 ")"
				exit
			}
		}' "$1"
}

# Make the commits of the series in a repository, without a working tree; prints the last one.
# Author and committer are whoever the environment says.
commit_series() { # repository, base commit, name of the tree in messages, perhaps what lists the patches
	(
		GIT_DIR=$1
		GIT_INDEX_FILE=$tmp/index
		export GIT_DIR GIT_INDEX_FILE
		commit=$2
		git read-tree "$commit" || exit 2
		for p in series/*/[0-9][0-9][0-9][0-9]-*.patch; do
			case $p in
			*/0000-*) ;;
			*) [ ! -f "$p" ] || [ -f "series/${p##*/}" ] || die "$p is a variant of no patch" ;;
			esac
		done
		"${4-patches}" >"$tmp/patches"
		indexed=$commit
		while read -r p; do
			# Parts begin alike; what was made once stays in $tmp/made.
			made=$(sed -n "s|^$GIT_DIR $commit $p ||p" "$tmp/made" 2>/dev/null)
			if [ -n "$made" ]; then
				commit=$made
				continue
			fi
			[ "$indexed" = "$commit" ] || git read-tree "$commit" || exit 2
			patch_diff "$p" >"$tmp/diff"
			if [ -s "$tmp/diff" ] &&
			   ! git apply --cached --whitespace=nowarn "$tmp/diff" 2>"$tmp/apply"; then
				die "$p does not apply to $3: $(failed_hunk "$tmp/diff" "$tmp/apply")"
			fi
			patch_brings "$p" >"$tmp/brings"
			while read -r file; do
				[ -f "$file" ] || die "$p brings $file, which is not here"
				if git ls-files --error-unmatch -- "$file" >/dev/null 2>&1; then
					die "$file, which $p brings, exists in $3 already"
				fi
				mode=100644
				if [ -x "$file" ]; then
					mode=100755
				fi
				blob=$(git hash-object -w --no-filters -- "$file") || exit 2
				git update-index --add --cacheinfo "$mode,$blob,$file" || exit 2
			done <"$tmp/brings" || exit 2
			tree=$(git write-tree) || exit 2
			made=$(patch_message "$p" | git commit-tree -p "$commit" "$tree") || exit 2
			echo "$GIT_DIR $commit $p $made" >>"$tmp/made"
			commit=$made
			indexed=$commit
		done <"$tmp/patches" || exit 2
		echo "$commit"
	)
}

# An identity and a date that never change, so that equal series are equal commits.
fixed_identity() {
	GIT_AUTHOR_NAME='dma-fence series'
	GIT_AUTHOR_EMAIL='series@localhost'
	GIT_AUTHOR_DATE='1767225600 +0000'
	GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
	GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
	GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
}

# An empty repository for a kernel; big and small files alike are stored as fast as can be.
init_repo() {
	git init -q --bare "$repo" || exit 2
	for setting in gc.auto=0 core.compression=1 core.bigFileThreshold=1 core.autocrlf=false; do
		git --git-dir="$repo" config "${setting%=*}" "${setting#*=}" || exit 2
	done
}

# The commits of the series on our base, in build/linux.git; sets $series_top. Nothing to do
# when neither the series nor the base changed.
series_commits() {
	state="$(cat "$build/base") $(series_hash)"
	if [ "$(cat "$build/series.state" 2>/dev/null)" != "$state" ]; then
		series_top=$(fixed_identity && commit_series "$repo" base "the base") || exit 2
		git --git-dir="$repo" update-ref refs/harness/series "$series_top" || exit 2
		echo "$state" >"$build/series.state"
	fi
	series_top=$(git --git-dir="$repo" rev-parse refs/harness/series) || exit 2
}

# Put a commit into a working tree of ours; only what differs is written.
checkout() { # directory, commit
	if [ ! -e "$1/.git" ]; then
		rm -rf "$1"
		git --git-dir="$repo" worktree prune
		git --git-dir="$repo" worktree add -q --no-checkout --detach "$1" base || exit 2
	fi
	rm -f "$repo/worktrees/$(basename "$(git -C "$1" rev-parse --git-dir)")/index.lock"
	git -C "$1" checkout -q --force --detach "$2" || exit 2
}

# Is there work in build/tree that only exists there? Prints what.
unsaved() { # build directory
	[ -e "$1/tree/.git" ] || return 1
	if [ -n "$(git -C "$1/tree" status --porcelain)" ]; then
		echo "${1#"$top"/}/tree has uncommitted edits, which make save takes once they are committed"
	elif [ "$(git -C "$1/tree" rev-parse HEAD)" != \
	       "$(git --git-dir="$1/linux.git" rev-parse -q --verify refs/harness/saved)" ]; then
		echo "${1#"$top"/}/tree has commits that make save has not taken"
	else
		return 1
	fi
}

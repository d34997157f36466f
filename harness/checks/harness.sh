#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: bad input is refused in one line with nothing left behind; trees of the user stay as they are
# On: copies of the harness and of edited files, no kernel
# Takes: 30 seconds
. "$(dirname "$0")/../lib/results.sh"

refuses() { # what, text expected on standard error, command...
	what=$1
	text=$2
	shift 2
	find "$copy" ! -path "$copy/build*" | sort >"$tmp/before"
	env -u HARNESS_LOCKED "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	find "$copy" ! -path "$copy/build*" | sort >"$tmp/after"
	left=$(find "$copy/build" -maxdepth 1 -name 'tmp.*')
	if [ "$status" = 2 ] && [ "$(grep -c '^error: ' "$tmp/stderr")" = 1 ] &&
	   [ "$(wc -l <"$tmp/stderr")" = 1 ] && grep -q -e "$text" "$tmp/stderr" &&
	   cmp -s "$tmp/before" "$tmp/after" && [ -z "$left" ]; then
		pass "refused: $what"
	else
		{
			echo "status $status, left behind: $left"
			cat "$tmp/stderr"
			diff "$tmp/before" "$tmp/after"
		} | fail "refused: $what"
	fi
}

fake_tree() { # directory: what the series edits, as the base has it
	mkdir -p "$1"
	{
		printf '%s\n' Makefile Kbuild Kconfig include/linux/dma-fence.h .gitattributes
		series_edits
	} | sort -u >"$tmp/fake"
	git --git-dir="$repo" ls-tree -r --name-only base | sort | comm -12 - "$tmp/fake" |
		tr '\n' '\0' | xargs -0 git --git-dir="$repo" archive base -- | tar x -C "$1"
}

state_of() { # directory
	(cd "$1" && find . -type f -exec sha1sum {} + | sort; find "$1" -printf '%p %m %T@\n' | sort)
}

copy=$tmp/copy
mkdir "$copy"
git ls-files -co --exclude-standard -z | xargs -0 cp -p --parents -t "$copy"
series=$copy/harness/series.sh

# All that save looks at is in git; so the files do not have to be there.
git --git-dir="$repo" worktree add -q --no-checkout --detach "$tmp/saved" "$series_top" || exit 2
git -C "$tmp/saved" read-tree HEAD
git -C "$tmp/saved" ls-files -z | git -C "$tmp/saved" update-index -z --skip-worktree --stdin
env -u HARNESS_LOCKED TREE="$tmp/saved" "$copy/harness/save.sh" >"$tmp/save.log" 2>&1
{
	sed -n '/^error/p' "$tmp/save.log"
	git ls-files -co --exclude-standard | while read -r file; do
		diff -q "$file" "$copy/$file"
	done
	(cd "$copy" && find . -path ./build -prune -o -type f -print) | sed 's,^\./,,' | sort \
		>"$tmp/there"
	git ls-files -co --exclude-standard | sort | comm -13 - "$tmp/there"
} | none 'save of the unedited tree changes nothing'

git --git-dir="$repo" worktree remove --force "$tmp/saved"

fake_tree "$tmp/plain"
cp -a "$tmp/plain" "$tmp/git"
git -C "$tmp/git" init -q && git -C "$tmp/git" add -A -f . &&
	git -C "$tmp/git" -c user.name=t -c user.email=t@localhost commit -q -m base
for kind in plain git; do
	state_of "$tmp/$kind" >"$tmp/before"
	env -u HARNESS_LOCKED KDIR="$tmp/$kind" OUT="$tmp/out-$kind" "$series" >"$tmp/log" 2>&1
	status=$?
	state_of "$tmp/$kind" | diff "$tmp/before" - >>"$tmp/log"
	if [ "$status" = 0 ] && ! grep -q '^[<>]' "$tmp/log" &&
	   find "$tmp/out-$kind" -name 0000-cover-letter.patch | grep -q .; then
		pass "KDIR, a $kind tree, is left untouched"
	else
		fail "KDIR, a $kind tree, is left untouched" <"$tmp/log"
	fi
done

# As a variant that has nothing to do on its kernel.
printf '%s\n' 'Subject: dma-buf: Nothing to do' '' 'Text.' --- >"$copy/series/9999-nothing.patch"
env -u HARNESS_LOCKED KDIR="$tmp/plain" OUT="$tmp/out-nothing" "$series" >"$tmp/log" 2>&1
rm "$copy/series/9999-nothing.patch"
if find "$tmp/out-nothing" -name 0000-cover-letter.patch | grep -q . &&
   [ "$(find "$tmp/out-nothing" -type f | wc -l)" = "$(find "$tmp/out-plain" -type f | wc -l)" ] &&
   [ -z "$(find "$tmp/out-nothing" -size 0)" ]; then
	pass 'no mail for a patch that changes nothing'
else
	fail 'no mail for a patch that changes nothing' <"$tmp/log"
fi

refuses 'KDIR that is missing' 'KDIR is missing' env KDIR="$tmp/nothing" "$series"
mkdir "$tmp/empty"
refuses 'KDIR of make that is missing' 'KDIR is missing' env KDIR="$tmp/nothing" "$copy/harness/all.sh"
refuses 'KDIR that is no kernel tree' 'no kernel tree' env KDIR="$tmp/empty" "$series"

cp -a "$tmp/plain" "$tmp/bad"
sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 1/' "$tmp/bad/Makefile"
refuses 'KDIR that is too old' "older than $kernel_min" env KDIR="$tmp/bad" "$series"

cp "$tmp/plain/Makefile" "$tmp/bad/"
first=$(patches | head -n 1)
file=$(patch_edits "$first" | head -n 1)
sed -i 's/^/x/' "$tmp/bad/$file"
refuses 'a patch that does not apply' "$first does not apply to .*: $file, hunk 1 " \
	env KDIR="$tmp/bad" OUT="$tmp/out-bad" "$series"
cp "$tmp/plain/$file" "$tmp/bad/$file"
rm "$tmp/bad/$file"
refuses 'a file that is not there' "$first does not apply to .*: $file" \
	env KDIR="$tmp/bad" OUT="$tmp/out-bad" "$series"
cp "$tmp/plain/$file" "$tmp/bad/$file"
mkdir "$tmp/foreign"
: >"$tmp/foreign/notes"
refuses 'OUT that holds something else' 'OUT holds something else' \
	env KDIR="$tmp/plain" OUT="$tmp/foreign" "$series"

# A commit that brings a file, and one that changes it.
in_git() {
	git -C "$tmp/git" -c user.name=t -c user.email=t@localhost "$@" >/dev/null
}
new=drivers/dma-buf/harness-test.c
in_git tag base
echo one >"$tmp/git/$new"
in_git add -f "$new"
in_git commit -q -m 'dma-buf: bring a file'
if env -u HARNESS_LOCKED TREE="$tmp/git" "$copy/harness/save.sh" >"$tmp/log" 2>&1 &&
   grep -q -x one "$copy/$new" &&
   grep -q -x "Brings: $new" "$copy/series/0001-dma-buf-bring-a-file.patch"; then
	pass 'save takes a new file whole'
else
	fail 'save takes a new file whole' <"$tmp/log"
fi
refuses 'a tree that has the new file' "$new, which .* brings, exists" \
	env KDIR="$tmp/git" OUT="$tmp/out-git-2" "$series"
echo two >"$tmp/git/$new"
in_git commit -q -a -m 'dma-buf: change it'
refuses 'a later change of a new file' 'fold it into .*bring a file' \
	env TREE="$tmp/git" "$copy/harness/save.sh"
echo three >"$tmp/git/$new"
refuses 'uncommitted edits' 'uncommitted edits' env TREE="$tmp/git" "$copy/harness/save.sh"

# A mirror that nobody answers at, and a disk that is full.
bin=$tmp/bin
mkdir "$bin"
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-sid}")
cat >"$bin/apt-get" <<-FAKE
	#!/bin/sh
	if [ "\$1" = --print-uris ]; then
		echo "'http://localhost:9/debian/dists/$codename/InRelease' x 0"
	else
		exec $(command -v apt-get) "\$@"
	fi
FAKE
chmod +x "$bin/apt-get"
refuses 'a mirror out of reach' 'trixie-backports from http://localhost:9/debian' \
	env PATH="$bin:$PATH" "$copy/harness/base.sh"
cat >"$bin/df" <<-'FAKE'
	#!/bin/sh
	printf 'Filesystem 1M-blocks Used Available Capacity Mounted\nx 9 8 1 99%% /\n'
FAKE
chmod +x "$bin/df"
refuses 'a full disk' 'too little disk .* MiB needed' \
	env PATH="$bin:$PATH" "$copy/harness/base.sh"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Write the parts of the series as mail for git am, a directory each, or one of them with PART=name. They are
# tried on a copy of the files that they edit. "series.sh parts" lists the parts.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/parts.sh
. harness/lib/mail.sh
begin

[ -n "$(patches)" ] || die "series/ holds no patch"
if [ "${1-}" = parts ]; then
	read_parts
	for part in $(parts); do
		printf '%-14s %3d  %-10s %s\n' "$part" "$(part_patches "$part" | wc -l)" "$(part_tree "$part")" \
			"$(part_needs "$part" | fold -s -w 80 | sed '2,$s/^/                               /')"
	done
	exit
fi
PART=${PART-}
out=$top/out/series
if [ -n "${OUT-}" ]; then
	out=$(absolute "$OUT")
fi
if [ -e "$out" ]; then
	[ -d "$out" ] || die "OUT is no directory: $out"
	other=$(find "$out" -mindepth 1 ! -name '[0-9][0-9][0-9][0-9]-*.patch' \
		! -path "$out/[0-9][0-9]-*" | head -n 1)
	[ -z "$other" ] || die "OUT holds something else: $other"
	[ -z "$(find "$out" -maxdepth 1 -name '*.patch')" ] || [ -e "$out/0000-cover-letter.patch" ] ||
		die "OUT holds patches that are not a series of ours: $out"
fi

# The commit that the copy was made from, if there is one and the files are as it has them.
base_commit() {
	if [ -n "${KDIR-}" ] && [ -e "$kdir/.git" ] &&
	   tr '\n' '\0' <"$tmp/edits" | xargs -0 git --no-optional-locks -C "$kdir" diff --quiet HEAD -- 2>/dev/null; then
		git -C "$kdir" rev-parse HEAD
	fi
}

copy=$tmp/copy
mkdir "$copy"
if [ -n "${KDIR-}" ]; then
	use_kdir "$KDIR"
	series_edits >"$tmp/edits"
	series_brings >"$tmp/brings"
	while read -r file; do
		if [ -e "$kdir/$file" ]; then
			die "$file, which the series brings, exists in $kdir already"
		fi
	done <"$tmp/brings" || exit 2
	while read -r file; do
		if [ -f "$kdir/$file" ]; then
			mkdir -p "$copy/$(dirname "$file")"
			cp -p "$kdir/$file" "$copy/$file" || exit 2
		fi
	done <"$tmp/edits" || exit 2
	cp "$kdir/.gitattributes" "$tmp/attributes" 2>/dev/null || : >"$tmp/attributes"
	where=$kdir
else
	run harness/prereq.sh && run harness/base.sh || exit 2
	series_edits >"$tmp/edits"
	series_brings >"$tmp/brings"
	git --git-dir="$repo" ls-tree -r --name-only base >"$tmp/all"
	comm -12 "$tmp/all" "$tmp/brings" >"$tmp/there"
	[ ! -s "$tmp/there" ] ||
		die "$(head -n 1 "$tmp/there"), which the series brings, exists in the base already"
	comm -12 "$tmp/all" "$tmp/edits" | tr '\n' '\0' |
		xargs -0 git --git-dir="$repo" archive base -- | tar x -C "$copy" || exit 2
	git --git-dir="$repo" show base:.gitattributes >"$tmp/attributes"
	where='the base'
fi

# The runner's identity; a machine that has none can still try the series out.
if ident=$(git var GIT_AUTHOR_IDENT 2>/dev/null); then
	GIT_AUTHOR_NAME=${ident%% <*}
	GIT_AUTHOR_EMAIL=${ident#*<}
	GIT_AUTHOR_EMAIL=${GIT_AUTHOR_EMAIL%%>*}
else
	[ -z "${SIGNOFF-}" ] || die "SIGNOFF=1 needs a git identity: set user.name and user.email"
	GIT_AUTHOR_NAME=$(id -un)
	GIT_AUTHOR_EMAIL=$GIT_AUTHOR_NAME@localhost
	note "no git identity: the patches say $GIT_AUTHOR_NAME <$GIT_AUTHOR_EMAIL>"
fi
GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
GIT_CONFIG_GLOBAL=/dev/null
GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
export GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM

git init -q -b main "$copy" && cp "$tmp/attributes" "$copy/.git/info/attributes" &&
	git -C "$copy" add -A -f . && git -C "$copy" commit -q -m base || exit 2
read_parts
if [ -n "$PART" ] && [ -z "$(part_patches "$PART")" ]; then
	die "no part of this series is called $PART; make parts lists them"
fi
base=$(git -C "$copy" rev-parse main)
known=$(base_commit)
number=0
for part in $(parts); do
	number=$((number + 1))
	[ -z "$PART" ] || [ "$PART" = "$part" ] || continue
	# shellcheck disable=SC2046 # words
	below=$(commit_parts "$copy/.git" "$base" "$where" $(part_base "$part")) || exit 2
	# shellcheck disable=SC2046 # words
	last=$(commit_parts "$copy/.git" "$base" "$where" $(part_base "$part") "$part") || exit 2
	git -C "$copy" branch "$part" "$last" || exit 2
	set -- --no-cover-letter
	if [ -f "series/covers/$part" ]; then
		git -C "$copy" config "branch.$part.description" "$(cover "$part")"
		set -- --cover-letter --cover-from-description=subject
	fi
	dir=$tmp/out/$(printf %02d $number)-$part
	mkdir -p "$dir"
	git -C "$copy" format-patch -q -n "$@" --base=main --no-renames --no-signature \
		${SIGNOFF:+--signoff} -o "$dir" "$below..$part" || exit 2
	# Nobody has the commit of a copy.
	sed -i "s/^base-commit: $base\$/base-commit: $known/; /^base-commit: \$/d" "$dir"/*.patch || exit 2
done
if [ -z "$PART" ]; then
	last=$(commit_series "$copy/.git" "$base" "$where" patches_to_mail) || exit 2
fi
mkdir "$tmp/gm"
if git -C "$copy" show "$last:MAINTAINERS" >"$tmp/gm/MAINTAINERS" 2>/dev/null &&
   if [ -n "${KDIR-}" ]; then
	cp "$kdir/scripts/get_maintainer.pl" "$tmp/gm/" 2>/dev/null
   else
	git --git-dir="$repo" show base:scripts/get_maintainer.pl >"$tmp/gm/get_maintainer.pl"
   fi; then
	people "$tmp/gm"
else
	note "no scripts/get_maintainer.pl in $where: the mails are to nobody"
fi
mkdir -p "$out" 2>/dev/null || die "cannot write $out"
if [ -n "$PART" ]; then
	rm -rf "$out"/[0-9][0-9]-"$PART"
else
	rm -rf "$out"/[0-9][0-9]-* "$out"/*.patch
fi
mv "$tmp/out"/* "$out" || die "cannot write $out"
patches_to_mail >"$tmp/mailed"
if [ -n "$variant" ]; then
	echo "series for $variant: $(grep -c "^series/$variant/[0-9]*[1-9]" "$tmp/mailed") of" \
		"$(grep -c -v /0000- "$tmp/mailed") patches have a variant," \
		"$(grep -c /0000- "$tmp/mailed") come before them"
elif [ -n "${KDIR-}" ]; then
	echo "series for $kernel: all patches as they are"
fi
echo "$out: $(find "$out" -name '*.patch' ! -name '0000-*' | wc -l) patches in $(find "$out" -mindepth 1 -type d | wc -l) parts"

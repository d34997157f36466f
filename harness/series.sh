#!/bin/sh
# Write the series as mail for git am, tried on a copy of the files that it edits.
. "$(dirname "$0")/lib.sh"
begin

absolute() { # path given by the caller
	case $1 in
	/*) echo "$1" ;;
	*) echo "$start_dir/$1" ;;
	esac
}

out=$top/out/series
if [ -n "${OUT-}" ]; then
	out=$(absolute "$OUT")
fi
[ -n "$(patches)" ] || die "series/ holds no patch"
if [ -e "$out" ]; then
	[ -d "$out" ] || die "OUT is no directory: $out"
	other=$(find "$out" -mindepth 1 -maxdepth 1 ! -name '[0-9][0-9][0-9][0-9]-*.patch' | head -n 1)
	[ -z "$other" ] || die "OUT holds something else: $other"
	[ -z "$(ls -A "$out")" ] || [ -e "$out/0000-cover-letter.patch" ] ||
		die "OUT holds patches that are not a series of ours: $out"
fi

series_edits >"$tmp/edits"
series_brings >"$tmp/brings"
copy=$tmp/copy
mkdir "$copy"
if [ -n "${KDIR-}" ]; then
	kdir=$(absolute "$KDIR")
	[ -d "$kdir" ] || die "KDIR is missing: $kdir"
	for file in Makefile Kbuild Kconfig include/linux/dma-fence.h; do
		[ -f "$kdir/$file" ] || die "KDIR is no kernel tree: $kdir has no $file"
	done
	version=$(awk -F ' *= *' '/^VERSION/ { v = $2 } /^PATCHLEVEL/ { print v "." $2; exit }' "$kdir/Makefile")
	[ "$(printf '%s\n' "$version" "$kernel_min" | sort -V | head -n 1)" = "$kernel_min" ] ||
		die "KDIR is Linux $version, older than $kernel_min: $kdir"
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
last=$(commit_series "$copy/.git" HEAD "$where") || exit 2
git -C "$copy" branch series "$last" || exit 2
if [ -f series/cover ]; then
	git -C "$copy" config branch.series.description "$(cat series/cover)"
fi
mkdir "$tmp/out"
git -C "$copy" format-patch -q -n --cover-letter --cover-from-description=subject \
	--no-renames --no-signature ${SIGNOFF:+--signoff} -o "$tmp/out" main..series || exit 2
if [ ! -d "$out" ]; then
	mkdir -p "$(dirname "$out")" || exit 2
	mv "$tmp/out" "$out" || die "cannot write $out"
else
	rm -f "$out"/*.patch
	mv "$tmp/out"/*.patch "$out" || die "cannot write $out"
fi
echo "$out: $(patches | wc -l) patches and a cover letter"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Write the series as mail for git am, tried on a copy of the files that it edits.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin

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

# Which checks cover which patches: a line of series/tests is a pattern for titles, a tab, the checks.
coverage() {
	patches_to_mail | while read -r p; do patch_message "$p" | head -n 1; done |
		awk -F '\t' '
			NR == FNR { pattern[++n] = $1; text[n] = $2; next }
			{
				for (i = 1; i < n && $0 !~ "^(" pattern[i] ")"; i++)
					;
				list[i] = list[i] " " FNR
			}
			END {
				for (i = 1; i <= n; i++) {
					out = ""
					m = split(list[i], at, " ")
					for (j = 1; j <= m; j++)
						if (j == 1 || at[j] != at[j - 1] + 1)
							out = out (j > 1 ? ", " : "") at[j]
						else if (at[j + 1] != at[j] + 1)
							out = out "-" at[j]
					if (m)
						print "- " out ": " text[i]
				}
			}' series/tests - | fold -s -w 72 | sed -e 's/ *$//' -e 's/^[^-]/  &/'
}

# The mails get the people as To: and Cc:, as get_maintainer of that tree names them.
people() { # directory with get_maintainer.pl and MAINTAINERS
	key=$(cat "$1"/* | git hash-object --stdin)-$(series_hash)
	cache=$build/people/$key
	if [ ! -d "$cache" ]; then
		mkdir -p "$build/people" "$tmp/people"
		find "$build/people" -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} +
		# shellcheck disable=SC2016 # expanded by the inner shell
		(cd "$1" && find "$tmp/out" -name '*.patch' ! -name '0000-*' -print0 | xargs -0 -P "$jobs" -I {} \
			sh -c 'perl get_maintainer.pl --no-tree --mpath=MAINTAINERS --nogit \
				--nogit-fallback --roles "$1" >"$2/$(basename "$1")"' people {} "$tmp/people") 2>"$tmp/people.log"
		cat "$tmp/people"/* >"$tmp/people/0000-cover-letter.patch"
		for file in "$tmp/people"/*; do
			# What is for everybody goes to the core's maintainers and to all lists.
			if [ "$(wc -l <"$file")" -gt 40 ]; then
				grep -E 'maintainer:DMA BUFFER|list' "$file" >"$tmp/few"
				mv "$tmp/few" "$file"
			fi
			sed -i -E -e 's/^(.*<[^>]*>|[^ ]+) \((maintainer|supporter).*/To: \1/' -e t \
				-e 's/^(.*<[^>]*>|[^ ]+) \(.*/Cc: \1/' "$file"
			sort -u -o "$file" "$file"
		done
		mv -T "$tmp/people" "$cache" || [ -d "$cache" ] || exit 2
	fi
	for mail in "$tmp/out"/*.patch; do
		awk 'NR == FNR { all[$1] = all[$1] (all[$1] ? ",\n " : $1 " ") substr($0, 5); next }
			/^$/ && !done++ { for (i = split("Cc: To:", h, " "); i; i--) if (all[h[i]]) print all[h[i]] }
			{ print }' "$cache/${mail##*/}" "$mail" >"$tmp/mail" && mv "$tmp/mail" "$mail" || exit 2
	done
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
last=$(commit_series "$copy/.git" HEAD "$where" patches_to_mail) || exit 2
git -C "$copy" branch series "$last" || exit 2
if [ -f series/cover ]; then
	git -C "$copy" config branch.series.description "$(cat series/cover && printf '\nPatches, and what covers them:\n\n' && coverage)"
fi
mkdir "$tmp/out"
git -C "$copy" format-patch -q -n --cover-letter --cover-from-description=subject \
	--no-renames --no-signature ${SIGNOFF:+--signoff} -o "$tmp/out" main..series || exit 2
mkdir "$tmp/gm"
if git -C "$copy" show series:MAINTAINERS >"$tmp/gm/MAINTAINERS" 2>/dev/null &&
   if [ -n "${KDIR-}" ]; then
	cp "$kdir/scripts/get_maintainer.pl" "$tmp/gm/" 2>/dev/null
   else
	git --git-dir="$repo" show base:scripts/get_maintainer.pl >"$tmp/gm/get_maintainer.pl"
   fi; then
	people "$tmp/gm"
else
	note "no scripts/get_maintainer.pl in $where: the mails are to nobody"
fi
if [ ! -d "$out" ]; then
	mkdir -p "$(dirname "$out")" || exit 2
	mv "$tmp/out" "$out" || die "cannot write $out"
else
	rm -f "$out"/*.patch
	mv "$tmp/out"/*.patch "$out" || die "cannot write $out"
fi
patches_to_mail >"$tmp/mailed"
if [ -n "$variant" ]; then
	echo "series for $variant: $(grep -c "^series/$variant/[0-9]*[1-9]" "$tmp/mailed") of" \
		"$(grep -c -v /0000- "$tmp/mailed") patches have a variant," \
		"$(grep -c /0000- "$tmp/mailed") come before them"
elif [ -n "${KDIR-}" ]; then
	echo "series for $kernel: all patches as they are"
fi
echo "$out: $(wc -l <"$tmp/mailed") patches and a cover letter"

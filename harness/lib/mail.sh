# SPDX-License-Identifier: GPL-2.0-only
# What the mails of a part say beside its patches: cover letter and recipients.
# shellcheck shell=sh disable=SC2154

# Which checks cover which patches: a line of series/tests is a pattern for titles, a tab, the checks.
coverage() { # part
	part_patches "$1" | while read -r p; do patch_message "$p" | head -n 1; done |
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

# The text of a cover letter: series/covers/PART, what comes before it, and what was tested.
cover() { # part
	cat "series/covers/$1"
	needs=$(part_needs "$1")
	if [ -n "$needs" ]; then
		printf '\nThis needs:\n\n'
		for need in $needs; do
			echo "- $(title_of "$need")"
		done
	fi
	printf '\nTested:\n\n'
	coverage "$1"
}

title_of() { # part
	if [ -f "series/covers/$1" ]; then
		head -n 1 "series/covers/$1"
	else
		part_patches "$1" | head -n 1 | while read -r p; do patch_message "$p" | head -n 1; done
	fi
}

# The mails get the people as To: and Cc:, as get_maintainer of that tree names them.
people() { # directory with get_maintainer.pl and MAINTAINERS
	key=$({ cat "$1"/* series/parts harness/lib/mail.sh && echo "$PART"; } | git hash-object --stdin)-$(series_hash)
	cache=$build/people/$key
	if [ ! -d "$cache" ]; then
		mkdir -p "$build/people" "$tmp/people"
		find "$build/people" -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} +
		(cd "$tmp/out" && find . -type d) | (cd "$tmp/people" && xargs mkdir -p)
		# shellcheck disable=SC2016 # expanded by the inner shell
		(cd "$1" && find "$tmp/out" -name '*.patch' ! -name '0000-*' -print0 | xargs -0 -P "$jobs" -I {} \
			sh -c 'perl get_maintainer.pl --no-tree --mpath=MAINTAINERS --nogit \
				--nogit-fallback --roles "$1" >"$2/people${1#"$2/out"}"' people {} "$tmp") 2>"$tmp/people.log"
		for dir in "$tmp/people"/*; do
			sort -u "$dir"/* >"$tmp/all"
			mv "$tmp/all" "$dir/0000-cover-letter.patch"
		done
		for file in "$tmp/people"/*/*; do
			# What is for everybody goes to the core's maintainers and to all lists.
			if [ "$(wc -l <"$file")" -gt 40 ] && grep -q 'maintainer:DMA BUFFER' "$file"; then
				grep -E 'maintainer:DMA BUFFER|list' "$file" >"$tmp/few"
				mv "$tmp/few" "$file"
			fi
			sed -i -E -e 's/^(.*<[^>]*>|[^ ]+) \((maintainer|supporter).*/To: \1/' -e t \
				-e 's/^(.*<[^>]*>|[^ ]+) \(.*/Cc: \1/' "$file"
			sort -u -o "$file" "$file"
		done
		mv -T "$tmp/people" "$cache" || [ -d "$cache" ] || exit 2
	fi
	for mail in "$tmp/out"/*/*.patch; do
		awk 'NR == FNR { all[$1] = all[$1] (all[$1] ? ",\n " : $1 " ") substr($0, 5); next }
			/^$/ && !done++ { for (i = split("Cc: To:", h, " "); i; i--) if (all[h[i]]) print all[h[i]] }
			{ print }' "$cache${mail#"$tmp/out"}" "$mail" >"$tmp/mail" && mv "$tmp/mail" "$mail" || exit 2
	done
}

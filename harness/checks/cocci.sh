#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the Coccinelle script says of samples what it should, finds all places in the base, none in the series
# On: the sources of base and series
# Takes: 25 seconds
. "$(dirname "$0")/../lib/results.sh"

cocci='spatch --very-quiet --no-includes --include-headers'

# What the script says of a sample, in an order and with names that do not change.
cocci_sample() { # mode, sample
	quiet=
	case $1 in
	report | org) quiet=--no-show-diff ;;
	esac
	# shellcheck disable=SC2086 # words
	(cd harness/coccinelle && $cocci -D "$1" $quiet --cocci-file "$tmp/script.cocci" "$2" 2>&1) |
		sed "s,^+++ /.*,+++ $2," >"$tmp/said"
	case $1 in
	report) sort -t : -k 2n "$tmp/said" ;;
	org) sort -t = -k 3n "$tmp/said" ;;
	*) cat "$tmp/said" ;;
	esac
}

# What the script finds in the files of $tmp/files as a commit has them: kind, file, line.
cocci_places() { # commit
	rm -rf "$tmp/places"
	mkdir "$tmp/places"
	tr '\n' '\0' <"$tmp/files" | xargs -0 git --git-dir="$repo" archive "$1" -- | tar x -C "$tmp/places"
	# shellcheck disable=SC2086 # words
	step cocci $cocci -D report --no-show-diff -j "$jobs" --cocci-file "$tmp/script.cocci" \
		--dir "$tmp/places" >&2 || die "spatch: $(first_error "$build/log/cocci.log")"
	awk -v top="$tmp/places/" '
		BEGIN {
			kind["signals with"] = "signal"
			kind["the fence lock is the core"] = "lock"
			kind["to wait for callbacks"] = "lock"
			kind["error set under"] = "lock"
			kind["state read"] = "state"
			kind["the callbacks are"] = "list"
			kind["given a lock of its issuer"] = "init"
			kind["no parameter any more"] = "null"
		}
		index($0, top) == 1 {
			split(substr($0, length(top) + 1), at, ":")
			for (text in kind)
				if (index($0, text))
					print kind[text], at[1], at[2]
			# An error that is set if the state is read so.
			if (index($0, "error set under"))
				print "state", at[1], at[2]
		}' "$build/log/cocci.log" | sort -u
}

script=scripts/coccinelle/api/dma_fence_unlocked.cocci
if ! git --git-dir="$repo" show "$series_top:$script" >"$tmp/script.cocci" 2>/dev/null; then
	skip 'the series has no script for Coccinelle'
	exit 0
fi
for mode in report patch; do
	for sample in harness/coccinelle/*.c; do
		name=$(basename "$sample" .c)
		cocci_sample "$mode" "$name.c" >"$tmp/$name.$mode"
		diff "harness/coccinelle/expected/$name.$mode" "$tmp/$name.$mode"
	done | none "cocci: $mode says of the samples what it should"
done
# The same rules find what these two print.
said_of_demo() { # mode, what a line of it looks like
	cocci_sample "$1" demo.c >"$tmp/demo"
	if grep -q -e "$2" "$tmp/demo"; then
		pass "cocci: $1 runs on a sample"
	else
		fail "cocci: $1 runs on a sample" <"$tmp/demo"
	fi
}
said_of_demo context '^-.*;$'
said_of_demo org '^\* TODO \[\[view:demo\.c'

places=harness/coccinelle/places
made_for=$(sed -n 's/^# base //p' $places)
case $(cat "$build/base") in
"$made_for"-*) ;;
*)
	skip "cocci: the places in the base are those of $made_for"
	exit 0
	;;
esac
grep -v '^#' $places | cut -d ' ' -f 2 | sort -u >"$tmp/files"
cocci_places base >"$tmp/found"
awk '/^#/ { next } { for (i = 3; i <= NF; i++) print $1, $2, $i }' $places | sort -u >"$tmp/due"
comm -13 "$tmp/found" "$tmp/due" |
	none "cocci: finds all $(wc -l <"$tmp/due") places in the base that it is for"
git --git-dir="$repo" diff-tree -r --no-renames --name-only --diff-filter=d base "$series_top" -- \
	drivers include | grep '\.[ch]$' | sort -u -o "$tmp/files" - "$tmp/files"
cocci_places "$series_top" | grep -v -E ' drivers/dma-buf/(dma-fence(-signal)?\.c|st-.*|tests/.*) ' |
	none "cocci: finds none in $(wc -l <"$tmp/files") files of the series, outside the core and its tests"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: checkpatch --strict says nothing that harness/checkpatch.reasons has no reason for
# On: no kernel
# Takes: 2 minutes
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh

# A configuration file of checkpatch ignores a type in every patch; harness/checkpatch.reasons does so in the
# patches that it names, and each line of it has to be needed.
GIT_AUTHOR_NAME='A Tester' GIT_AUTHOR_EMAIL='a.tester@example.org' \
	OUT=$tmp/mail KDIR='' SIGNOFF=1 harness/series.sh >/dev/null || exit 2
at_step "$series_top"
(
	cd "$tmp/mail" || exit 2
	rm -f ./*/0000-cover-letter.patch
	perl "$build/step/src/scripts/checkpatch.pl" --strict --show-types --terse \
		--root="$build/step/src" ./*/*.patch | sed 's,^\./[^/]*/,,' | sort -u
) | grep -E ': (ERROR|WARNING|CHECK):' >"$tmp/said"
grep -v -E '^(#|$)' harness/checkpatch.reasons >"$tmp/reasons"
: >"$tmp/used"
while IFS= read -r said; do
	while read -r glob type reason; do
		# shellcheck disable=SC2254 # it is a pattern
		case ${said%%:*} in
		$glob) ;;
		*) continue ;;
		esac
		case $said in
		*":$type: "*)
			echo "$glob $type $reason" >>"$tmp/used"
			continue 2
			;;
		esac
	done <"$tmp/reasons"
	echo "$said"
done <"$tmp/said" | none 'checkpatch --strict: nothing without a reason'
grep -v -x -F -f "$tmp/used" "$tmp/reasons" |
	none 'checkpatch: every reason is needed, and states one'

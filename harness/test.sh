#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The checks: test.sh runs those of make test, test.sh all every one, test.sh NAME... some, test.sh names lists
# them. The last line is "N passed, N failed", checks and KUnit cases together.
. "$(dirname "$0")/lib/run.sh"

checks() { # words for make
	make --no-print-directory -f harness/checks.mk "$@"
}

# shellcheck disable=SC2046 # words
case ${1-} in
names) checks names; exit ;;
'') set -- $(checks often) ;;
all)
	FULL=1
	export FULL
	set -- $(checks every)
	;;
esac
begin
names=$(checks names)
for check; do
	case " $names " in
	*" $check "*) ;;
	*) die "no check is called $check; there are: $names" ;;
	esac
	if [ "$check" = geforce ]; then
		run harness/geforce.sh needs || exit 2
	fi
done
[ $# -lt 5 ] || need_disk "$build" 8000 'the checks'
rm -rf "$build/results"
mkdir "$build/results"

# What a check says comes when it has ended, in one piece; that of one alone comes at once.
apart=
if [ $# -gt 1 ]; then
	apart=-O
fi
run make --no-print-directory -f harness/checks.mk -j2 $apart GOALS="$*" all || die 'not every check was run'

sum() { # word, files
	word=$1
	shift
	cat "$@" | awk -v word="$word" '$1 == word { sum += $2 } END { print sum + 0 }'
}
if [ $# -gt 1 ]; then
	printf '\n%-12s %7s %7s %7s %8s %8s\n' check passed failed skipped seconds CPU
	for check; do
		file=$build/results/$check
		printf '%-12s %7d %7d %7d %8d %8d\n' "$check" "$(sum pass "$file")" "$(sum fail "$file")" \
			"$(sum skip "$file")" "$(sum seconds "$file")" "$(sum cpu "$file")"
	done
	echo
fi
skipped=$(sum skip "$build"/results/*)
failed=$(sum fail "$build"/results/*)
if [ "$skipped" != 0 ]; then
	echo "$skipped skipped"
fi
echo "$(sum pass "$build"/results/*) passed, $failed failed"
[ "$failed" = 0 ]

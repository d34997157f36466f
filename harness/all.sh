#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# From nothing to tested patches, ending with one table; with KDIR on a tree of one's own, which stays as it
# is. Status 0 only if all held.
if [ -n "${KDIR-}" ]; then
	KDIR_BUILD=1
	export KDIR_BUILD
fi
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin

kunit_table() { # tsv
	awk -F '\t' '
		{ suite = $1; sub(/\..*/, "", suite) }
		!(suite in seen) { seen[suite] = 1; order[++n] = suite }
		{ count[suite, $2 == "PASS" ? "p" : $2 == "SKIP" ? "s" : "f"]++ }
		END {
			for (i = 1; i <= n; i++)
				printf "%-40s %7d %7d %7d\n", order[i], count[order[i], "p"],
					count[order[i], "f"], count[order[i], "s"]
		}' "$1"
}

rm -f "$build/seconds"
if [ -n "${KDIR-}" ]; then
	KDIR=$(absolute "$KDIR")
	run harness/prereq.sh kdir && run harness/kdir.sh || exit 2
	variant=$(cat "$build/variant")
else
	run harness/prereq.sh && run harness/base.sh || exit 2
	if what=$(unsaved "$build"); then
		note "$what: this run takes series/ as it is"
	fi
fi
series_commits
failed=0
run harness/kunit.sh series um
status=$?
[ "$status" -le 1 ] || exit "$status"
[ "$status" = 0 ] || failed=1
result=out/${variant:+$variant-}kunit-series-um
if [ -s "$result.reports" ]; then
	failed=1
fi
OUT='' SIGNOFF='' run harness/series.sh || exit 2

echo
printf '%-40s %s\n' base "$(head -n 1 "$build/base")" patches "$(patches_to_mail | wc -l)"
printf '\n%-40s %7s %7s %7s\n' suite passed failed skipped
kunit_table "$result.tsv"
printf '\n%-40s %7d\n\n' 'reports of lockdep and the like' "$(wc -l <"$result.reports")"
printf '%-40s %7s %7s\n' step seconds CPU
awk '{ printf "%-40s %7d %7d\n", $1, $2, $3; all += $2; cpu += $3 }
	END { printf "%-40s %7d %7d\n", "together", all, cpu }' "$build/seconds"
if [ "$failed" != 0 ]; then
	awk -F '\t' '$2 != "PASS" && $2 != "SKIP" { print "failed: " $1 }' "$result.tsv"
	sed 's/^/report: /' "$result.reports"
	grep 'Testing complete' "$build/log/boot-series-um.log"
	die "not all held; the kernel's log is $result.log"
fi

#!/bin/sh
# From nothing to tested patches, ending with one table. Status 0 only if all held.
. "$(dirname "$0")/lib.sh"
begin
rm -f "$build/seconds"
run harness/prereq.sh && run harness/base.sh || exit 2
if what=$(unsaved "$build"); then
	note "$what: this run takes series/ as it is"
fi
series_commits
failed=0
run harness/kunit.sh series um
status=$?
[ "$status" -le 1 ] || exit "$status"
[ "$status" = 0 ] || failed=1
result=out/kunit-series-um
if [ -s $result.reports ]; then
	failed=1
fi
if [ -n "$(patches)" ]; then
	KDIR='' OUT='' SIGNOFF='' run harness/series.sh || exit 2
fi

echo
printf '%-40s %s\n' base "$(cat "$build/base")" patches "$(patches | wc -l)"
printf '\n%-40s %7s %7s %7s\n' suite passed failed skipped
kunit_table $result.tsv
printf '\n%-40s %7d\n\n' 'reports of lockdep and the like' "$(wc -l <$result.reports)"
printf '%-40s %7s\n' step seconds
awk '{ printf "%-40s %7d\n", $1, $2; all += $2 } END { printf "%-40s %7d\n", "together", all }' \
	"$build/seconds"
if [ "$failed" != 0 ]; then
	awk -F '\t' '$2 != "PASS" && $2 != "SKIP" { print "failed: " $1 }' $result.tsv
	sed 's/^/report: /' $result.reports
	grep 'Testing complete' "$build/log/boot-series-um.log"
	die "not all held; the kernel's log is $result.log"
fi

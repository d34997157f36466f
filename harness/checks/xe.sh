#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the suites of xe pass, that of its fences among them; what passes on the base passes; no new report
# On: a user-mode kernel with xe: lockdep, two CPUs
# Takes: 11 minutes on two cores that another build shared: a kernel with all of xe; twice that without a record
. "$(dirname "$0")/../lib/results.sh"

on_both '' series kunit xe
judge "$result" xe
if [ -s "$result.tsv" ]; then
	lost_cases >"$tmp/lost"
	none "xe: what passes on the base ($(wc -l <"$tmp/base") cases) passes on the series" <"$tmp/lost"
	# A suite of xe provokes warnings of xe_rtp.c.
	new_places | none 'xe: no report of lockdep or the like that the base does not have'
fi

# SPDX-License-Identifier: GPL-2.0-only
# What checks share: how they say what they found, suites of KUnit, base and series compared. It starts a
# check: lock, scratch directory, and the commits of the series as $series_top.
# shellcheck shell=sh disable=SC2034,SC2154
. "$(dirname "$0")/../lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
begin
check=$(basename "$0" .sh)
series_commits

# Lines of a word, pass, fail or skip, and how many checks and cases; test.sh adds them up.
count() { # word, how often
	echo "$1 $2" >>"${COUNTS:-/dev/null}"
}

pass() { # what
	echo "PASS $1"
	count pass 1
}

skip() { # what, and why
	echo "SKIP $1"
	count skip 1
}

fail() { # what, then the lines that show it on standard input
	echo "FAIL $1    (alone: make test-$check)"
	# Equal lines once, with their number, and not thousands of others.
	uniq -c | sed -e '21,$d' -e 's/^ *1 /     /' -e 's/^ *\([1-9][0-9]*\) /     (\1 times) /'
	count fail 1
}

# Pass when nothing comes in on standard input.
none() { # what
	cat >"$tmp/lines"
	if [ -s "$tmp/lines" ]; then
		fail "$1" <"$tmp/lines"
	else
		pass "$1"
	fi
}

# Count the cases of a run as passed, failed, skipped; complain of reports.
judge() { # result, name
	if [ ! -s "$1.tsv" ]; then
		fail "$2: no result" </dev/null
		return
	fi
	count pass "$(awk -F '\t' '$2 == "PASS"' "$1.tsv" | wc -l)"
	count skip "$(awk -F '\t' '$2 == "SKIP"' "$1.tsv" | wc -l)"
	awk -F '\t' '$2 == "SKIP" { print "SKIP '"$2"': " $1 }' "$1.tsv"
	awk -F '\t' '$2 != "PASS" && $2 != "SKIP"' "$1.tsv" >"$tmp/bad"
	while read -r case state; do
		echo "$state, log: $1.log" | fail "$2: $case"
	done <"$tmp/bad"
}

suites() { # config
	run harness/kunit.sh series "$1"
	status=$?
	result=out/${variant:+$variant-}kunit-series-$1
	judge "$result" "$1"
	if [ "$status" = 0 ] || [ -s "$tmp/bad" ]; then
		pass "$1: the kernel booted and ran every suite"
	else
		grep . "$build/log/boot-series-$1.log" | tail -n 3 |
			fail "$1: the kernel booted and ran every suite"
	fi
	if [ -e "$result.reports" ]; then
		none "$1: no report of lockdep or the like" <"$result.reports"
	fi
}

# Suites and drivers can be modules, and no check of make test links them as such: all that they use of others
# has to be exported. What is built in has the run queues in inline functions, modules have not. modpost says
# the same of nouveau in the kernel of geforce, which has it as a module. To have it said of the suites, in each
# test, takes a kernel more, half of whose objects would be nouveau's: that costs more than these lines.
exported() { # configuration, beginnings of the paths of a module's objects
	at=$build/series/$1
	shift
	nm "$at/vmlinux.o" | sed -n 's/.* __export_symbol_//p' >"$tmp/known"
	echo runqueues >>"$tmp/known"
	for part; do
		find "$at" -path "$at/$part*.o" >"$tmp/objects"
		if [ ! -s "$tmp/objects" ]; then
			echo "no object $part"
			continue
		fi
		xargs nm -A --defined-only <"$tmp/objects" | sed 's/.* //' | sort -u - "$tmp/known" >"$tmp/there"
		xargs nm -u <"$tmp/objects" | sed -n 's/^ *U //p' | sort -u | comm -23 - "$tmp/there"
	done | none "what modules use is exported: $*"
}

# A report without what differs from build to build and from run to run.
place() { # reports
	sed -e 's/, CPU#.*//' -e 's/+0x[0-9a-f/x]*//' "$1" | sort -u
}

# After on_both: places of the series' reports at which the base has none.
new_places() {
	place "$base.reports" >"$tmp/old"
	place "$result.reports" | comm -13 "$tmp/old" -
}

# After on_both: cases that pass on the base and not on the series.
lost_cases() {
	grep -P '\tPASS$' "$base.tsv" | sort >"$tmp/base"
	grep -P '\tPASS$' "$result.tsv" | sort | comm -23 "$tmp/base" - | cut -f 1
}

# Run a script on base and series, on what its sources are first, so that less is compiled again. What the
# base gave is $base.{tsv,reports}, what the series gave $result. The base's is taken from harness/recorded,
# unless FULL=1 or another base, and kept until what it depends on changes.
on_both() { # what the base's result depends on beside the base, directory of sources, script, its word
	which=$3${4:+-$4}
	result=out/$3-series${4:+-$4}
	base=harness/recorded/$which
	key="$(sed 's/-[^-]*$//' "$build/base")${1:+ $1}"
	sides=series
	if [ -n "${FULL-}" ] || [ "$(cat "$base.key" 2>/dev/null)" != "$key" ]; then
		base=$build/recorded/$which
		made_by=$(cat harness/config/*.config harness/kunit.sh "harness/$3"*.sh | git hash-object --stdin)
		sources=$build/$2/src
		if [ "$(cat "$base.key" "$base.made_by" 2>/dev/null)" != "$key
$made_by" ]; then
			sides='plain series'
			if [ "$(git -C "$sources" rev-parse HEAD 2>/dev/null)" = "$series_top" ]; then
				sides='series plain'
			fi
		fi
	fi
	for side in $sides; do
		# shellcheck disable=SC2086 # perhaps no word
		run "harness/$3.sh" "$side" ${4-}
	done
	if [ "$sides" != series ]; then
		made=out/$3-plain${4:+-$4}
		[ -s "$made.tsv" ] || die "no result on the base: $made.tsv"
		mkdir -p "$build/recorded"
		cp "$made.tsv" "$base.tsv" && cp "$made.reports" "$base.reports" &&
			echo "$key" >"$base.key" && echo "$made_by" >"$base.made_by" || exit 2
	fi
}

# The same programs on both kernels: same results, and nothing reported by either.
selftests() { # config, directory of sources
	if [ -z "$(git --git-dir="$repo" ls-tree "$series_top" tools/testing/selftests/dma-buf/)" ]; then
		skip 'the series has no selftests'
		return
	fi
	on_both "$(git --git-dir="$repo" rev-parse "$series_top:tools/testing/selftests/dma-buf")" \
		"$2" selftests "$1"
	judge "$result" "selftests, $1"
	[ -s "$result.tsv" ] || return
	# On the base selftests.sh leaves some out.
	awk -F '\t' 'NR == FNR { base[$1]; next } $1 in base' "$base.tsv" "$result.tsv" |
		diff "$base.tsv" - |
		none "selftests, $1: the results on the base ($(wc -l <"$base.tsv")) are the same"
	none "selftests, $1: no report of lockdep, KASAN or kmemleak" <"$result.reports"
	none "selftests, $1: none on the base either" <"$base.reports"
}

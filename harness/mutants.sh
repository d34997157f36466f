#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Break the series at one place at a time and see each breakage caught: mutants.sh [name...]
# KUNIT=big takes that kernel of kunit.sh.
# A mutant is a perl script in harness/mutants/ for one file of the tree. Its first lines say what is
# broken, in which file, and by what it has to be caught:
#   kunit GLOB      a case fails; nothing crashes, and no boot is ended by the timeout
#   report GLOB     lockdep, list or reference checks report while these cases run
#   panic GLOB, hang GLOB
#   kcsan GLOB      KCSAN reports a data race of drivers/dma-buf, on x86-64 in QEMU
#   model WORDS, litmus NAME    that variant of the model, or that litmus test, which has the same
#                   line broken, is not right; the kernel is not built
# Status 1: one survived. Results: out/mutants.tsv
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
. harness/lib/proof.sh
begin
run harness/prereq.sh && run harness/prereq.sh test && run harness/base.sh && run harness/herd.sh || exit 2
series_commits
config=${KUNIT:-um}
kunit=$build/series/src/tools/testing/kunit/kunit.py
limit=120

# Boot what was built with some cases only; leaves names and states in $tmp/cases, reports in
# $tmp/reports and how it ended in $ended.
boot() { # step, glob
	provoke=
	case $2 in
	*.st_provoke_*) provoke=--kernel_args=dma_fence_lockdep.provoke=1 ;;
	esac
	rm -f "$tmp/result.json"
	# shellcheck disable=SC2086 # words
	step "$1" python3 "$kunit" exec --build_dir="$obj" --timeout=$limit $kunit_smp $provoke \
		--json="$tmp/result.json" "$2"
	ended=
	[ "$seconds" -lt $limit ] || ended=hang
	! grep -q 'Kernel panic' "$obj/test.log" || ended=panic
	reports "$obj/test.log" >"$tmp/reports"
	kunit_cases "$tmp/result.json" >"$tmp/cases" 2>"$build/log/$1.json" || : >"$tmp/cases"
}

build_kernel() { # step
	rm -f "$obj.done"
	target=linux
	[ "$arch" = um ] || target=bzImage
	step "$1" make -C "$src" ARCH="$arch" O="$obj" CC="$cc" -j"$jobs" $target
}

# Set what the kernel has that a mutant is caught with.
kernel_for() { # means
	if [ "$1" = kcsan ]; then
		kernel_at series order
	else
		kernel_at series "$config"
	fi
}

failed_cases() {
	awk -F '\t' '$2 == "FAIL" { sub(/.*\./, "", $1); print $1 }' "$tmp/cases"
}

# What catches the mutant that was applied; nothing if it survives.
caught_by() { # mutant, means, what for
	case $2 in
	model)
		# shellcheck disable=SC2086 # words
		model $3 | sed -n "s/.*errors: 1\$/model $3 (twin of the mutated line)/p"
		;;
	litmus)
		[ -d "$tmp/litmus" ] || litmus_tree
		litmus "Documentation/litmus-tests/dma-fence/$3.litmus" |
			sed -n "s/^Sometimes.*/litmus $3 (twin of the mutated line)/p"
		;;
	kcsan)
		suites_of_kernel order
		suites=$3
		emulate_suites "mutant-$1" "$obj" >/dev/null
		tr -d '\r' <"$build/log/mutant-$1.log" >"$tmp/log"
		races "$tmp/log" "$obj" | sed 's/^BUG: KCSAN: /kcsan /' | head -n 1
		;;
	*)
		boot "mutant-$1" "$3" >/dev/null
		case $2 in
		kunit)
			[ -n "$ended" ] || failed_cases | paste -s -d ' ' | sed -n 's/^./kunit &/p'
			;;
		report)
			sed -n -e 's/[+,].*//' -e 's/^.*\(WARNING\|BUG\|INFO\|list_\)/report \1/p' "$tmp/reports" |
				head -n 1
			;;
		"$ended") echo "$ended in $3" ;;
		esac
		;;
	esac
}

# The kernel without a mutant, in which nothing must be caught; once, if it is needed at all.
needed=
need_kernel() { # means
	case " $needed " in
	*" $obj "*) return ;;
	esac
	needed="$needed $obj"
	if [ "$1" = kcsan ]; then
		run harness/kunit.sh series order >/dev/null ||
			die "the series itself fails, or cannot be built: $build/log/boot-series-order.log"
		[ ! -s out/kunit-series-order.reports ] ||
			die "the series itself is reported: out/kunit-series-order.reports"
		return
	fi
	run harness/kunit.sh series "$config" build >/dev/null || die "cannot build the series: $build/log"
	boot mutant-none '*fence*' >/dev/null
	if [ ! -s "$tmp/cases" ] || [ -n "$ended$(failed_cases)" ]; then
		die "the series itself fails, $build/log/mutant-none.log: $ended $(failed_cases | paste -s -d ' ')"
	fi
}

[ $# != 0 ] || set -- harness/mutants/*
checked_out=
: >"$tmp/table"
for path; do
	mutant=$(basename "$path")
	path=harness/mutants/$mutant
	[ -f "$path" ] || die "no mutant is called $mutant"
	what=$(sed -n '1s/^# //p' "$path")
	file=$(sed -n 's/^# in //p' "$path")
	by=$(sed -n 's/^# by //p' "$path")
	kernel_for "${by%% *}"
	if [ "$src" != "$checked_out" ]; then
		checkout "$src" "$series_top"
		checked_out=$src
	fi
	case $by in
	model* | litmus*) ;;
	*) need_kernel "${by%% *}" ;;
	esac
	began=$(date +%s)
	caught=
	if ! perl -0777 -p "$path" "$src/$file" >"$tmp/mutated" 2>"$tmp/perl" ||
	   cmp -s "$src/$file" "$tmp/mutated"; then
		state='DOES NOT APPLY'
	else
		case $by in
		model* | litmus*) built=1 ;;
		*)
			cp "$tmp/mutated" "$src/$file"
			built=
			build_kernel "mutant-$mutant-build" >/dev/null && built=1
			;;
		esac
		state='DOES NOT BUILD'
		if [ -n "$built" ]; then
			caught=$(caught_by "$mutant" "${by%% *}" "${by#* }")
			state=${caught:-SURVIVED}
		fi
		git -C "$src" checkout -q -- "$file"
	fi
	printf '%s\t%s\t%s\t%s\n' "$mutant" "$what" "$state" "$(($(date +%s) - began))" >>"$tmp/table"
	tail -n 1 "$tmp/table" | awk -F '\t' '{ printf "%-28s %4d s  %s\n%-28s         %s\n", $1, $4, $2, "", $3 }'
done
mkdir -p out
cp "$tmp/table" out/mutants.tsv
awk -F '\t' '$3 ~ /^[A-Z]/ { bad++ }
	END { printf "%d mutants, %d not caught\n", NR, bad; exit bad != 0 }' out/mutants.tsv

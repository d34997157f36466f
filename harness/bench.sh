#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Base and series measured in one run, from the same configurations: bench.sh all|quick|times|wake
# quick is the instruction counts alone, times the rows of time in QEMU alone, wake the waits on
# nouveau's channels without events. A table goes to standard output; out/bench gets bench.csv (a
# line a row), runs.csv (a line a row of each run), counts and plots.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
begin
run harness/prereq.sh && run harness/prereq.sh bench && run harness/base.sh || exit 2
what=$1
src=$build/bench/src
runs=$tmp/runs
: >"$runs"
series_commits

# The base gets the benchmarks, and nothing else of the series.
base_top=$(
	# shellcheck disable=SC2317 # commit_series calls it
	patches() {
		grep -l '^Brings: .*bench\(_kunit\)*\.c$' series/*.patch
	}
	fixed_identity && commit_series "$repo" base "the base"
) || exit 2

use() { # side
	side=$1
	commit=$series_top
	include=
	if [ "$side" = base ]; then
		commit=$base_top
		include="-include $top/harness/bench/base.h"
	fi
}

# Configure and compile, unless that was done.
compile() { # config, arch, configuration to start from, targets
	obj=$build/bench/$side/$1
	wanted="$commit $(cat "harness/config/bench-$1.config" harness/bench/base.h harness/bench/wake/* |
		git hash-object --stdin)"
	[ "$(cat "$obj.done" 2>/dev/null)" != "$wanted" ] || return 0
	checkout "$src" "$commit"
	# Of nouveau the x86 kernel has the fences alone, without what they are configured with.
	[ "$1" != x86 ] || cp harness/bench/wake/* "$src/drivers/gpu/drm/nouveau"
	mkdir -p "$obj"
	step "config-bench-$side-$1" make -C "$src" ARCH="$2" O="$obj" \
		KCONFIG_ALLCONFIG="$top/harness/config/bench-$1.config" "$3" ||
		die "cannot configure $1: $(first_error "$build/log/config-bench-$side-$1.log")"
	grep '^CONFIG_' "harness/config/bench-$1.config" | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
	[ ! -s "$tmp/lost" ] || die "not in the configuration $1: $(head -n 1 "$tmp/lost")"
	# shellcheck disable=SC2086 # words
	step "build-bench-$side-$1" make -C "$src" ARCH="$2" O="$obj" CC="$cc" -j"$jobs" \
		KBUILD_BUILD_TIMESTAMP=0 CFLAGS_tests/dma-fence-bench_kunit.o="$include" $4 ||
		die "cannot build $1: $(first_error "$build/log/build-bench-$side-$1.log")"
	echo "$wanted" >"$obj.done"
}

# What a benchmark printed becomes lines of $runs: machine kind row side run, and its figures.
collect() { # machine, run, file
	tr -d '\r' <"$3" |
		sed -n "s,^.*bench: \([a-z]*\) \([^ ]*/[0-9]* [0-9 ]*\)\$,$1 \1 \2,p" >"$tmp/lines"
	[ -s "$tmp/lines" ] || die "no figures from $1: $(first_error "$3"), see $3"
	grep -E '^ *(not ok|# .*: EXPECTATION FAILED)' "$3" >"$tmp/bad" &&
		die "a benchmark of $side failed: $(head -n 1 "$tmp/bad"), see $3"
	awk -v side="$side" -v run="$2" '{ $3 = $3 " " side " " run; print }' "$tmp/lines" >>"$runs"
}

qemu() { # machine, run, suite and case, accelerator and CPUs, kHz of the cycle counter
	# shellcheck disable=SC2086 # words
	step "bench-$1-$side-$2" timeout -k 5 900 qemu-system-x86_64 -nodefaults -no-user-config -display none \
		-monitor none -serial stdio -no-reboot -cpu qemu64 -m 256 -accel $4 \
		-kernel "$build/bench/$side/x86/arch/x86/boot/bzImage" \
		-append "console=ttyS0 tsc=reliable tsc_early_khz=$5 no_timer_check panic=-1 \
			kunit_shutdown=reboot kunit.enable=1 kunit.autorun=1 kunit.filter_glob=$3"
	collect "$1" "$2" "$log"
}

# One instruction is one nanosecond of virtual time, and an idle CPU takes no time of ours.
exact='tcg -smp 1 -icount shift=0,sleep=off -rtc clock=vm,base=2026-01-01'

count() { # run
	qemu icount "$1" 'dma-fence-bench.*' "$exact" 1000000
}

wake() { # run
	qemu wake "$1" 'nouveau-wake.*' "$exact" 1000000
}

uml() { # machine, run, words for the kernel, perhaps what is to start it
	# shellcheck disable=SC2086 # words
	step "bench-$1-$side-$2" timeout -k 5 900 ${4-} "$build/bench/$side/um/linux" mem=256M ncpus=2 seccomp=on \
		console=tty panic=-1 $3
}

uml_suite() { # machine, run, suite and case
	uml "$1" "$2" "kunit_shutdown=halt kunit.enable=1 kunit.autorun=1 kunit.filter_glob=$3"
	collect "$1" "$2" "$log"
}

frames() { # run
	root=$build/bench/root
	rm -rf "$root"
	mkdir -p "$root/debug"
	gcc -O2 -static -pthread -o "$root/init" harness/bench/frames.c ||
		die "cannot compile harness/bench/frames.c"
	# The tasks wake each other, and a host that shares time lets the thread of an idle CPU wait
	# for up to 5 ms.
	uml frames "$1" "rootfstype=hostfs rootflags=$root rw init=/init" 'chrt -f 1'
	[ ! -s "$root/result" ] || cat "$root/result" >>"$log"
	collect frames "$1" "$log"
}

# --- Text and frames of the stack, from objects of a configuration with every driver ---

touched() { # C files of drivers that are in the base, too
	git --git-dir="$repo" diff-tree -r --no-renames --name-only --diff-filter=M base "$series_top" |
		grep '^drivers/.*\.c$' | grep -v -E "/(st-|tests/|selftests?[_/]|.*_kunit)|$arm64_only"
	echo drivers/dma-buf/dma-fence-signal.c
}

objects() {
	checkout "$src" "$commit"
	touched | while read -r c; do
		[ ! -e "$src/$c" ] || echo "${c%.c}.o"
	done | tr '\n' ' '
}

text() { # machine, row, files
	machine=$1
	row=$2
	shift 2
	size "$@" 2>/dev/null | awk -v where="$machine text $row/1 $side 1" '
		NR > 1 { all += $1 } END { if (NR > 1) print where, all, all, all, all, all, 1 }' >>"$runs"
}

sizes() {
	text x86 vmlinux "$build/bench/$side/x86/vmlinux"
	text um vmlinux "$build/bench/$side/um/linux"
	obj=$build/bench/$side/size
	touched | sed 's,/[^/]*$,,' | sort -u | while read -r dir; do
		# shellcheck disable=SC2046 # words
		text x86 "$dir" $(touched | grep "^$dir/[^/]*\$" | sed "s,^\(.*\)c\$,$obj/\1o,")
	done
	# The functions between a signaler and the last callback; those that are inlined have none.
	while read -r row wanted functions; do
		[ "$wanted" = "$side" ] || continue
		sum=0
		for function in $functions; do
			bytes=$(cat "$obj"/drivers/dma-buf/*.su | awk -v f="$function" '
				{ n = $1; sub(/.*:/, "", n); sub(/\..*/, "", n) }
				n == f && $2 > most { most = $2 } END { print most + 0 }')
			sum=$((sum + bytes))
		done
		echo "x86 frames $row/1 $side 1 $sum $sum $sum $sum $sum 1" >>"$runs"
	done <harness/bench/paths
}

# --- The run ---

for s in base series; do
	use $s
	compile x86 x86_64 allnoconfig 'CONFIG_DRM_NOUVEAU=y bzImage'
	if [ "$what" = all ]; then
		compile um um allnoconfig linux
		compile size x86_64 allmodconfig "KCFLAGS=-fstack-usage -k $(objects)"
	fi
done
for run in 1 2; do
	for s in base series; do
		use $s
		case $what in all | quick) count $run ;; esac
		case $what in all | wake) wake $run ;; esac
	done
done
if [ "$what" = all ] || [ "$what" = times ]; then
	for run in 1 2 3 4 5; do
		for s in base series; do
			use $s
			if [ "$what" = all ]; then
				uml_suite um $run 'dma-fence-bench.time_*'
				uml_suite sched $run 'drm_sched_bench.*'
				frames $run
			fi
			qemu qemu $run 'dma-fence-bench.time_*' 'tcg,thread=multi -smp 2,sockets=2' \
				"$(awk '/MHz/ { print int($4 * 1000); exit }' /proc/cpuinfo)"
		done
	done
fi
if [ "$what" = all ]; then
	for s in base series; do
		use $s
		sizes
	done
fi

run harness/bench-table.sh "$what" "$runs"

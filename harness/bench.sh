#!/bin/sh
# Base and series measured in one run, from one configuration: bench.sh all|quick
# quick is the instruction counts alone. The table goes to standard output, what it is made
# from to out/bench: bench.csv a line a row, runs.csv a line a row of each run, and plots.
. "$(dirname "$0")/lib.sh"
begin
what=$1
rounds=5
out=out/bench
src=$build/bench/src
bench_c=drivers/dma-buf/st-dma-fence-bench.c
ends=600

# The series, and the base with the benchmarks and nothing else of the series.
series_commits
grep -q "^Brings: $bench_c\$" series/*.patch || die "no patch of the series brings $bench_c"
base_top=$(
	patches() {
		grep -l -E '^Brings: .*bench\.c$' series/*.patch
	}
	fixed_identity && commit_series "$repo" base "the base"
) || exit 2

commit_of() { # side
	if [ "$1" = base ]; then
		echo "$base_top"
	else
		echo "$series_top"
	fi
}

in_tree() { # side, config, arch, make's words
	obj=$build/bench/$1/$2
	arch=$3
	shift 3
	set -- make -C "$src" ARCH="$arch" O="$obj" CC='ccache gcc' KBUILD_BUILD_TIMESTAMP=0 "$@"
	"$@"
}

# Configure and compile, unless that was done.
compile() { # side, config, arch, base of the configuration, targets
	obj=$build/bench/$1/$2
	wanted="$(commit_of "$1") $(cat "harness/config/bench-$2.config" harness/bench.sh \
		harness/bench/base.h | git hash-object --stdin)"
	[ "$(cat "$obj.done" 2>/dev/null)" != "$wanted" ] || return 0
	checkout "$src" "$(commit_of "$1")"
	mkdir -p "$obj"
	step "config-bench-$1-$2" make -C "$src" ARCH="$3" O="$obj" \
		KCONFIG_ALLCONFIG="$top/harness/config/bench-$2.config" "$4" ||
		die "cannot configure $2: $(first_error "$build/log/config-bench-$1-$2.log")"
	grep '^CONFIG_' "harness/config/bench-$2.config" | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
	[ ! -s "$tmp/lost" ] || die "the configuration lost $(head -n 1 "$tmp/lost")"
	include=
	if [ "$1" = base ]; then
		include="-include $top/harness/bench/base.h"
	fi
	# shellcheck disable=SC2086 # words
	step "build-bench-$1-$2" make -C "$src" ARCH="$3" O="$obj" CC='ccache gcc' -j"$jobs" -k \
		KCFLAGS=-fstack-usage CFLAGS_st-dma-fence-bench.o="$include" $5 ||
		die "cannot build $2: $(first_error "$build/log/build-bench-$1-$2.log")"
	echo "$wanted" >"$obj.done"
}

# With -icount an instruction takes 1 ns of virtual time, and an idle CPU none of ours.
qemu() { # name, side, options, words for the kernel
	step "$1" timeout -k 5 "$ends" qemu-system-x86_64 -nodefaults -no-user-config \
		-display none -monitor none -serial stdio -no-reboot -cpu qemu64 -m 256 $3 \
		-kernel "$build/bench/$2/x86/arch/x86/boot/bzImage" \
		-append "console=ttyS0 tsc=reliable panic=-1 kunit_shutdown=reboot $4"
}

uml() { # name, side, words for the kernel
	step "$1" timeout -k 5 "$ends" "$build/bench/$2/um/linux" mem=256M ncpus=2 seccomp=on \
		console=tty panic=-1 kunit_shutdown=halt $3
}

# The figures of a log become lines of $tmp/runs: machine, kind, row, side, run, and the six.
collect() { # name of the step, machine, side, run
	tr -d '\r' <"$build/log/$1.log" | sed -n 's/^.*bench: \([a-z]* [^ ]*\/[0-9]* [0-9 ]*\)$/\1/p' \
		>"$tmp/figures"
	[ -s "$tmp/figures" ] || die "no figures: $(first_error "$build/log/$1.log"), $build/log/$1.log"
	awk -v machine="$2" -v side="$3" -v run="$4" \
		'{ kind = $1; row = $2; $1 = $2 = ""; print machine, kind, row, side, run $0 }' \
		"$tmp/figures" >>"$tmp/runs"
}

count() { # side, run
	log=bench-count-$1-$2
	qemu "$log" "$1" '-accel tcg -icount shift=0,sleep=off -rtc clock=vm,base=2026-01-01 -smp 1' \
		'kunit.filter_glob=dma-fence-bench.*'
	collect "$log" icount "$1" "$2"
}

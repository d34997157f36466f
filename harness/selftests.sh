#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run tools/testing/selftests/dma-buf: selftests.sh series|plain big|rt
# on that kernel of kunit.sh. rt has modules, is emulated, and runs what needs them; big runs the others, and
# once more those whose allocations fail. The root is this machine's file system, read-only. Programs and
# modules are those of the series, on the plain base too. ONLY=program ARGS='-t test' runs less.
# Results: out/selftests-SIDE-CONFIG.{log,tsv,reports}. Status 1: a test failed.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
begin
side=$1
config=$2
kernel_at "$side" "$config"
programs=$work/selftests-$side
result=out/selftests-$side-$config
mkdir -p out
# A run that fails leaves no result of an earlier one.
rm -f "$result".*
run harness/kunit.sh "$side" "$config" build || exit 2

# The programs get the headers of the kernel, the modules the kernel that they are loaded into.
rm -rf "$programs"
mkdir -p "$programs"
git --git-dir="$repo" archive refs/harness/series tools/testing/selftests |
	tar x -C "$programs" --wildcards '*/selftests/dma-buf' '*/selftests/lib.mk' '*/selftests/kselftest*.h' ||
	die 'the series has no tools/testing/selftests/dma-buf'
tests=$programs/tools/testing/selftests/dma-buf
# What make headers would make of these is the same without __user, and it takes longer than all else here.
for header in drm/drm.h drm/drm_mode.h drm/vgem_drm.h linux/bits.h linux/dma-buf.h linux/sync_file.h \
	linux/udmabuf.h; do
	mkdir -p "$programs/uapi/${header%/*}"
	cp "$src/include/uapi/$header" "$programs/uapi/$header" || exit 2
done
# The base's dma_fence_init() takes a lock; what is written for one that does not says NULL here.
compat=
if [ "$side" = plain ]; then
	compat=$programs/compat.h
	cat >"$compat" <<-'COMPAT'
		#include <linux/args.h>
		#include <linux/dma-fence.h>
		#define dma_fence_init_4(f, ops, context, seqno) (dma_fence_init)(f, ops, NULL, context, seqno)
		#define dma_fence_init_5(...) (dma_fence_init)(__VA_ARGS__)
		#define dma_fence_init(...) CONCATENATE(dma_fence_init_, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
	COMPAT
fi
# Where nothing is, no modules are built.
kdir=$obj
if [ "$config" = big ]; then
	kdir=$tmp/none
fi
step "programs-$side-$config" make -C "$tests" KHDR_INCLUDES="-D__user= -isystem $programs/uapi" \
	USERCFLAGS=-Werror ARCH="$arch" KDIR="$kdir" KCFLAGS="${compat:+-include $compat}" ||
	die "cannot build the programs: $(first_error "$build/log/programs-$side-$config.log")"

boot() { # step, programs, on|off for kmemleak
	words="panic=-1 oops=panic kunit.enable=0 kmemleak=$3 init=$top/harness/selftests-init.sh TESTS=$tests"
	words="$words PROGRAMS=\"$2\"${ARGS:+ ARGS=\"$ARGS\"}"
	if [ "$config" = rt ]; then
		emulate_here "$1" 600 "$obj" "kcsan.early_enable=0 OFF=0x1234567 $words"
	else
		step "$1" timeout -k 5 900 "$obj/linux" mem=1G ncpus=2 seccomp=on console=tty \
			rootfstype=hostfs root=/dev/root rootflags=/ ro OFF=0x4321fedc "$words"
	fi
	cat "$build/log/$1.log" >>"$result".log
}
# sw_sync of the base takes references to fences that are being freed, and crashes; patch 4 ends that.
if [ "$side" = plain ]; then
	ARGS="${ARGS-} -T close_while_signaling -T close_one_of_two_while_signaling -T everything"
fi
# Those that have few objects are watched by kmemleak, which makes every allocation slow.
if [ "$config" = rt ]; then
	boot "selftests-$side-rt" 'module_life_test syncobj_test sync_fail_test' on
elif [ -n "${ONLY-}" ]; then
	boot "selftests-$side" "$ONLY" on
else
	boot "selftests-$side" 'sync_file_test sync_race_test dmabuf_sync_test' off
	boot "selftests-$side-leaks" sync_fail_test on
fi
grep -q 'Brought up .* 2 CPUs' "$result".log || die "the kernel did not run on two CPUs: $result.log"

# Name and result of each test, and of each program: did it end, with all that it announced?
awk '
	{ sub(/\r$/, ""); name = $1; sub(/:$/, "", name) }
	name !~ /_test$/ { next }
	$2 ~ /^1\.\.[0-9]+$/ { sub(/1\.\./, "", $2); plan[name] = $2 }
	$2 == "status" { ended[name] = $3 }
	$2 == "ok" { test = $4; print name "." test "\t" (/# SKIP/ ? "SKIP" : "PASS"); seen[name]++ }
	$2 == "not" && $3 == "ok" { print name "." $5 "\tFAIL"; seen[name]++ }
	!(name in ended) { ended[name] = "none" }
	END {
		for (name in ended)
			print name "\t" (ended[name] ~ /^[04]$/ && seen[name] == plan[name] ? "PASS" : "FAIL")
	}' "$result".log | sort >"$result".tsv
{
	# From where the tests begin: kmemleak has its own report when the second CPU is brought up.
	awk '/Linux version/ { on = 0 } /as init process/ { on = 1 } on' "$result".log >"$tmp/tested"
	reports "$tmp/tested"
	grep -E '^kmemleak: (unreferenced|  comm)' "$result".log
	grep -q '^kmemleak: done' "$result".log || echo 'kmemleak was not asked'
	[ "$(grep -c '^debug_locks: 1' "$result".log)" = "$(grep -c 'as init process' "$result".log)" ] ||
		echo 'lockdep turned itself off'
} >"$result".reports
[ -s "$result".tsv ] && ! grep -q FAIL "$result".tsv

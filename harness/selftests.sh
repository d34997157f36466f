#!/bin/sh
# Run tools/testing/selftests/dma-buf on a user-mode kernel of kunit.sh:
# selftests.sh series|plain drm|kasan
# Its root is this machine's file system, read-only. Programs and modules are those of the series,
# on the plain base too. kasan has no modules. ONLY=program ARGS='-t test' runs less.
# Results: out/selftests-SIDE-CONFIG.{log,tsv,reports}. Status 1: a test failed.
. "$(dirname "$0")/lib.sh"
begin
side=$1
config=$2
src=$build/series/src
obj=$build/series/$config
if [ "$side" = plain ]; then
	obj=$build/series/plain-$config
fi
programs=$build/series/selftests-$side-$config
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
step "headers-$side" make -C "$src" O="$build/headers" headers ||
	die "cannot export the headers: $(first_error "$build/log/headers-$side.log")"
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
if [ "$config" = kasan ]; then
	kdir=$tmp/none
fi
step "programs-$side-$config" make -C "$tests" KHDR_INCLUDES="-isystem $build/headers/usr/include" \
	USERCFLAGS=-Werror ARCH=um KDIR="$kdir" KCFLAGS="${compat:+-include $compat}" ||
	die "cannot build the programs: $(first_error "$build/log/programs-$side-$config.log")"

boot() { # step, programs, words for the kernel
	boot_step=$1
	which=$2
	shift 2
	step "$boot_step" timeout -k 5 900 "$obj/linux" mem=1G ncpus=2 seccomp=on console=tty \
		rootfstype=hostfs root=/dev/root rootflags=/ ro panic=-1 oops=panic kunit.enable=0 "$@" \
		init="$top/harness/selftests-init.sh" TESTS="$tests" PROGRAMS="\"$which\"" \
		${ARGS:+"ARGS=\"$ARGS\""}
	cat "$build/log/$boot_step.log" >>"$result".log
}
# Those that have few objects are watched by kmemleak, which makes every allocation slow.
leaks='sync_fail_test module_life_test'
all=$(cd "$tests" && echo *_test)
for leak in $leaks; do
	all=$(echo " $all " | sed "s/ $leak / /")
done
# sw_sync of the base takes references to fences that are being freed, and crashes; patch 4 ends that.
if [ "$side" = plain ]; then
	ARGS="${ARGS-} -T close_while_signaling -T close_one_of_two_while_signaling -T everything"
fi
if [ -n "${ONLY-}" ]; then
	boot "selftests-$side-$config" "$ONLY" kmemleak=on
elif [ "$config" = kasan ]; then
	boot "selftests-$side-kasan" 'sync_file_test sync_race_test dmabuf_sync_test sync_fail_test'
else
	boot "selftests-$side-$config" "$all" kmemleak=off
	boot "selftests-$side-leaks" "$leaks" kmemleak=on
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
	[ "$config" = kasan ] || grep -q '^kmemleak: done' "$result".log || echo 'kmemleak was not asked'
	[ "$(grep -c '^debug_locks: 1' "$result".log)" = "$(grep -c 'as init process' "$result".log)" ] ||
		echo 'lockdep turned itself off'
} >"$result".reports
[ -s "$result".tsv ] && ! grep -q FAIL "$result".tsv

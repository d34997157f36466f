#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build a kernel and run its KUnit suites:
# kunit.sh series|plain KERNEL [build]; KERNEL is one of the table in lib/kernel.sh
# um is the kernel of make. big, for user mode, too, has KASAN, the suites that the base has, too, and what
# the selftests need. rt and kcsan are two boots of one kernel for x86-64, without and with KCSAN, which the
# emulated GPUs are driven on, too. What is for x86-64 shares sources with the checks that compile, so that
# user-mode kernels can be built meanwhile.
# Series and plain base are built from one directory, and in two beside it, so that ccache knows what
# they have in common.
# Results: out/kunit-SIDE-CONFIG.{tsv,log,reports}. Status 1: a case failed.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
begin
side=$1
config=$2
result=out/${variant:+$variant-}kunit-$side-$config
mkdir -p out
# A run that fails leaves no result of an earlier one.
if [ "${3-}" != build ]; then
	rm -f "$result".*
fi

kernel_at "$side" "$config"
mkdir -p "$obj"
if [ "$side" = plain ]; then
	checkout "$src" base
else
	checkout "$src" refs/harness/series
fi

# No line is dropped in silence: a symbol of ours counts from when the tree has it.
{
	for fragment in $fragments; do
		cat "harness/config/$fragment.config"
	done
	for fragment in '' $fragments; do
		file=harness/config/ours${fragment:+-$fragment}.config
		[ ! -e "$file" ] || sed -n 's/^CONFIG_\(.*\)=y$/\1/p' "$file"
	done | while read -r symbol; do
		if grep -q -x "config $symbol" "$src/drivers/dma-buf/Kconfig" "$src"/drivers/gpu/drm/*/Kconfig; then
			echo "CONFIG_$symbol=y"
		fi
	done
} >"$obj.kunitconfig"

image=vmlinux
target=bzImage
if [ "$arch" = um ]; then
	image=linux
	target=linux
elif grep -q -x CONFIG_MODULES=y "$obj.kunitconfig"; then
	target='bzImage modules'
fi

subarch=
if [ "$config" = i386 ]; then
	cc=${cc%gcc}i686-linux-gnu-gcc
	subarch='SUBARCH=i386 CROSS_COMPILE=i686-linux-gnu-'
fi
kunit=$src/tools/testing/kunit/kunit.py
build_kernel() {
	if [ "$arch" = um ]; then
		# shellcheck disable=SC2046 # words
		step "config-$side-$build_of" python3 "$kunit" config --build_dir="$obj" \
			--kunitconfig="$obj.kunitconfig" --make_options="CC=$cc" \
			$(for word in $subarch; do echo "--make_options=$word"; done)
	else
		# kunit.py starts from the defaults, which have much more to compile.
		step "config-$side-$build_of" make -C "$src" ARCH="$arch" O="$obj" CC="$cc" \
			KCONFIG_ALLCONFIG="$obj.kunitconfig" allnoconfig
	fi || die "cannot configure $config: $(first_error "$build/log/config-$side-$build_of.log")"
	grep '^CONFIG_' "$obj.kunitconfig" | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
	[ ! -s "$tmp/lost" ] || die "not in the configuration $build_of: $(head -n 1 "$tmp/lost")"

	# A file that base and series have in common knows nothing of our symbols. So the configuration
	# without these is in the key of ccache, and the header that has them is not.
	cat harness/config/ours*.config >"$tmp/ours"
	grep '=' "$obj/.config" | grep -v -x -F -f "$tmp/ours" >"$tmp/settings"
	CCACHE_EXTRAFILES=$tmp/settings
	CCACHE_IGNOREHEADERS=include/generated/autoconf.h
	export CCACHE_EXTRAFILES CCACHE_IGNOREHEADERS

	# How many objects a whole build has is a guess until there was one.
	objects=$build/objects.build-$side-$build_of
	whole=$obj.objects
	fresh=
	rm -f "$objects"
	if [ ! -e "$obj/$image" ]; then
		fresh=1
		cat "$whole" >"$objects" 2>/dev/null || echo '~1300' >"$objects"
	fi
	# Only geforce asks anything of nouveau on the base. Its symbol stays, so that ccache's key is the same.
	without=
	if [ "$side" = plain ] && [ "$config" != geforce ]; then
		without=CONFIG_DRM_NOUVEAU=
	fi
	# shellcheck disable=SC2086 # words
	step "build-$side-$build_of" make -C "$src" ARCH="$arch" O="$obj" CC="$cc" -j"$jobs" $without \
		$subarch $target || die "cannot build $build_of: $(first_error "$build/log/build-$side-$build_of.log")"
	if [ -n "$fresh" ]; then
		grep -c '^  CC ' "$build/log/build-$side-$build_of.log" >"$whole"
	fi
}

# What was built from this commit and this configuration needs no look at each of its files.
wanted="$(git -C "$src" rev-parse HEAD) $(git hash-object "$obj.kunitconfig") $target"
if [ "$(cat "$obj.done" 2>/dev/null)" != "$wanted" ]; then
	rm -f "$obj.done"
	build_kernel
	echo "$wanted" >"$obj.done"
fi

if [ "${3-}" = build ]; then
	exit 0
fi
# Suites of some modules misuse a mutex, in the base as well, and lockdep turns itself off at that. And
# those of the base's scheduler may free what it still uses, which patch 99 ends. So they have a boot each,
# after the one for all the others.
apart=
case $config in
big)
	apart='drm_bridge_test drm_connector_test drm_hdmi_state_helper_test drm_sched_tests ttm_bo_test
		ttm_bo_validate_test'
	;;
esac
status=0
# Add what the suites of a boot gave to the result.
suites_of() { # name of the step, parser of kunit.py and its words...
	boot_step=$1
	shift
	rm -f "$tmp/result.json"
	step "$boot_step" python3 "$kunit" "$@" --json="$tmp/result.json" || status=1
	[ -s "$tmp/result.json" ] || die "no result from $config: $(first_error "$build/log/$boot_step.log")"
	kunit_cases "$tmp/result.json" >>"$result.tsv"
}
boot_um() { # name of the step, which suites
	# shellcheck disable=SC2086 # words
	suites_of "$1" exec --build_dir="$obj" --timeout=900 $kunit_smp ${2:+"--filter=$2"}
	cat "$obj/test.log" >>"$result.log"
}
if [ "$arch" = um ]; then
	# shellcheck disable=SC2086 # words
	boot_um "boot-$side-$config" "$(echo $apart | sed -e 's/ /, module!=/g' -e 's/^./module!=&/')"
	for module in $apart; do
		boot_um "boot-$side-$config-$module" "module=$module"
	done
else
	# kunit.py would take KVM where there is one.
	suites_of_kernel "$config"
	emulate_suites "boot-$side-$config" "$obj"
	tr -d '\r' <"$build/log/boot-$side-$config.log" >"$result.log"
	suites_of "parse-$side-$config" parse "$top/$result.log"
fi
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "$config did not run on two CPUs: $result.log"
{
	reports "$result.log" | grep -v 'BUG: KCSAN: '
	races "$result.log" "$obj"
} >"$result.reports"
[ -s "$result.tsv" ] && [ "$status" = 0 ]

#!/bin/sh
# Build a kernel and run its KUnit suites:
# kunit.sh series|plain um|kasan|drm|kcsan|rt|vmwgfx|amdgpu [build]
# um and kasan have nouveau, drm has the suites that the base has, too; these and amdgpu are user-mode
# kernels, drm and kasan are those of the selftests, too. The others are small kernels for x86-64,
# emulated by QEMU; they share sources with the checks that compile for x86-64, so that user-mode
# kernels can be built meanwhile.
# Series and plain base are built from one directory, and in two beside it, so that ccache knows what
# they have in common.
# Results: out/kunit-SIDE-CONFIG.{tsv,log,reports}. Status 1: a case failed.
. "$(dirname "$0")/lib.sh"
begin
side=$1
config=$2
result=out/${variant:+$variant-}kunit-$side-$config
mkdir -p out
# A run that fails leaves no result of an earlier one.
if [ "${3-}" != build ]; then
	rm -f "$result".*
fi

arch=um
work=$build/series
target=linux
kernel=linux
fragments='um nouveau'
case $config in
drm)
	fragments='um drm programs selftests'
	target='linux modules'
	;;
amdgpu) fragments='um amdgpu' ;;
kasan) fragments="$fragments programs kasan" ;;
kcsan | rt | vmwgfx)
	arch=x86_64
	work=$build/step
	target=bzImage
	kernel=vmlinux
	fragments="qemu $config"
	;;
esac
src=$work/src
obj=$work/$config
if [ "$side" = plain ]; then
	obj=$work/plain-$config
fi
mkdir -p "$obj"
checkout_side "$src" "$side"

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

kunit=$src/tools/testing/kunit/kunit.py
if [ $arch = um ]; then
	step "config-$side-$config" python3 "$kunit" config --build_dir="$obj" \
		--kunitconfig="$obj.kunitconfig" --make_options='CC=ccache gcc'
else
	# kunit.py starts from the defaults, which have much more to compile.
	step "config-$side-$config" make -C "$src" ARCH=$arch O="$obj" CC='ccache gcc' \
		KCONFIG_ALLCONFIG="$obj.kunitconfig" allnoconfig
fi || die "cannot configure $config: $(first_error "$build/log/config-$side-$config.log")"
grep '^CONFIG_' "$obj.kunitconfig" | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
[ ! -s "$tmp/lost" ] || die "not in the configuration $config: $(head -n 1 "$tmp/lost")"

# A file that base and series have in common knows nothing of our symbols. So the configuration
# without these is in the key of ccache, and the header that has them is not.
cat harness/config/ours*.config >"$tmp/ours"
grep '=' "$obj/.config" | grep -v -x -F -f "$tmp/ours" >"$tmp/settings"
CCACHE_EXTRAFILES=$tmp/settings
CCACHE_IGNOREHEADERS=include/generated/autoconf.h
export CCACHE_EXTRAFILES CCACHE_IGNOREHEADERS

# How many objects a whole build has is a guess until there was one.
objects=$build/objects.build-$side-$config
whole=$obj.objects
fresh=
rm -f "$objects"
if [ ! -e "$obj/$kernel" ]; then
	fresh=1
	if [ -s "$whole" ]; then
		cp "$whole" "$objects"
	elif [ "$config" = drm ]; then
		echo '~1100' >"$objects"
	elif [ $arch != um ]; then
		echo '~700' >"$objects"
	else
		echo '~1700' >"$objects"
	fi
fi
# shellcheck disable=SC2086 # words
step "build-$side-$config" make -C "$src" ARCH=$arch O="$obj" CC='ccache gcc' -j"$jobs" $target ||
	die "cannot build $config: $(first_error "$build/log/build-$side-$config.log")"
if [ -n "$fresh" ]; then
	grep -c '^  CC ' "$build/log/build-$side-$config.log" >"$whole"
fi

if [ "${3-}" = build ]; then
	exit 0
fi
# Suites of some modules misuse a mutex, in the base as well, and lockdep turns itself off at that:
# a boot each, after the one for all the others.
apart=
case $config in
drm) apart='drm_bridge_test drm_connector_test drm_hdmi_state_helper_test ttm_bo_test ttm_bo_validate_test' ;;
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
if [ $arch = um ]; then
	boot_um "boot-$side-$config" "$(echo "$apart" | sed -e 's/ /, module!=/g' -e 's/^./module!=&/')"
	for module in $apart; do
		boot_um "boot-$side-$config-$module" "module=$module"
	done
else
	# kunit.py would take KVM where there is one. All suites but dma-buf-fence-chain: of that,
	# three cases arm each of 4096 nodes once more at each of 4096 signals, which takes minutes
	# here. Chains on two CPUs are in dma-fence-containers and in the stress.
	case $config in
	kcsan | rt) suites='dma-*[!n]' ;;
	*) suites=$config'*' ;;
	esac
	emulate "boot-$side-$config" 900 "$obj" "kunit_shutdown=reboot kunit.enable=1 kunit.autorun=1 \
		kunit.filter_glob=$suites dma_fence_kunit.stress_ms=10000"
	tr -d '\r' <"$build/log/boot-$side-$config.log" >"$result.log"
	suites_of "parse-$side-$config" parse "$top/$result.log"
fi
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "$config did not run on two CPUs: $result.log"
{
	reports "$result.log" | grep -v 'BUG: KCSAN: '
	races "$result.log" "$obj"
} >"$result.reports"
[ -s "$result.tsv" ] && [ "$status" = 0 ]

#!/bin/sh
# Build a kernel and run its KUnit suites: kunit.sh series|plain um|kasan|drm|kcsan|rt [build]
# um and kasan have nouveau, drm has the suites that the base has, too; these three are user-mode
# kernels. kcsan and rt are small kernels for x86-64, emulated by QEMU.
# Series and plain base are built from one directory, so that ccache knows what they have in common.
# Results: out/kunit-SIDE-CONFIG.{json,tsv,log,reports}. Status 1: a case failed.
. "$(dirname "$0")/lib.sh"
begin
side=$1
config=$2
src=$build/series/src
obj=$build/$side/$config
result=out/${variant:+$variant-}kunit-$side-$config
mkdir -p "$obj" out
# A run that fails leaves no result of an earlier one.
if [ "${3-}" != build ]; then
	rm -f "$result".*
fi

# No line is dropped in silence: a symbol of ours counts from when the tree has it.
arch=um
target=linux
kernel=linux
fragments='um nouveau'
case $config in
drm) fragments='um drm' ;;
kasan) fragments="$fragments kasan" ;;
kcsan | rt)
	arch=x86_64
	target=bzImage
	kernel=vmlinux
	fragments="qemu $config"
	;;
esac
{
	for fragment in $fragments; do
		cat "harness/config/$fragment.config"
	done
	sed -n 's/^CONFIG_\(.*\)=y$/\1/p' harness/config/ours.config | while read -r symbol; do
		if grep -q "^config $symbol\$" "$src/drivers/dma-buf/Kconfig"; then
			echo "CONFIG_$symbol=y"
		fi
	done
} >"$build/$side/$config.kunitconfig"

kunit=$src/tools/testing/kunit/kunit.py
if [ $arch = um ]; then
	step "config-$side-$config" python3 "$kunit" config --build_dir="$obj" \
		--kunitconfig="$build/$side/$config.kunitconfig" --make_options='CC=ccache gcc'
else
	# kunit.py starts from the defaults, which have much more to compile.
	step "config-$side-$config" make -C "$src" ARCH=$arch O="$obj" CC='ccache gcc' \
		KCONFIG_ALLCONFIG="$build/$side/$config.kunitconfig" allnoconfig
fi || die "cannot configure $config: $(first_error "$build/log/config-$side-$config.log")"
grep '^CONFIG_' "$build/$side/$config.kunitconfig" | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
[ ! -s "$tmp/lost" ] || die "not in the configuration $config: $(head -n 1 "$tmp/lost")"

# How many objects a whole build has is a guess until there was one.
objects=$build/objects.build-$side-$config
whole=$build/$side/$config.objects
fresh=
rm -f "$objects"
if [ ! -e "$obj/$kernel" ]; then
	fresh=1
	if [ -s "$whole" ]; then
		cp "$whole" "$objects"
	elif [ "$config" = drm ]; then
		echo '~900' >"$objects"
	elif [ $arch != um ]; then
		echo '~700' >"$objects"
	else
		echo '~1700' >"$objects"
	fi
fi
step "build-$side-$config" make -C "$src" ARCH=$arch O="$obj" CC='ccache gcc' -j"$jobs" $target ||
	die "cannot build $config: $(first_error "$build/log/build-$side-$config.log")"
if [ -n "$fresh" ]; then
	grep -c '^  CC ' "$build/log/build-$side-$config.log" >"$whole"
fi

if [ "${3-}" = build ]; then
	exit 0
fi
if [ $arch = um ]; then
	# shellcheck disable=SC2086 # words
	step "boot-$side-$config" python3 "$kunit" exec --build_dir="$obj" \
		--timeout=900 $kunit_smp --json="$top/$result.json"
	status=$?
	cp "$obj/test.log" "$result.log"
else
	# kunit.py would take KVM where there is one. All suites but dma-buf-fence-chain: of that,
	# three cases arm each of 4096 nodes once more at each of 4096 signals, which takes minutes
	# here. Chains on two CPUs are in dma-fence-containers and in the stress.
	emulate "boot-$side-$config" 900 "$obj" "kunit_shutdown=reboot kunit.enable=1 kunit.autorun=1 \
		kunit.filter_glob=dma-*[!n] dma_fence_kunit.stress_ms=10000"
	tr -d '\r' <"$build/log/boot-$side-$config.log" >"$result.log"
	step "parse-$side-$config" python3 "$kunit" parse --json="$top/$result.json" "$result.log"
	status=$?
fi
[ -s "$result.json" ] || die "no result from $config: $(first_error "$build/log/boot-$side-$config.log")"
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "$config did not run on two CPUs: $result.log"
kunit_cases "$result.json" >"$result.tsv"
{
	reports "$result.log" | grep -v 'BUG: KCSAN: '
	races "$result.log" "$obj"
} >"$result.reports"
[ -s "$result.tsv" ] && [ "$status" = 0 ]

#!/bin/sh
# Build a user-mode kernel and run its KUnit suites: kunit.sh series|plain um|kasan|drm [build]
# um and kasan have nouveau, drm has the suites that the base has, too.
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
fragments=harness/config/nouveau.config
case $config in
drm) fragments=harness/config/drm.config ;;
kasan) fragments="$fragments harness/config/kasan.config" ;;
esac
{
	# shellcheck disable=SC2086 # words
	cat harness/config/um.config $fragments
	sed -n 's/^CONFIG_\(.*\)=y$/\1/p' harness/config/ours.config | while read -r symbol; do
		if grep -q "^config $symbol\$" "$src/drivers/dma-buf/Kconfig"; then
			echo "CONFIG_$symbol=y"
		fi
	done
} >"$build/$side/$config.kunitconfig"

kunit=$src/tools/testing/kunit/kunit.py
step "config-$side-$config" python3 "$kunit" config --build_dir="$obj" \
	--kunitconfig="$build/$side/$config.kunitconfig" --make_options='CC=ccache gcc' ||
	die "cannot configure $config: $(first_error "$build/log/config-$side-$config.log")"

# How many objects a whole build has is a guess until there was one.
objects=$build/objects.build-$side-$config
whole=$build/$side/$config.objects
fresh=
rm -f "$objects"
if [ ! -e "$obj/linux" ]; then
	fresh=1
	if [ -s "$whole" ]; then
		cp "$whole" "$objects"
	elif [ "$config" = drm ]; then
		echo '~900' >"$objects"
	else
		echo '~1700' >"$objects"
	fi
fi
step "build-$side-$config" make -C "$src" ARCH=um O="$obj" CC='ccache gcc' -j"$jobs" linux ||
	die "cannot build $config: $(first_error "$build/log/build-$side-$config.log")"
if [ -n "$fresh" ]; then
	grep -c '^  CC ' "$build/log/build-$side-$config.log" >"$whole"
fi

if [ "${3-}" = build ]; then
	exit 0
fi
# shellcheck disable=SC2086 # words
step "boot-$side-$config" python3 "$kunit" exec --build_dir="$obj" \
	--timeout=900 $kunit_smp --json="$top/$result.json"
status=$?
cp "$obj/test.log" "$result.log"
[ -s "$result.json" ] || die "no result from $config: $(first_error "$build/log/boot-$side-$config.log")"
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "$config did not run on two CPUs: $result.log"
kunit_cases "$result.json" >"$result.tsv"
reports "$result.log" >"$result.reports"
[ -s "$result.tsv" ] && [ "$status" = 0 ]

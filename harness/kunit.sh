#!/bin/sh
# Build a user-mode kernel and run its KUnit suites: kunit.sh series|step um|kasan|drm
# Results: out/kunit-SIDE-CONFIG.{json,tsv,log,reports}. Status 1: a case failed.
. "$(dirname "$0")/lib.sh"
begin
side=$1
config=$2
src=$build/$side/src
obj=$build/$side/$config
result=out/kunit-$side-$config
mkdir -p "$obj" out
rm -f "$result".*

# No line is dropped in silence: a symbol of ours counts from when the tree has it.
{
	cat harness/config/um.config
	if [ "$config" != um ]; then
		cat "harness/config/$config.config"
	fi
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

# The first build tells how many objects there are; until then it is a guess.
objects=$build/objects.build-$side-$config
rm -f "$objects"
if [ ! -e "$obj/linux" ]; then
	case $config in
	drm) echo '~1700' ;;
	*) echo '~1250' ;;
	esac >"$objects"
fi
step "build-$side-$config" make -C "$src" ARCH=um O="$obj" CC='ccache gcc' -j"$jobs" linux ||
	die "cannot build $config: $(first_error "$build/log/build-$side-$config.log")"

step "boot-$side-$config" python3 "$kunit" exec --build_dir="$obj" \
	--timeout=900 --kernel_args=ncpus=2 --json="$top/$result.json"
status=$?
cp "$obj/test.log" "$result.log"
[ -s "$result.json" ] || die "no result from $config: $(first_error "$build/log/boot-$side-$config.log")"
kunit_cases "$result.json" >"$result.tsv"
reports "$result.log" >"$result.reports"
[ -s "$result.tsv" ] && [ "$status" = 0 ]

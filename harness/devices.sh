#!/bin/sh
# Drive the GPUs that QEMU emulates from user space: devices.sh series|plain [build]
# One kernel with virtio-gpu, qxl and lockdep; its root is this machine's file system, read-only.
# Not with vmwgfx, which does not take the device that QEMU has ("Hardware has no pitchlock").
# Results: out/devices-SIDE.{log,tsv,reports}. Status 1: a step failed.
. "$(dirname "$0")/lib.sh"
begin
side=$1
src=$build/series/src
# Both beside the sources: the way to them is in the compiler's arguments, and so in ccache's key.
obj=$build/series/devices-$side
program=$obj.program
result=out/devices-$side
mkdir -p "$obj" out

step "config-$side-devices" make -C "$src" ARCH=x86_64 O="$obj" CC='ccache gcc' \
	KCONFIG_ALLCONFIG="$top/harness/config/devices.config" allnoconfig ||
	die "cannot configure: $(first_error "$build/log/config-$side-devices.log")"
grep '^CONFIG_' harness/config/devices.config | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
[ ! -s "$tmp/lost" ] || die "not in the configuration: $(head -n 1 "$tmp/lost")"

objects=$build/objects.build-$side-devices
whole=$obj.objects
rm -f "$objects"
if [ ! -e "$obj/vmlinux" ]; then
	cat "$whole" >"$objects" 2>/dev/null || echo '~1300' >"$objects"
fi
step "build-$side-devices" make -C "$src" ARCH=x86_64 O="$obj" CC='ccache gcc' -j"$jobs" bzImage ||
	die "cannot build: $(first_error "$build/log/build-$side-devices.log")"
if [ -e "$objects" ]; then
	grep -c '^  CC ' "$build/log/build-$side-devices.log" >"$whole"
fi
if [ "${2-}" = build ]; then
	exit 0
fi

step "headers-$side" make -C "$src" O="$build/headers" headers ||
	die "cannot export the headers: $(first_error "$build/log/headers-$side.log")"
gcc -O2 -Wall -Werror -static -isystem "$build/headers/usr/include" -I/usr/include/libdrm \
	-o "$program" harness/devices/devices.c -ldrm || die 'cannot compile harness/devices/devices.c'

rm -f "$result".*
emulate "boot-$side-devices" 900 "$obj" "root=root rootfstype=9p ro \
	rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose \
	init=$top/harness/devices-init.sh DEVICES=$program" \
	-device qxl -device virtio-gpu-pci \
	-fsdev local,id=root,path=/,security_model=none,readonly=on \
	-device virtio-9p-pci,fsdev=root,mount_tag=root
tr -d '\r' <"$build/log/boot-$side-devices.log" >"$result.log"
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "the kernel did not run on two CPUs: $result.log"

# Name and result of each step. Each device's driver has made fences and signaled them; whether it
# says so in its own words, and somebody waited, depends on the driver.
awk '
	$1 == "device:" && $2 == "ok" { print $3 "\tPASS" }
	$1 == "device:" && $2 == "skip" { print $3 "\tSKIP" }
	$1 == "device:" && $2 == "not" { print $4 "\tFAIL" }
	$1 == "count:" { count[$2, $3] = $4 }
	END {
		split("virtio_gpu qxl", drivers)
		split("init signaled emit enable_signal", events)
		for (d in drivers)
			for (e in events)
				print drivers[d] ".fence_" events[e] "\t" \
					(count[drivers[d], "dma_fence_" events[e]] > 0 ? "PASS" : \
					 e <= 2 ? "FAIL" : "SKIP")
	}' "$result.log" | sort >"$result.tsv"
{
	reports "$result.log"
	grep -q '^debug_locks: 1' "$result.log" || echo 'lockdep turned itself off, or the run did not end'
} >"$result.reports"
[ -s "$result.tsv" ] && ! grep -q FAIL "$result.tsv"

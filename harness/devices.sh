#!/bin/sh
# Drive the GPUs that QEMU emulates from user space: devices.sh series|plain [build]
# One kernel with virtio-gpu, qxl, vmwgfx and lockdep; its root is this machine's file system,
# read-only. vmwgfx does not take QEMU's device, and is skipped with what it says.
# Results: out/devices-SIDE.{log,tsv,reports}. Status 1: a step failed.
. "$(dirname "$0")/lib.sh"
begin
side=$1
src=$build/step/src
# Both beside the sources: the way to them is in the compiler's arguments, and so in ccache's key.
obj=$build/step/devices-$side
program=$obj.program
result=out/devices-$side
mkdir -p "$obj" out
rm -f "$result".*
checkout_side "$src" "$side"

step "config-$side-devices" make -C "$src" ARCH=x86_64 O="$obj" CC='ccache gcc' \
	KCONFIG_ALLCONFIG="$top/harness/config/devices.config" allnoconfig ||
	die "cannot configure: $(first_error "$build/log/config-$side-devices.log")"
grep '^CONFIG_' harness/config/devices.config | grep -v -x -F -f "$obj/.config" >"$tmp/lost"
[ ! -s "$tmp/lost" ] || die "not in the configuration: $(head -n 1 "$tmp/lost")"

objects=$build/objects.build-$side-devices
whole=$obj.objects
rm -f "$objects"
if [ ! -e "$obj/vmlinux" ]; then
	cat "$whole" >"$objects" 2>/dev/null || echo '~970' >"$objects"
fi
step "build-$side-devices" make -C "$src" ARCH=x86_64 O="$obj" CC='ccache gcc' -j"$jobs" bzImage ||
	die "cannot build: $(first_error "$build/log/build-$side-devices.log")"
if [ -e "$objects" ]; then
	grep -c '^  CC ' "$build/log/build-$side-devices.log" >"$whole"
fi
if [ "${2-}" = build ]; then
	exit 0
fi

# Of the kernel's headers, the one that libdrm does not have.
gcc -O2 -Wall -Werror -static -I/usr/include/libdrm -idirafter "$src/include/uapi" \
	-o "$program" harness/devices/devices.c -ldrm || die 'cannot compile harness/devices/devices.c'

# A qxl of the base that never made a release's fence signals it if the memory looks as if it had,
# which patch 30 ends. There, memory is zeroed.
words=
if [ "$side" = plain ]; then
	words=init_on_alloc=1
fi
emulate "boot-$side-devices" 300 "$obj" "$words root=root rootfstype=9p ro \
	rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose \
	init=$top/harness/devices-init.sh DEVICES=$program" \
	-device virtio-gpu-pci,xres=640,yres=480 -device qxl,xres=640,yres=480 -device vmware-svga \
	-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=root,mount_tag=root
tr -d '\r' <"$build/log/boot-$side-devices.log" >"$result.log"
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "the kernel did not run on two CPUs: $result.log"

# Name and result of each step, a reason to skip with the name. The drivers' own fences were made and
# signaled, by the tracepoints.
awk -v OFS='\t' '
	$1 == "device:" && $2 == "ok" { print $3, "PASS" }
	$1 == "device:" && $2 == "skip" { sub(/^device: skip /, ""); print $0, "SKIP" }
	$1 == "device:" && $2 == "not" { print $4, "FAIL" }
	$1 == "count:" { count[$2 ".fences_" $3] = $4 }
	$1 == "debug_locks:" { locks = $2 }
	END {
		split("virtio_gpu.fences_init virtio_gpu.fences_signaled qxl.fences_init qxl.fences_signaled",
			due)
		for (d in due)
			print due[d], (count[due[d]] > 0 ? "PASS" : "FAIL")
		print "lockdep_on", (locks == 1 ? "PASS" : "FAIL")
	}' "$result.log" | sort >"$result.tsv"
reports "$result.log" >"$result.reports"
[ -s "$result.tsv" ] && ! grep -q FAIL "$result.tsv"

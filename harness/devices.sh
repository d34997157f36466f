#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Drive the GPUs that QEMU emulates from user space: devices.sh series|plain
# The kernel is that of kunit.sh's rt, without KCSAN; its root is this machine's file system, read-only.
# Results: out/devices-SIDE.{log,tsv,reports}. Status 1: a step failed.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
begin
side=$1
kernel_at "$side" rt
program=$work/devices-$side
result=out/devices-$side
mkdir -p out
rm -f "$result".*
run harness/kunit.sh "$side" rt build || exit 2

# Of the kernel's headers, the one that libdrm does not have.
gcc -O2 -Wall -Werror -static -I/usr/include/libdrm -idirafter "$src/include/uapi" \
	-o "$program" harness/devices/devices.c -ldrm || die 'cannot compile harness/devices/devices.c'

# A qxl of the base that never made a release's fence signals it if the memory looks as if it had,
# which patch 30 ends. There, memory is zeroed.
words=
if [ "$side" = plain ]; then
	words=init_on_alloc=1
fi
# virglrenderer needs GL, for which a screen is there that nobody sees.
display=sdl,gl=on
through='xvfb-run -a'
LIBGL_ALWAYS_SOFTWARE=1
export LIBGL_ALWAYS_SOFTWARE
emulate_here "boot-$side-devices" 300 "$obj" "$words kunit.enable=0 kcsan.early_enable=0 \
	init=$top/harness/devices-init.sh DEVICES=$program" \
	-device virtio-gpu-gl-pci,xres=640,yres=480 -device qxl,xres=640,yres=480
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

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the fence suites pass on PREEMPT_RT, without a report; drivers/dma-buf compiles without warnings
# On: x86-64 in QEMU: PREEMPT_RT, lockdep, two CPUs
# Takes: minutes: a kernel and a boot in QEMU
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/compile.sh

suites rt
# With other words than the kernel was built with, so all of it is compiled again.
if step build-rt make -C "$build/step/src" ARCH=x86_64 O="$build/step/qemu" CC='ccache gcc' \
	-j"$jobs" W=1 drivers/dma-buf/; then
	warnings build-rt | none 'rt: drivers/dma-buf compiles without warnings'
else
	grep -E 'error|\*\*\*' "$build/log/build-rt.log" | fail 'rt: drivers/dma-buf compiles'
fi

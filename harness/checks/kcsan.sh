#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: no data race in the core, by the memory model of the kernel
# On: x86-64 in QEMU: PREEMPT_RT, then full preemption; KCSAN with weak memory, two CPUs
# Takes: minutes: three boots in QEMU after the builds of two kernels, of which one is that of rt
. "$(dirname "$0")/../lib/results.sh"

suites kcsan
suites full
suites order

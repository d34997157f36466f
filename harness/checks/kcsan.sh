#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: no data race in the core, by the memory model of the kernel
# On: x86-64 in QEMU: PREEMPT_RT, KCSAN with weak memory, two CPUs
# Takes: minutes: a boot in QEMU after the build of the kernel, which is that of rt
. "$(dirname "$0")/../lib/results.sh"

suites kcsan

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the same for tests that load modules, for sync objects and failing allocations
# On: x86-64 in QEMU, base and series: PREEMPT_RT, lockdep, kmemleak
# Takes: minutes: a boot of each side after the build of the kernels
. "$(dirname "$0")/../lib/results.sh"

selftests rt step

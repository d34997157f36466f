#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the suite of the fences of vmwgfx passes, without a report
# On: x86-64 in QEMU with vmwgfx: lockdep, two CPUs
# Takes: 8 minutes on two cores that another build shared: a kernel and a boot in QEMU
. "$(dirname "$0")/../lib/results.sh"

suites vmwgfx

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the fence suites pass with each preemption model that x86-64 and user mode have, without a report
# On: x86-64 in QEMU, full and lazy; user mode, voluntary: lockdep, two CPUs
# Takes: not known, it has not been run to its end
. "$(dirname "$0")/../lib/results.sh"

# full is a boot of kcsan.
suites lazy
suites voluntary

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: system calls on sync files, timelines and dma-bufs give what they give on the base; no report
# On: the user-mode kernel big: lockdep, KASAN, kmemleak
# Takes: minutes: two boots after the build of the kernel; twice that without a record of the base
. "$(dirname "$0")/../lib/results.sh"

selftests big series

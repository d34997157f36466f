#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the series for other kernels applies, compiles, and its suites pass
# On: the kernel of each directory in series/
# Takes: as make, for another kernel, and the files of the series
. "$(dirname "$0")/../lib/results.sh"

for directory in series/[0-9]*/; do
	BASE=$(basename "$directory")
	export BASE
	{ run harness/base.sh && run harness/checks/state.sh; } || echo "status $?" | fail "variant: $BASE ended early"
done

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the fence suites pass on 32 bit, without a report; drivers/dma-buf compiles there
# On: a user-mode kernel for i386: lockdep, two CPUs
# Takes: not known, it has not been run to its end
. "$(dirname "$0")/../lib/results.sh"

suites i386

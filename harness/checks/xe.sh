#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the suites of xe pass, that of its fences among them, without a report
# On: a user-mode kernel with xe: lockdep, two CPUs
# Takes: 11 minutes on two cores that another build shared: a kernel with all of xe
. "$(dirname "$0")/../lib/results.sh"

suites xe

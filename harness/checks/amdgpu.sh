#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the suite of the fences of user queues passes, without a report
# On: a user-mode kernel with amdgpu: lockdep, two CPUs
# Takes: 25 minutes on two cores that other builds shared: a kernel with all of amdgpu
. "$(dirname "$0")/../lib/results.sh"

suites amdgpu

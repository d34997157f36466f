#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the fence and nouveau suites pass, without a report
# On: the user-mode kernel of make: lockdep, two CPUs
# Takes: 11 to 16 minutes, as make; most is the build
. "$(dirname "$0")/../lib/results.sh"

suites um
exported um drivers/dma-buf/st- drivers/dma-buf/tests/ drivers/gpu/drm/nouveau/

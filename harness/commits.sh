#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The commits of the series on the base, in build/linux.git, for all checks that come after it.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
series_commits

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Delete what the harness made.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
begin
for directory in "$build" "$build"/[0-9]*; do
	what=$(unsaved "$directory") && die "$what"
done
rm -rf "$build" out

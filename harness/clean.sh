#!/bin/sh
# Delete what the harness made.
. "$(dirname "$0")/lib.sh"
begin
for directory in "$build" "$build"/[0-9]*; do
	what=$(unsaved "$directory") && die "$what"
done
rm -rf "$build" out

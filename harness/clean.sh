#!/bin/sh
# Delete what the harness made.
. "$(dirname "$0")/lib.sh"
begin
what=$(unsaved) && die "$what"
rm -rf "$build" out

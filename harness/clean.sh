#!/bin/sh
# Delete what the harness made.
. "$(dirname "$0")/lib.sh"
begin
what=$(unsaved) && die "$what: make save, or throw them away with git, first"
rm -rf "$build" out

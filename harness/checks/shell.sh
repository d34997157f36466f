#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: the scripts of the harness are clean for shellcheck
# On: no kernel
# Takes: 40 CPU seconds
. "$(dirname "$0")/../lib/results.sh"

{
	shellcheck harness/*.sh harness/checks/*.sh harness/lib/*.sh .ci/run || echo "shellcheck ended with $?"
} 2>&1 | none 'shellcheck'

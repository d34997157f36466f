#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Proves: a model of one fence holds in every state, and broken variants of it do not
# On: no kernel
# Takes: 20 seconds
. "$(dirname "$0")/../lib/results.sh"
. harness/lib/proof.sh

for words in '' -DALONE; do
	# shellcheck disable=SC2086 # perhaps no word
	model $words | grep -v 'errors: 0$' | none "model${words:+ $words}: holds in every state"
done
for words in -DTWO_STEPS -DCLEAR_EARLY=dispatching=0 -DNO_SECOND_LOOK=1 -DREMOVE_BLINDLY=1 \
	-DREMOVE_WAIT=skip -DWAIT=skip '-DALONE -DNO_RCU'; do
	# shellcheck disable=SC2086 # words
	model $words | grep -v 'errors: 1$' | none "model: $words is caught"
done

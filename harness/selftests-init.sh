#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The first program of the kernels that selftests.sh boots. Runs those of $PROGRAMS in the
# directory $TESTS; each line of their output gets the program's name in front.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t devtmpfs devtmpfs /dev

for program in $PROGRAMS; do
	begun=$(date +%s)
	{
		# shellcheck disable=SC2086 # words
		"$TESTS/$program" $ARGS
		echo "status $?"
	} 2>&1 | sed -u "s/^/$program: /"
	echo "$program: took $(($(date +%s) - begun)) s"
done

# Reported is what two scans some seconds apart find no pointer to.
if echo scan 2>/dev/null >/sys/kernel/debug/kmemleak; then
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	sed 's/^/kmemleak: /' /sys/kernel/debug/kmemleak
	echo 'kmemleak: done'
fi
sed -n 's/^ *debug_locks: */debug_locks: /p' /proc/lockdep_stats
# $OFF is RB_POWER_OFF, or RB_AUTOBOOT where that ends QEMU; the programs for it want a running system.
python3 -c "import ctypes; ctypes.CDLL(None).reboot($OFF)"

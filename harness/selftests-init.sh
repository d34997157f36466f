#!/bin/sh
# The first program of the user-mode kernel that selftests.sh boots. Runs every program of the
# directory $TESTS; each line of their output gets the program's name in front.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t devtmpfs devtmpfs /dev

run() { # program...
	for program; do
		{
			# shellcheck disable=SC2086 # words
			"$TESTS/$program" $ARGS
			echo "status $?"
		} 2>&1 | sed -u "s/^/$program: /"
	done
}

# First those that have few objects, watched by kmemleak, which makes every allocation slow.
# Objects are reported when two scans some seconds apart find no pointer to them.
many='sync_file_test sync_race_test'
if [ -n "${ONLY-}" ]; then
	run "$ONLY"
else
	for few in "$TESTS"/*_test; do
		few=$(basename "$few")
		case " $many " in
		*" $few "*) ;;
		*) run "$few" ;;
		esac
	done
fi
if echo scan >/sys/kernel/debug/kmemleak; then
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	sed 's/^/kmemleak: /' /sys/kernel/debug/kmemleak
	echo 'kmemleak: done'
	echo off >/sys/kernel/debug/kmemleak
fi
if [ -z "${ONLY-}" ]; then
	# shellcheck disable=SC2086 # words
	run $many
fi
sed -n 's/^ *debug_locks: */debug_locks: /p' /proc/lockdep_stats
# RB_POWER_OFF; the programs for it want a running system.
python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'

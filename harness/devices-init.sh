#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The first program of the kernel that devices.sh boots: drives each GPU, counts the tracepoints of
# the fences that their commands have. $DEVICES is the program of ours; lines that count begin with
# "device: " or "count: ".
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp

# By timeline, since those of a CRTC, which no device signals, have the same driver. Not emit, which
# asks for the fence's names outside an RCU read section: lockdep says so, on the base too, and only
# while somebody looks at that event.
events=/sys/kernel/tracing/events/dma_fence
for event in init signaled; do
	echo 'hist:keys=driver if timeline == "controlq" || timeline == "release"' \
		>$events/dma_fence_$event/trigger
done

# An input that neither ends nor has anything to read; modetest flips as long.
mkfifo /tmp/silence
exec 3<>/tmp/silence

# modetest counts its flips, and says how fast they were after 60.
modetest_flips() { # driver, name, words
	tested=$1
	name=$2
	shift 2
	modetest -M "$tested" "$@" -v <&3 >/tmp/modetest 2>&1 &
	for _ in $(seq 60); do
		sleep 0.5
		if grep -q '^freq: [0-9.]*Hz' /tmp/modetest || ! kill -0 $! 2>/dev/null; then
			break
		fi
	done
	kill $! 2>/dev/null
	wait $! 2>/dev/null
	status=$?
	uniq /tmp/modetest | sed "s/^/modetest $tested $name: /"
	if grep -q '^freq: [0-9.]*Hz' /tmp/modetest; then
		echo "device: ok $tested.$name"
	else
		echo "device: not ok $tested.$name status $status"
	fi
}

drive() { # driver
	"$DEVICES" run "$1" | sed -u 's/^/device: /'
	# shellcheck disable=SC2046 # words
	set -- "$1" $("$DEVICES" ids "$1")
	if [ $# = 5 ]; then
		modetest_flips "$1" modetest -s "$2@$3:$5"
		modetest_flips "$1" modetest_atomic -a -s "$2@$3:$5" -P "$4@$3:$5"
	else
		echo "device: not ok $1.modetest no screen"
	fi
}

drive virtio_gpu
drive qxl
"$DEVICES" share | sed -u 's/^/device: /'

for event in init signaled; do
	sed -n 's/^{ driver: *\([^ ]*\) *} hitcount: *\([0-9]*\).*/count: \1 '$event' \2/p' \
		$events/dma_fence_$event/hist
done
sed -n 's/^ *debug_locks: */debug_locks: /p' /proc/lockdep_stats
"$DEVICES" reboot

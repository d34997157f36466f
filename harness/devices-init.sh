#!/bin/sh
# The first program of the kernel that devices.sh boots: drives each GPU, counts the tracepoints of
# fences by driver. $DEVICES is the program of ours; lines that count begin with "device: ".
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp

events=/sys/kernel/tracing/events/dma_fence
for event in init emit enable_signal signaled wait_start; do
	echo 'hist:keys=driver' >$events/dma_fence_$event/trigger
done

# modetest flips until its standard input ends, or with atomic until it is stopped. It has to say how
# often, which it does after 60 flips.
modetest_flips() { # driver, name, words
	tested=$1
	name=$2
	shift 2
	sleep 5 | timeout 10 modetest -M "$tested" "$@" -v >/tmp/modetest 2>&1
	status=$?
	sed "s/^/modetest $tested $name: /" /tmp/modetest
	if grep -q '^freq: [0-9.]*Hz' /tmp/modetest; then
		echo "device: ok $tested.$name"
	else
		echo "device: not ok $tested.$name status $status"
	fi
}

for driver in virtio_gpu qxl; do
	"$DEVICES" run $driver | sed -u 's/^/device: /'
	# shellcheck disable=SC2046 # words
	set -- $("$DEVICES" ids $driver)
	if [ $# = 4 ]; then
		modetest_flips $driver modetest -s "$1@$2:$4"
		modetest_flips $driver modetest_atomic -a -s "$1@$2:$4" -P "$3@$2:$4"
	else
		echo "device: not ok $driver.modetest no screen"
	fi
done
"$DEVICES" share | sed -u 's/^/device: /'

for event in "$events"/*; do
	if [ -f "$event/hist" ]; then
		sed -n "s/^{ driver: *\([^ ]*\) *} hitcount: *\([0-9]*\).*/count: \1 $(basename "$event") \2/p" \
			"$event/hist"
	fi
done
sed -n 's/^ *debug_locks: */debug_locks: /p' /proc/lockdep_stats
"$DEVICES" reboot

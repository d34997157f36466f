# SPDX-License-Identifier: GPL-2.0-only
# How a script of the harness starts, runs its steps and ends. Each sources it first; no output of its own.
# shellcheck shell=sh disable=SC2034

set -u
LC_ALL=C
export LC_ALL
unset CDPATH GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE MAKELEVEL MFLAGS
MAKEFLAGS=
export MAKEFLAGS
start_dir=$(pwd)
case $0 in
*/checks/*) top=../.. ;;
*) top=.. ;;
esac
top=$(cd "$(dirname "$0")/$top" && pwd) || exit 2
cd "$top" || exit 2

# BASE=7.2 is the series for that kernel, with its variants of patches and a build/ of its own. KDIR_BUILD
# is set below "make KDIR=", whose base is the tree of whoever runs it.
kernel=7.3
kernel_min=7.2
variant=
build=$top/build
if [ -n "${KDIR_BUILD-}" ]; then
	build=$build/kdir
	variant=$(cat "$build/variant" 2>/dev/null)
elif [ "${BASE:-$kernel}" != $kernel ]; then
	if [ ! -d "series/$BASE" ]; then
		echo "error: BASE is $kernel or a directory in series/: $BASE" >&2
		exit 2
	fi
	variant=$BASE
	build=$build/$variant
fi
repo=$build/linux.git
jobs=$(nproc)
tmp=
child=

die() {
	echo "error: $*" >&2
	exit 2
}

note() {
	echo "note: $*" >&2
}

# Whatever ends the script ends its children and removes what it was working on.
cleanup() {
	rc=$?
	trap - EXIT
	trap '' INT TERM HUP
	for pid in $child; do
		kill -s TERM -- "-$pid" 2>/dev/null || kill -s TERM "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	if [ -n "$tmp" ]; then
		rm -rf "$tmp"
	fi
	exit "$rc"
}

# Take the lock on build/ (once for a chain of scripts) and make the scratch directory $tmp.
begin() {
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	{ mkdir -p "$build" && [ -w "$build" ]; } 2>/dev/null || die "cannot write to $build"
	if [ -z "${HARNESS_LOCKED-}" ]; then
		exec 9>"$build/lock" || exit 2
		flock -n 9 || die "another run is at work in $build"
		rm -rf "$build"/tmp.*
		HARNESS_LOCKED=1
		export HARNESS_LOCKED
	fi
	tmp=$(mktemp -d "$build/tmp.XXXXXX") || exit 2
}

need_disk() { # directory, MiB, what for
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] || die "too little disk for $3: $2 MiB needed, $free MiB free in $1"
}

# A path that the caller gave, relative to where the caller was.
absolute() { # path
	case $1 in
	/*) echo "$1" ;;
	*) echo "$start_dir/$1" ;;
	esac
}

# Is this a kernel tree that the series is for? Sets $kdir, and $variant by its version.
use_kdir() { # path given by the caller
	kdir=$(absolute "$1")
	[ -d "$kdir" ] || die "KDIR is missing: $kdir"
	for file in Makefile Kbuild Kconfig include/linux/dma-fence.h; do
		[ -f "$kdir/$file" ] || die "KDIR is no kernel tree: $kdir has no $file"
	done
	version=$(awk -F ' *= *' '/^VERSION/ { v = $2 } /^PATCHLEVEL/ { print v "." $2; exit }' "$kdir/Makefile")
	[ "$(printf '%s\n' "$version" "$kernel_min" | sort -V | head -n 1)" = "$kernel_min" ] ||
		die "KDIR is Linux $version, older than $kernel_min: $kdir"
	variant=
	if [ "$version" != "$kernel" ] && [ -d "series/$version" ]; then
		variant=$version
	fi
}

# CPU seconds, user and system, of what this shell has started and waited for. Leaves them in $cpu, since a
# subshell would see none.
count_cpu() {
	times >"$tmp/times"
	cpu=$(awk 'NR == 2 { gsub(/[ms]/, " "); printf "%d", ($1 + $3) * 60 + $2 + $4 }' "$tmp/times")
}

# Run a command as a step: output to build/log/NAME.log, progress on a terminal, seconds and CPU seconds to
# build/seconds. A step that compiles says how many objects to expect in build/objects.NAME.
step() { # name, command...
	name=$1
	shift
	mkdir -p "$build/log"
	log=$build/log/$name.log
	begun=$(date +%s)
	count_cpu
	cpu_begun=$cpu
	setsid setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null &
	child=$!
	if [ -t 2 ]; then
		while kill -0 "$child" 2>/dev/null; do
			progress
			sleep 0.5
		done
	fi
	wait "$child"
	step_rc=$?
	child=
	seconds=$(($(date +%s) - begun))
	count_cpu
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
	printf '%-24s %4d s\n' "$name" "$seconds"
	printf '%s %s %s\n' "$name" "$seconds" $((cpu - cpu_begun)) >>"$build/seconds"
	return "$step_rc"
}

# Run another script of the harness so that it ends when this one does.
run() { # command...
	"$@" &
	child=$!
	wait "$child"
	run_rc=$?
	child=
	return "$run_rc"
}

progress() {
	objects=$(grep -c '^  CC ' "$log")
	expected=
	if [ -s "$build/objects.$name" ]; then
		expected=" of $(cat "$build/objects.$name")"
	fi
	if [ "$objects" -gt 0 ]; then
		objects=" $objects$expected objects"
	else
		objects=
	fi
	printf '\r\033[K%s: %d s%s' "$name" "$(($(date +%s) - begun))" "$objects" >&2
}

first_error() { # log
	grep -m 1 -E '^Missing: |(error|Error|E): |\*\*\*' "$1" || grep . "$1" | tail -n 1
}

# SPDX-License-Identifier: GPL-2.0-only
# Kernels: how they are compiled, where they are, how x86-64 boots, what a run of KUnit says.
# shellcheck shell=sh disable=SC2034,SC2154

# The compiler cache is the user's own. Where its directory cannot be written, it is in build/. Paths below
# this directory are relative for it, so that another clone finds what this one compiled.
cc=gcc
if command -v ccache >/dev/null; then
	cc='ccache gcc'
	cache=$(ccache -k cache_dir 2>/dev/null)
	if [ -z "$cache" ] || ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
		CCACHE_DIR=$top/build/ccache
		export CCACHE_DIR
	fi
fi
CCACHE_BASEDIR=$top
CCACHE_NOHASHDIR=1
CCACHE_DEPEND=1
export CCACHE_BASEDIR CCACHE_NOHASHDIR CCACHE_DEPEND

# What x86-64 does not compile; arm64 does.
arm64_only='^drivers/gpu/drm/imagination/'

# Two processors; a user-mode kernel has them only when its processes run under seccomp.
kunit_smp='--kernel_args=ncpus=2 --kernel_args=seccomp=on'

# Kernels that kunit.sh builds: name; architecture; sources, build/series for user mode and build/step for
# x86-64; build directory there, which two can share; fragments of harness/config.
kernels='
um       um      series  um       um nouveau
big      um      series  big      um nouveau drm programs kasan
xe       um      series  xe       um xe
amdgpu   um      series  amdgpu   um amdgpu
rt       x86_64  step    qemu     qemu rt kcsan devices
kcsan    x86_64  step    qemu     qemu rt kcsan devices
vmwgfx   x86_64  step    vmwgfx   qemu vmwgfx
geforce  x86_64  step    geforce  qemu geforce
i915     x86_64  step    i915     qemu i915
'

# Sets $arch, $build_of, $fragments, $work, $src and $obj for one of them.
kernel_at() { # side, kernel
	read -r arch work build_of fragments <<-ROW
		$(echo "$kernels" | awk -v name="$2" '$1 == name { sub(/^[^ ]* */, ""); print }')
	ROW
	[ -n "$arch" ] || die "no kernel is called $2"
	work=$build/$work
	src=$work/src
	obj=$work/$build_of
	if [ "$1" = plain ]; then
		obj=$work/plain-$build_of
	fi
}

# Run a kernel for x86-64 on an emulated machine of two processors, as a step: its console is the
# step's log. The speed of the cycle counter is stated, because a busy machine fails to measure it;
# time would then come from timer interrupts, and stand still while a test holds those off.
emulate() { # name of the step, seconds, directory of the kernel, words for it, words for QEMU
	em_step=$1
	em_limit=$2
	em_kernel=$3/arch/x86/boot/bzImage
	em_khz=$(awk '/MHz/ { print int($4 * 1000); exit }' /proc/cpuinfo)
	em_words="console=ttyS0 panic=-1 no_timer_check tsc=reliable tsc_early_khz=${em_khz:-1000000} $4"
	shift 4
	step "$em_step" timeout -k 5 "$em_limit" qemu-system-x86_64 -nodefaults -no-user-config \
		-display none -monitor none -serial stdio -no-reboot -cpu qemu64 -m 1024 \
		-smp 2,sockets=2 -accel tcg,thread=multi -kernel "$em_kernel" -append "$em_words" "$@"
}

# The same with this machine's file system as root, read-only, and a script of ours as the first program.
emulate_here() { # name of the step, seconds, directory of the kernel, words with init=, words for QEMU
	here_step=$1
	here_limit=$2
	here_obj=$3
	here_words="root=root rootfstype=9p ro $4"
	shift 4
	emulate "$here_step" "$here_limit" "$here_obj" "$here_words \
		rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose" "$@" \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root
}

# Cases of a result of kunit.py: name, status.
kunit_cases() { # json
	jq -r 'def cases($in):
			(.test_cases[]? | [$in + "." + .name, .status]),
			(.sub_groups[]? | cases($in + "." + .name));
		.sub_groups[] | cases(.name) | @tsv' "$1"
}

# What lockdep, KASAN, KCSAN, RCU and the list checks wrote, a line a report.
reports() { # kernel log
	grep -E 'WARNING: |BUG: |INFO: (possible|trying|task|rcu)|Kernel panic|Oops|list_(add|del) corruption|turning off the locking' "$1"
}

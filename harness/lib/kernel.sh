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
um         um      series  um         um full nouveau
big        um      series  big        um full nouveau drm programs kasan
xe         um      series  xe         um full xe
amdgpu     um      series  amdgpu     um full amdgpu
voluntary  um      series  voluntary  um voluntary
i386       um      series  i386       um full i386
rt         x86_64  step    qemu       qemu rt kcsan devices
kcsan      x86_64  step    qemu       qemu rt kcsan devices
full       x86_64  step    preempt    qemu dynamic kcsan
lazy       x86_64  step    preempt    qemu dynamic kcsan
order      x86_64  step    preempt    qemu dynamic kcsan
vmwgfx     x86_64  step    vmwgfx     qemu vmwgfx
geforce    x86_64  step    geforce    qemu geforce
i915       x86_64  step    i915       qemu i915
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

# The suites of a kernel for x86-64 and words for its boot: $suites, $words.
#
# All suites but dma-buf-fence-chain: of that, three cases arm each of 4096 nodes once more at each of 4096
# signals, which takes minutes here. Chains on two CPUs are in dma-fence-containers and in the stress.
#
# full and lazy are one kernel, which chooses at boot. KCSAN looks at every 500th access, for 80 us; for order,
# which is to see single accesses, at every 50th, for 20 us.
suites_of_kernel() { # kernel
	suites='dma-*[!n]'
	words=
	case $1 in
	rt) words=kcsan.early_enable=0 ;;
	full) words=preempt=full ;;
	lazy) words='preempt=lazy kcsan.early_enable=0' ;;
	order)
		suites=dma-fence-order
		words='preempt=full kcsan.skip_watch=50 kcsan.udelay_task=20 dma_fence_kunit.order_ms=20000'
		;;
	vmwgfx) suites='vmwgfx*' ;;
	esac
}

# Boot it, as a step, with the words above.
emulate_suites() { # name of the step, directory of the kernel
	emulate "$1" 900 "$2" "kunit_shutdown=reboot kunit.enable=1 kunit.autorun=1 \
		kunit.filter_glob=$suites dma_fence_kunit.stress_ms=10000 $words"
}

# Run a kernel for x86-64 on an emulated machine of two processors, as a step: its console is the
# step's log. $display is QEMU's, if it needs one, and $through a command that provides it. The speed of the cycle counter is stated, because a busy machine fails to measure it;
# time would then come from timer interrupts, and stand still while a test holds those off.
emulate() { # name of the step, seconds, directory of the kernel, words for it, words for QEMU
	em_step=$1
	em_limit=$2
	em_kernel=$3/arch/x86/boot/bzImage
	em_khz=$(awk '/MHz/ { print int($4 * 1000); exit }' /proc/cpuinfo)
	em_words="console=ttyS0 panic=-1 no_timer_check tsc=reliable tsc_early_khz=${em_khz:-1000000} $4"
	shift 4
	# shellcheck disable=SC2086 # words
	step "$em_step" timeout -k 5 "$em_limit" ${through-} qemu-system-x86_64 -nodefaults -no-user-config \
		-display "${display:-none}" -monitor none -serial stdio -no-reboot -cpu qemu64 -m 1024 \
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

# Of the data races that a log has, those that count: a function of drivers/dma-buf, or an inline one
# of the headers, is in the stack of one of the two accesses.
races() { # kernel log, directory of the kernel
	find "$2/drivers/dma-buf" -name '*.o' -exec nm {} + | awk '$2 ~ /^[tT]$/ { print $3 }' >"$tmp/functions"
	awk 'NR == FNR { ours[$1]; next }
		/^BUG: KCSAN: / { if (hit) print race; race = $0; hit = 0; next }
		/^=+$/ { if (hit) print race; race = ""; hit = 0; next }
		race && /^ [a-zA-Z_][^ ]*\+0x/ {
			split($1, f, /[.+]/)
			if (f[1] in ours || f[1] ~ /^dma_(buf|fence|resv)_/)
				hit = 1
		}
		END { if (hit) print race }' "$tmp/functions" "$1"
}

# Shared by the scripts of the harness, which source it first. No output of its own.
# shellcheck shell=sh disable=SC2034

set -u
LC_ALL=C
export LC_ALL
unset CDPATH GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE MAKELEVEL MFLAGS
MAKEFLAGS=
export MAKEFLAGS
start_dir=$(pwd)
top=$(cd "$(dirname "$0")/.." && pwd) || exit 2
cd "$top" || exit 2

# BASE=7.2 is the series for that kernel, with its variants of patches and a build/ of its own.
kernel=7.3
kernel_min=7.2
variant=
build=$top/build
if [ "${BASE:-$kernel}" != $kernel ]; then
	if [ ! -d "series/$BASE" ]; then
		echo "error: BASE is $kernel or a directory in series/: $BASE" >&2
		exit 2
	fi
	variant=$BASE
	build=$build/$variant
fi
repo=$build/linux.git
package=linux-source-${variant:-$kernel}
our_dirs='drivers include Documentation tools scripts'
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

# Run a command as a step: output to build/log/NAME.log, progress on a terminal, seconds to
# build/seconds. A step that compiles says how many objects to expect in build/objects.NAME.
step() { # name, command...
	name=$1
	shift
	mkdir -p "$build/log"
	log=$build/log/$name.log
	begun=$(date +%s)
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
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
	printf '%-24s %4d s\n' "$name" "$seconds"
	printf '%s %s\n' "$name" "$seconds" >>"$build/seconds"
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

# --- Packages of a suite that the machine itself does not use ---

# The address before /dists/ of the machine's Debian release, whatever form its sources have.
find_mirror() {
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-sid}")
	mirror=$(apt-get --print-uris update 2>/dev/null |
		sed -n "s,^'\([^']*\)/dists/\($codename\|stable\|testing\|unstable\|sid\)/InRelease'.*,\1,p" |
		head -n 1)
	[ -n "$mirror" ] || die "no Debian mirror for $codename in the machine's apt sources"
}

# Run one of apt's commands with sources, lists, cache and state of our own.
private_apt() { # name of the step, suite, command...
	apt_step=$1
	apt=$tmp/apt/$2
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	signed=
	if [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
		signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	fi
	printf '%s\n' "deb $signed$mirror $2 main" "deb-src $signed$mirror $2 main" >"$apt/sources.list"
	shift 2
	set -- "$@" -o "Dir::Etc::sourcelist=$apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o "Dir::State=$apt" -o "Dir::State::lists=$apt/lists" \
		-o Dir::State::status=/dev/null -o "Dir::Cache=$apt/cache" \
		-o Acquire::Languages=none -o Acquire::Retries=2
	if [ "$(id -u)" = 0 ]; then
		set -- "$@" -o APT::Sandbox::User=root
	fi
	step "$apt_step" "$@"
}

# --- The format of a patch in series/ ---

# In order. Of a variant are the first ones, 0000, and those that stand for the patch of their name.
patches() {
	variants=series/${variant:-none}
	for patch in "$variants"/0000-*.patch series/[0-9][0-9][0-9][0-9]-*.patch; do
		if [ -f "$variants/${patch##*/}" ]; then
			echo "$variants/${patch##*/}"
		elif [ -f "$patch" ]; then
			echo "$patch"
		fi
	done
}

patch_message() { # patch
	awk '/^---$/ { exit } NR == 1 { sub(/^Subject: /, "") } { print }' "$1"
}

patch_brings() { # patch
	awk '/^---$/ { on = 1 } /^diff --git / { if (on) exit } on && sub(/^Brings: /, "")' "$1"
}

patch_diff() { # patch
	awk '/^---$/ { on = 1 } on && /^diff --git / { diff = 1 } diff' "$1"
}

patch_edits() { # patch
	patch_diff "$1" | sed -n 's,^diff --git a/\(.*\) b/.*,\1,p'
}

# All files that the series edits, and all that it brings.
series_edits() {
	patches | while read -r p; do patch_edits "$p"; done | sort -u
}

series_brings() {
	patches | while read -r p; do patch_brings "$p"; done | sort -u
}

# One word for all that goes into the commits.
series_hash() {
	{
		patches
		series_brings
	} | while read -r file; do
		echo "$file $(test -x "$file" && echo x)"
		cat "$file" 2>/dev/null
	done | git hash-object --stdin
}

# Which hunk of which file git could not place, from the text of git apply.
failed_hunk() { # diff, git's text
	place=$(sed -n 's/^error: patch failed: //p' "$2" | head -n 1)
	if [ -z "$place" ]; then
		sed -n 's/^error: //p' "$2" | head -n 1
		return
	fi
	awk -v file="${place%:*}" -v line="${place##*:}" '
		/^diff --git / { on = index($0, "diff --git a/" file " b/") == 1; hunk = 0 }
		on && /^@@ / {
			hunk++
			split($2, at, ",")
			if (at[1] == "-" line) {
				print file ", hunk " hunk " (" $1 " " $2 " " $3 " " $4 ")"
				exit
			}
		}' "$1"
}

# Make the commits of the series in a repository, without a working tree; prints the last one.
# Author and committer are whoever the environment says.
commit_series() { # repository, base commit, name of the tree in messages
	(
		GIT_DIR=$1
		GIT_INDEX_FILE=$tmp/index
		export GIT_DIR GIT_INDEX_FILE
		commit=$2
		git read-tree "$commit" || exit 2
		for p in series/*/[0-9][0-9][0-9][0-9]-*.patch; do
			case $p in
			*/0000-*) ;;
			*) [ ! -f "$p" ] || [ -f "series/${p##*/}" ] || die "$p is a variant of no patch" ;;
			esac
		done
		patches >"$tmp/patches"
		while read -r p; do
			patch_diff "$p" >"$tmp/diff"
			if [ -s "$tmp/diff" ] &&
			   ! git apply --cached --whitespace=nowarn "$tmp/diff" 2>"$tmp/apply"; then
				die "$p does not apply to $3: $(failed_hunk "$tmp/diff" "$tmp/apply")"
			fi
			patch_brings "$p" >"$tmp/brings"
			while read -r file; do
				[ -f "$file" ] || die "$p brings $file, which is not here"
				if git ls-files --error-unmatch -- "$file" >/dev/null 2>&1; then
					die "$file, which $p brings, exists in $3 already"
				fi
				mode=100644
				if [ -x "$file" ]; then
					mode=100755
				fi
				blob=$(git hash-object -w --no-filters -- "$file") || exit 2
				git update-index --add --cacheinfo "$mode,$blob,$file" || exit 2
			done <"$tmp/brings" || exit 2
			tree=$(git write-tree) || exit 2
			commit=$(patch_message "$p" | git commit-tree -p "$commit" "$tree") || exit 2
		done <"$tmp/patches" || exit 2
		echo "$commit"
	)
}

# An identity and a date that never change, so that equal series are equal commits.
fixed_identity() {
	GIT_AUTHOR_NAME='dma-fence series'
	GIT_AUTHOR_EMAIL='series@localhost'
	GIT_AUTHOR_DATE='1767225600 +0000'
	GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
	GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
	GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
}

# The commits of the series on our base, in build/linux.git; sets $series_top. Nothing to do
# when neither the series nor the base changed.
series_commits() {
	state="$(cat "$build/base") $(series_hash)"
	if [ "$(cat "$build/series.state" 2>/dev/null)" != "$state" ]; then
		series_top=$(fixed_identity && commit_series "$repo" base "the base") || exit 2
		git --git-dir="$repo" update-ref refs/harness/series "$series_top" || exit 2
		echo "$state" >"$build/series.state"
	fi
	series_top=$(git --git-dir="$repo" rev-parse refs/harness/series) || exit 2
}

# Put a commit into a working tree of ours; only what differs is written.
checkout() { # directory, commit
	if [ ! -e "$1/.git" ]; then
		rm -rf "$1"
		git --git-dir="$repo" worktree prune
		git --git-dir="$repo" worktree add -q --no-checkout --detach "$1" base || exit 2
	fi
	rm -f "$repo/worktrees/$(basename "$(git -C "$1" rev-parse --git-dir)")/index.lock"
	git -C "$1" checkout -q --force --detach "$2" || exit 2
}

# The series, or the plain base, into a working tree of ours.
checkout_side() { # directory, series|plain
	if [ "$2" = plain ]; then
		checkout "$1" base
	else
		checkout "$1" refs/harness/series
	fi
}

# Is there work in build/tree that only exists there? Prints what.
unsaved() { # build directory
	[ -e "$1/tree/.git" ] || return 1
	if [ -n "$(git -C "$1/tree" status --porcelain)" ]; then
		echo "${1#"$top"/}/tree has uncommitted edits, which make save takes once they are committed"
	elif [ "$(git -C "$1/tree" rev-parse HEAD)" != \
	       "$(git --git-dir="$1/linux.git" rev-parse -q --verify refs/harness/saved)" ]; then
		echo "${1#"$top"/}/tree has commits that make save has not taken"
	else
		return 1
	fi
}

# --- The kernel ---

# What x86-64 does not compile; arm64 does.
arm64_only='^drivers/gpu/drm/imagination/'

jobs=$(nproc)
CCACHE_DIR=$top/build/ccache
CCACHE_BASEDIR=$top/build
CCACHE_NOHASHDIR=1
CCACHE_DEPEND=1
CCACHE_MAXSIZE=3G
export CCACHE_DIR CCACHE_BASEDIR CCACHE_NOHASHDIR CCACHE_DEPEND CCACHE_MAXSIZE

# Two processors; a user-mode kernel has them only when its processes run under seccomp.
kunit_smp='--kernel_args=ncpus=2 --kernel_args=seccomp=on'

# Where a kernel of kunit.sh is: sets $arch, $build_of (its name, which two configurations share), $work,
# $src and $obj.
kernel_at() { # side, configuration
	arch=um
	work=$build/series
	build_of=$2
	case $2 in
	rt | kcsan | vmwgfx)
		arch=x86_64
		work=$build/step
		;;
	esac
	case $2 in
	rt | kcsan) build_of=qemu ;;
	esac
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

kunit_table() { # tsv
	awk -F '\t' '
		{ suite = $1; sub(/\..*/, "", suite) }
		!(suite in seen) { seen[suite] = 1; order[++n] = suite }
		{ count[suite, $2 == "PASS" ? "p" : $2 == "SKIP" ? "s" : "f"]++ }
		END {
			for (i = 1; i <= n; i++)
				printf "%-40s %7d %7d %7d\n", order[i], count[order[i], "p"],
					count[order[i], "f"], count[order[i], "s"]
		}' "$1"
}

# What lockdep, KASAN, KCSAN, RCU and the list checks wrote, a line a report.
reports() { # kernel log
	grep -E 'WARNING: |BUG: |INFO: (possible|trying|task|rcu)|Kernel panic|Oops|list_(add|del) corruption|turning off the locking' "$1"
}

# Of the data races that a log has, those that count: a function of drivers/dma-buf, or an inline one
# of the headers, is in the stack of one of the two accesses.
races() { # kernel log, directory of the kernel
	nm "$2"/drivers/dma-buf/*.o | awk '$2 ~ /^[tT]$/ { print $3 }' >"$tmp/functions"
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

# --- Model and litmus tests ---

# Check the model with some of its steps replaced; prints what was found.
model() { # words for spin
	rm -rf "$tmp/model"
	mkdir "$tmp/model"
	(
		cd "$tmp/model" || exit 2
		spin -a "$@" "$top/harness/model/dma_fence.pml" && gcc -O2 -DSAFETY -DCOLLAPSE \
			-DMEMLIM=4096 -o pan pan.c && ./pan -m100000
	) >"$tmp/pan.log" 2>&1
	grep -E 'errors: [0-9]+$' "$tmp/pan.log" || tail -n 2 "$tmp/pan.log"
}

# What herd7 says of a litmus test: its observation, and whether there is a data race.
litmus() { # tree, file
	env -C "$1/tools/memory-model" timeout 60 \
		"$build/herd/herd7" -conf linux-kernel.cfg "../../$2" >"$tmp/herd.log" 2>&1
	sed -n -e 's/^Observation [^ ]* \([A-Z][a-z]*\) .*/\1/p' -e 's/^Flag data-race$/DATARACE/p' \
		"$tmp/herd.log" | sort -r | paste -s -d ' '
}

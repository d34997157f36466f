# SPDX-License-Identifier: GPL-2.0-only
# C files of the series compiled as objects, for the checks of compilers and sparse.
# shellcheck shell=sh disable=SC2154

at_step() { # commit: build/step/src holds it
	checkout "$build/step/src" "$1"
}

touched() { # commit or range: the kernel's C files that it edits or brings, as they are compiled
	for tree; do :; done
	git --git-dir="$repo" diff-tree -r --no-renames --name-only --diff-filter=d "$@" |
		grep '\.c$' | grep -v -E '^(tools|scripts|samples|Documentation)/' |
		while read -r file; do
			# Tests that another file includes are a part of that one. Headers of drivers are large.
			git --git-dir="$repo" grep -l -E "^#include \"(.*/)?$(basename "$file")\"" "$tree" -- \
				"$(echo "$file" | cut -d / -f 1-4)/*.c" | sed 's/^[^:]*://' | grep . || echo "$file"
		done | sort -u
}

# Objects for C files, in the form that make wants. amdkfd is compiled from within amdgpu.
objects_of() {
	sed -e 's/\.c$/.o/' -e 's,/amd/amdkfd/,/amd/amdgpu/../amdkfd/,'
}

# Of C files or objects those that a compiler can take.
for_compiler() { # x86 or arm64
	if [ "$1" = arm64 ]; then
		grep "$arm64_only"
	else
		grep -v "$arm64_only"
	fi
}

# Each compiler has a build directory and a configuration of its own.
compile() { # x86, arm64 or clang; name of the step, file of objects, words for make
	where=$1
	what=$2
	objects=$3
	shift 3
	case $where in
	x86) set -- ARCH=x86_64 CC="ccache gcc" "$@" ;;
	clang) set -- ARCH=x86_64 CC="ccache clang-19" "$@" ;;
	arm64) set -- ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC="ccache aarch64-linux-gnu-gcc" "$@" ;;
	esac
	obj=$build/step/$where
	if [ ! -e "$obj/.config" ] || ! cmp -s harness/config/x86.config "$obj.fragment"; then
		mkdir -p "$obj"
		step "config-$where" make -C "$build/step/src" O="$obj" "$@" \
			KCONFIG_ALLCONFIG="$top/harness/config/x86.config" allmodconfig ||
			die "cannot configure $where: $(first_error "$build/log/config-$where.log")"
		cp harness/config/x86.config "$obj.fragment"
	fi
	# W=1 would start kernel-doc for each file; that is a check of its own.
	# shellcheck disable=SC2046 # a list of words
	step "$what" make -C "$build/step/src" O="$obj" "$@" cmd_checkdoc= -j"$jobs" -k $(cat "$objects")
}

# Warnings and errors of a log, without line numbers.
warnings() { # name of the step
	grep -E '(warning|error): ' "$build/log/$1.log" | sed -e 's/:[0-9]*:[0-9]*:/:/' \
		-e "s,^$build/step/src/,," -e 's,^\.\./src/,,' | sort
}

# What the base says, too, is no news. It is compiled only for what warns here. Leaves the base's
# warnings in $tmp/base.warnings.
base_says() { # compiler, name of the step, file of objects, words for make
	base_where=$1
	base_step=$2
	at_step base
	while read -r object; do
		if [ -f "$build/step/src/${object%.o}.c" ]; then
			# A build that finds its objects there says nothing.
			rm -f "$build/step/$base_where/$object"
			echo "$object"
		fi
	done <"$3" >"$tmp/base.objects"
	shift 3
	if grep -q '^drivers/dma-buf/' "$tmp/base.objects"; then
		rm -f "$build/step/$base_where"/drivers/dma-buf/*.o
		echo drivers/dma-buf/ >>"$tmp/base.objects"
	fi
	compile "$base_where" "$base_step" "$tmp/base.objects" "$@" ||
		die "the base does not compile: $(first_error "$build/log/$base_step.log")"
	warnings "$base_step" >"$tmp/base.warnings"
}

# How the build directory compiled its C files, by the path in the tree: file, tab, command.
commands() { # compiler
	python3 "$build/step/src/scripts/clang-tools/gen_compile_commands.py" -d "$build/step/$1" \
		-o "$tmp/commands.json" || exit 2
	jq -r --arg top "$build/step/src/" \
		'.[] | select(.file | startswith($top)) | [.file[($top | length):], .command] | join("\t")' \
		"$tmp/commands.json"
}

# Compile C files as make compiled them in the last state of the series. "git rebase --exec make" would do, but
# for its time: of a make with one changed file, 8 CPU seconds in a tree of this size, nearly all goes into
# finding out that nothing else is to be done.
replay() { # compiler, name of the step, file of C files
	awk -F '\t' 'NR == FNR { want[$1]; next }
		$1 in want { print $2; delete want[$1] }
		END { for (file in want) print "echo error: nothing compiles " file }' \
		"$3" "$tmp/commands.$1" >"$tmp/replay"
	step "$2" env -C "$build/step/$1" xargs -a "$tmp/replay" -d '\n' -n 1 -P "$jobs" sh -c ||
		echo 'error: a compiler failed' >>"$build/log/$2.log"
}

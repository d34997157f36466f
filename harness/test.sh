#!/bin/sh
# The checks: test.sh runs all, test.sh NAME... some, test.sh names lists them.
# The last line is "N passed, N failed", checks and KUnit cases together.
. "$(dirname "$0")/lib.sh"
# Two rows at a time, since a kernel that boots leaves processors idle. What is for x86-64 has build/step
# to itself, what is for user mode build/series; out/ has a name for each result.
x86='shell harness model cocci apply checkpatch kerneldoc commits clang sparse rt kcsan devices modules bench'
um='litmus drm lockdep selftests mutants'
# Not a part of all, by the time that they take. The suites of kunit, the kernel of make, are in drm's, too.
alone='kunit xe vmwgfx amdgpu variant state'

if [ "${1-}" = names ]; then
	echo "$x86 $um $alone"
	exit 0
fi
begin

# Lines of a word, pass, fail or skip, and how many checks and cases.
counts=${COUNTS-$tmp/counts}
count() { # word, how often
	echo "$1 $2" >>"$counts"
}
counted() { # word
	awk -v word="$1" '$1 == word { sum += $2 } END { print sum + 0 }' "$counts"
}
pass() { # what
	echo "PASS $1"
	count pass 1
}
fail() { # what, then the lines that show it on standard input
	echo "FAIL $1    (alone: make test-$check)"
	# Equal lines once, with their number, and not thousands of others.
	uniq -c | sed -e '21,$d' -e 's/^ *1 /     /' -e 's/^ *\([1-9][0-9]*\) /     (\1 times) /'
	count fail 1
}
# Pass when nothing comes in on standard input.
none() { # what
	cat >"$tmp/lines"
	if [ -s "$tmp/lines" ]; then
		fail "$1" <"$tmp/lines"
	else
		pass "$1"
	fi
}

at_step() { # commit: build/step/src holds it
	checkout "$build/step/src" "$1"
}

commits() {
	git --git-dir="$repo" rev-list --reverse "base..$series_top"
}

title() { # commit
	git --git-dir="$repo" show -s --format='%s' "$1"
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

check_shell() {
	shellcheck harness/*.sh .ci/run 2>&1 | none 'shellcheck'
}

check_apply() {
	# A full index, and only the edited files in the working tree.
	am=$tmp/am
	git --git-dir="$repo" worktree add -q --no-checkout --detach "$am" base || exit 2
	git -C "$am" read-tree base
	OUT=$tmp/mail KDIR='' SIGNOFF='' harness/series.sh >/dev/null || exit 2
	grep -L '^To: ' "$tmp"/mail/*.patch | none 'each mail has somebody to go to'
	rm "$tmp/mail/0000-cover-letter.patch"
	series_edits | git -C "$am" checkout-index --stdin 2>/dev/null
	if git -C "$am" -c user.name=test -c user.email=test@localhost -c commit.gpgsign=false \
	       am "$tmp"/mail/*.patch >"$tmp/am.log" 2>&1 &&
	   [ "$(git -C "$am" rev-parse 'HEAD^{tree}')" = \
	     "$(git --git-dir="$repo" rev-parse "$series_top^{tree}")" ]; then
		pass 'git am of the mail onto the untouched base gives the tree of the series'
	else
		fail 'git am of the mail onto the untouched base' <"$tmp/am.log"
	fi
	git -C "$am" checkout-index -q scripts/get_maintainer.pl
	# By an entry for the file, not by words in it; lists and reviewers do not count.
	# shellcheck disable=SC2016 # expanded by the inner shell
	series_brings | (cd "$am" && xargs -P "$jobs" -I {} sh -c 'perl scripts/get_maintainer.pl \
		--no-tree --nogit --nogit-fallback --nokeywords --nol --nor -f "$1" 2>&1 | grep -q "@" ||
		echo "$1"' who {}) | none 'MAINTAINERS has an entry for each new file'
	rm -rf "$am"
	git --git-dir="$repo" worktree prune
}

check_checkpatch() {
	GIT_AUTHOR_NAME='A Tester' GIT_AUTHOR_EMAIL='a.tester@example.org' \
		OUT=$tmp/mail KDIR='' SIGNOFF=1 harness/series.sh >/dev/null || exit 2
	at_step "$series_top"
	(
		cd "$tmp/mail" || exit 2
		rm 0000-cover-letter.patch
		perl "$build/step/src/scripts/checkpatch.pl" --strict --show-types --terse \
			--root="$build/step/src" ./*.patch | sed 's,^\./,,' | sort -u
	) | grep -E ': (ERROR|WARNING|CHECK):' >"$tmp/said"
	grep -v -E '^(#|$)' harness/checkpatch.reasons >"$tmp/reasons"
	: >"$tmp/used"
	while IFS= read -r said; do
		while read -r glob type reason; do
			# shellcheck disable=SC2254 # it is a pattern
			case ${said%%:*} in
			$glob) ;;
			*) continue ;;
			esac
			case $said in
			*":$type: "*)
				echo "$glob $type $reason" >>"$tmp/used"
				continue 2
				;;
			esac
		done <"$tmp/reasons"
		echo "$said"
	done <"$tmp/said" | none 'checkpatch --strict: nothing without a reason'
	grep -v -x -F -f "$tmp/used" "$tmp/reasons" |
		none 'checkpatch: every reason is needed, and states one'
}

check_model() {
	for words in '' -DALONE; do
		# shellcheck disable=SC2086 # perhaps no word
		model $words | grep -v 'errors: 0$' | none "model${words:+ $words}: holds in every state"
	done
	for words in -DTWO_STEPS -DCLEAR_EARLY=dispatching=0 -DNO_SECOND_LOOK=1 -DREMOVE_BLINDLY=1 \
		-DREMOVE_WAIT=skip -DWAIT=skip '-DALONE -DNO_RCU'; do
		# shellcheck disable=SC2086 # words
		model $words | grep -v 'errors: 1$' | none "model: $words is caught"
	done
}

cocci='spatch --very-quiet --no-includes --include-headers'

# What the script says of a sample, in an order and with names that do not change.
cocci_sample() { # mode, sample
	quiet=
	case $1 in
	report | org) quiet=--no-show-diff ;;
	esac
	# shellcheck disable=SC2086 # words
	(cd harness/coccinelle && $cocci -D "$1" $quiet --cocci-file "$tmp/script.cocci" "$2" 2>&1) |
		sed "s,^+++ /.*,+++ $2," >"$tmp/said"
	case $1 in
	report) sort -t : -k 2n "$tmp/said" ;;
	org) sort -t = -k 3n "$tmp/said" ;;
	*) cat "$tmp/said" ;;
	esac
}

# What the script finds in the files of $tmp/files as a commit has them: kind, file, line.
cocci_places() { # commit
	rm -rf "$tmp/places"
	mkdir "$tmp/places"
	tr '\n' '\0' <"$tmp/files" | xargs -0 git --git-dir="$repo" archive "$1" -- | tar x -C "$tmp/places"
	# shellcheck disable=SC2086 # words
	step cocci $cocci -D report --no-show-diff -j "$jobs" --cocci-file "$tmp/script.cocci" \
		--dir "$tmp/places" >&2 || die "spatch: $(first_error "$build/log/cocci.log")"
	awk -v top="$tmp/places/" '
		BEGIN {
			kind["signals with"] = "signal"
			kind["the fence lock is the core"] = "lock"
			kind["to wait for callbacks"] = "lock"
			kind["error set under"] = "lock"
			kind["state read"] = "state"
			kind["the callbacks are"] = "list"
			kind["given a lock of its issuer"] = "init"
			kind["no parameter any more"] = "null"
		}
		index($0, top) == 1 {
			split(substr($0, length(top) + 1), at, ":")
			for (text in kind)
				if (index($0, text))
					print kind[text], at[1], at[2]
			# An error that is set if the state is read so.
			if (index($0, "error set under"))
				print "state", at[1], at[2]
		}' "$build/log/cocci.log" | sort -u
}

check_cocci() {
	script=scripts/coccinelle/api/dma_fence_unlocked.cocci
	if ! git --git-dir="$repo" show "$series_top:$script" >"$tmp/script.cocci" 2>/dev/null; then
		echo 'SKIP the series has no script for Coccinelle'
		return
	fi
	for mode in report context org patch; do
		for sample in harness/coccinelle/*.c; do
			name=$(basename "$sample" .c)
			cocci_sample "$mode" "$name.c" >"$tmp/$name.$mode"
			diff "harness/coccinelle/expected/$name.$mode" "$tmp/$name.$mode"
		done | none "cocci: $mode says of the samples what it should"
	done

	places=harness/coccinelle/places
	made_for=$(sed -n 's/^# base //p' $places)
	case $(cat "$build/base") in
	"$made_for"-*) ;;
	*)
		echo "SKIP cocci: the places in the base are those of $made_for"
		count skip 1
		return
		;;
	esac
	grep -v '^#' $places | cut -d ' ' -f 2 | sort -u >"$tmp/files"
	cocci_places base >"$tmp/found"
	awk '/^#/ { next } { for (i = 3; i <= NF; i++) print $1, $2, $i }' $places | sort -u >"$tmp/due"
	comm -13 "$tmp/found" "$tmp/due" |
		none "cocci: finds all $(wc -l <"$tmp/due") places in the base that it is for"
	git --git-dir="$repo" diff-tree -r --no-renames --name-only --diff-filter=d base "$series_top" -- \
		drivers include | grep '\.[ch]$' | sort -u -o "$tmp/files" - "$tmp/files"
	cocci_places "$series_top" | grep -v -E ' drivers/dma-buf/(dma-fence(-signal)?\.c|st-.*) ' |
		none "cocci: finds none in $(wc -l <"$tmp/files") files of the series, outside the core and its tests"
}

# A litmus test says in a comment what herd7 must find, and that it is about a data race.
check_litmus() {
	git --git-dir="$repo" ls-tree -r --name-only "$series_top" Documentation/litmus-tests/dma-fence \
		>"$tmp/litmus"
	if [ ! -s "$tmp/litmus" ]; then
		echo 'SKIP the series has no litmus tests'
		return
	fi
	run harness/herd.sh || exit 2
	checkout "$build/series/src" "$series_top"
	while read -r file; do
		expected=$(sed -n 's/^ \* Result: //p' "$build/series/src/$file")
		found=$(litmus "$build/series/src" "$file")
		if [ -n "$expected" ] && [ "$found" = "$expected" ]; then
			pass "litmus: $(basename "$file" .litmus): $found"
		else
			{
				echo "expected ${expected:-no result is stated}, found ${found:-nothing}"
				cat "$tmp/herd.log"
			} | fail "litmus: $(basename "$file" .litmus)"
		fi
	done <"$tmp/litmus"
}

# Objects for C files, in the form that make wants. amdkfd is compiled from within amdgpu.
objects_of() {
	sed -e 's/\.c$/.o/' -e 's,/amd/amdkfd/kfd_svm,/amd/amdgpu/../amdkfd/kfd_svm,'
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
	x86) set -- ARCH=x86_64 CC='ccache gcc' "$@" ;;
	clang) set -- ARCH=x86_64 CC='ccache clang-19' "$@" ;;
	arm64) set -- ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC='ccache aarch64-linux-gnu-gcc' "$@" ;;
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

# Compile C files as make compiled them in the last state of the series: most of the time of a make in
# a tree of this size goes into finding out that nothing else is to be done.
replay() { # compiler, name of the step, file of C files
	awk -F '\t' 'NR == FNR { want[$1]; next }
		$1 in want { print $2; delete want[$1] }
		END { for (file in want) print "echo error: nothing compiles " file }' \
		"$3" "$tmp/commands.$1" >"$tmp/replay"
	step "$2" env -C "$build/step/$1" xargs -a "$tmp/replay" -d '\n' -n 1 -P "$jobs" sh -c ||
		echo 'error: a compiler failed' >>"$build/log/$2.log"
}

check_commits() {
	number=0
	for commit in $(commits); do
		number=$((number + 1))
		touched "$commit" >"$tmp/touched.$number"
		: >"$tmp/new.$number"
	done
	at_step "$series_top"
	touched base "$series_top" >"$tmp/touched"
	for where in x86 arm64; do
		for_compiler $where <"$tmp/touched" | objects_of >"$tmp/objects"
		[ $where = arm64 ] || echo drivers/dma-buf/ >>"$tmp/objects"
		compile $where "commits-$where" "$tmp/objects" W=1
		commands "$where" >"$tmp/commands.$where"
	done
	for where in x86 arm64; do
		number=0
		: >"$tmp/warn"
		for commit in $(commits); do
			number=$((number + 1))
			: >"$tmp/warn.$number"
			for_compiler $where <"$tmp/touched.$number" >"$tmp/files"
			# A header of ours: all of drivers/dma-buf that is there, which uses each of them.
			if [ $where = x86 ] && git --git-dir="$repo" diff-tree -r --name-only "$commit" |
			   grep -q '^include/'; then
				git --git-dir="$repo" ls-tree -r --name-only "$commit" drivers/dma-buf/ >"$tmp/there"
				cut -f 1 "$tmp/commands.x86" | sort | comm -12 - "$tmp/there" >>"$tmp/files"
			fi
			[ -s "$tmp/files" ] || continue
			at_step "$commit"
			replay $where "$where-$number" "$tmp/files"
			warnings "$where-$number" | sort -u >"$tmp/warn.$number"
			if [ -s "$tmp/warn.$number" ]; then
				objects_of <"$tmp/files" >>"$tmp/warn"
			fi
		done
		: >"$tmp/base.warnings"
		if [ -s "$tmp/warn" ]; then
			sort -u -o "$tmp/warn" "$tmp/warn"
			base_says $where "$where-base" "$tmp/warn" W=1
		fi
		sort -u "$tmp/base.warnings" >"$tmp/known"
		number=0
		for commit in $(commits); do
			number=$((number + 1))
			comm -23 "$tmp/warn.$number" "$tmp/known" >>"$tmp/new.$number"
		done
	done
	number=0
	for commit in $(commits); do
		number=$((number + 1))
		none "commit $number compiles without new warnings: $(title "$commit")" <"$tmp/new.$number"
	done
}

# The compilers' logs have it with W=1, but only of C files, and not in the form of a warning of theirs.
check_kerneldoc() {
	git --git-dir="$repo" diff-tree -r --no-renames --name-only --diff-filter=d base "$series_top" -- \
		drivers include | grep '\.[ch]$' >"$tmp/files"
	for commit in base "$series_top"; do
		at_step "$commit"
		git --git-dir="$repo" ls-tree -r --name-only "$commit" | sort | comm -12 - "$tmp/files" |
			env -C "$build/step/src" PYTHONDONTWRITEBYTECODE=1 \
				xargs python3 tools/docs/kernel-doc -none 2>&1 |
			sed 's/:[0-9][0-9]* /: /' | sort -u >"$tmp/doc.$commit"
	done
	comm -13 "$tmp/doc.base" "$tmp/doc.$series_top" |
		none "kernel-doc says nothing of $(wc -l <"$tmp/files") files that the base does not have"
}

# The other compiler, on the whole series; and is there a file that nobody has compiled?
check_clang() {
	at_step "$series_top"
	touched base "$series_top" | objects_of >"$tmp/touched"
	for_compiler x86 <"$tmp/touched" >"$tmp/x86"
	for_compiler arm64 <"$tmp/touched" >"$tmp/arm64"
	compile clang clang "$tmp/x86" W=1 || grep -E 'error|\*\*\*' "$build/log/clang.log"
	compile arm64 arm64 "$tmp/arm64" W=1 || grep -E 'error|\*\*\*' "$build/log/arm64.log"
	{
		(cd "$build/step/clang" && xargs ls <"$tmp/x86" 2>&1 >/dev/null)
		(cd "$build/step/arm64" && xargs ls <"$tmp/arm64" 2>&1 >/dev/null)
	} | none "each of the $(wc -l <"$tmp/touched") C files that the series touches is compiled"
	warnings clang | sort -u >"$tmp/warn.clang"
	: >"$tmp/base.warnings"
	if [ -s "$tmp/warn.clang" ]; then
		base_says clang clang-base "$tmp/x86" W=1
	fi
	sort -u "$tmp/base.warnings" | comm -13 - "$tmp/warn.clang" |
		none 'clang says nothing that the base does not have'
}

# The series for other kernels: it applies, what it touches compiles, the suites pass.
check_variant() {
	for directory in series/*/; do
		BASE=$(basename "$directory")
		export BASE
		run "$0" state || echo "status $?" | fail "variant: $BASE ended early"
	done
}

# The last state of the series, compiled. Every message of the compilers counts, without W=1.
check_state() {
	series="the series for ${variant:-$kernel}"
	pass "$series applies"
	at_step "$series_top"
	touched base "$series_top" | objects_of >"$tmp/touched"
	: >"$tmp/said"
	for where in x86 arm64; do
		for_compiler $where <"$tmp/touched" >"$tmp/$where"
		compile $where "state-$where" "$tmp/$where" ||
			grep -E 'error|\*\*\*' "$build/log/state-$where.log" >>"$tmp/said"
		warnings "state-$where" >>"$tmp/said"
		(cd "$build/step/$where" && xargs ls <"$tmp/$where" 2>&1 >/dev/null) >>"$tmp/said"
	done
	none "$series: $(wc -l <"$tmp/touched") C files compile, and none is left out" <"$tmp/said"
	suites um
}

check_sparse() {
	run harness/sparse.sh || exit 2
	git --git-dir="$repo" diff-tree -r --name-only base "$series_top" >"$tmp/ours"
	touched base "$series_top" | objects_of >"$tmp/touched"
	for where in x86 arm64; do
		at_step "$series_top"
		for_compiler $where <"$tmp/touched" >"$tmp/objects"
		[ $where = arm64 ] || echo drivers/dma-buf/ >>"$tmp/objects"
		# Of each object in one piece, so that a warning is below the file that it came from.
		compile $where "sparse-$where" "$tmp/objects" -O W=1 C=2 CHECK="$build/sparse/sparse" ||
			die "cannot compile for sparse: $(first_error "$build/log/sparse-$where.log")"
		grep -q '^  CHECK ' "$build/log/sparse-$where.log" ||
			die "sparse did not run: $(first_error "$build/log/sparse-$where.log")"
		warnings "sparse-$where" | grep -v '\[-W' >"$tmp/sparse.top"
		awk '$1 == "CHECK" { file = $2 } / (warning|error): / && !/\[-W/ { print file }' \
			"$build/log/sparse-$where.log" | grep '^drivers/' | sort -u | objects_of >"$tmp/warn"
		: >"$tmp/base.warnings"
		if [ -s "$tmp/warn" ]; then
			# What the base says about headers that only new files of the series include.
			[ "$where" = arm64 ] || echo drivers/gpu/drm/nouveau/nvif/object.o >>"$tmp/warn"
			base_says "$where" "sparse-$where-base" "$tmp/warn" W=1 C=2 CHECK="$build/sparse/sparse"
		fi
		grep -v '\[-W' "$tmp/base.warnings" >"$tmp/sparse.base"
		# A header that the series does not touch says it once for each file that includes it.
		awk -F : -v ours="$tmp/ours" 'BEGIN { while ((getline f <ours) > 0) our[f] = 1 }
			!($1 in our)' "$tmp/sparse.base" | sort -u >"$tmp/known"
		comm -13 "$tmp/sparse.base" "$tmp/sparse.top" | grep -v -x -F -f "$tmp/known" |
			none "sparse for $where on $(wc -l <"$tmp/objects") files: nothing that the base does not have"
	done
}

# Count the cases of a run as passed, failed, skipped; complain of reports.
judge() { # result, name
	if [ ! -s "$1.tsv" ]; then
		fail "$2: no result" </dev/null
		return
	fi
	count pass "$(awk -F '\t' '$2 == "PASS"' "$1.tsv" | wc -l)"
	count skip "$(awk -F '\t' '$2 == "SKIP"' "$1.tsv" | wc -l)"
	awk -F '\t' '$2 == "SKIP" { print "SKIP '"$2"': " $1 }' "$1.tsv"
	awk -F '\t' '$2 != "PASS" && $2 != "SKIP"' "$1.tsv" >"$tmp/bad"
	while read -r case state; do
		echo "$state, log: $1.log" | fail "$2: $case"
	done <"$tmp/bad"
}

suites() { # config
	run harness/kunit.sh series "$1"
	status=$?
	result=out/${variant:+$variant-}kunit-series-$1
	judge "$result" "$1"
	if [ "$status" = 0 ] || [ -s "$tmp/bad" ]; then
		pass "$1: the kernel booted and ran every suite"
	else
		grep . "$build/log/boot-series-$1.log" | tail -n 3 |
			fail "$1: the kernel booted and ran every suite"
	fi
	if [ -e "$result.reports" ]; then
		none "$1: no report of lockdep or the like" <"$result.reports"
	fi
}

# Suites and drivers can be modules, and no check links them as such: all that they use of others has to
# be exported. What is built in has the run queues in inline functions, modules have not.
exported() { # configuration, beginnings of the paths of a module's objects
	at=$build/series/$1
	shift
	nm "$at/vmlinux.o" | sed -n 's/.* __export_symbol_//p' >"$tmp/known"
	echo runqueues >>"$tmp/known"
	for part; do
		find "$at" -path "$at/$part*.o" >"$tmp/objects"
		if [ ! -s "$tmp/objects" ]; then
			echo "no object $part"
			continue
		fi
		xargs nm -A --defined-only <"$tmp/objects" | sed 's/.* //' | sort -u - "$tmp/known" >"$tmp/there"
		xargs nm -u <"$tmp/objects" | sed -n 's/^ *U //p' | sort -u | comm -23 - "$tmp/there"
	done | none "what modules use is exported: $*"
}

check_kunit() {
	suites um
	exported um drivers/dma-buf/st- drivers/gpu/drm/nouveau/
}

# Four of them, on the kernel of drm and after all else that uses it; make mutants has all.
check_mutants() {
	rm -f out/mutants.tsv
	KUNIT=big run harness/mutants.sh core-dispatching-early core-add-no-look array-leak nouveau-event-leak >/dev/null
	[ -s out/mutants.tsv ] || die "no result of the mutants, see $build/log"
	while IFS="$(printf '\t')" read -r name what state time; do
		case $state in
		[A-Z]*) echo "$what: $state" | fail "mutants: $name" ;;
		*) pass "mutants: $name: $state ($time s)" ;;
		esac
	done <out/mutants.tsv
}

check_rt() {
	suites rt
	# With other words than the kernel was built with, so all of it is compiled again.
	if step build-rt make -C "$build/step/src" ARCH=x86_64 O="$build/step/qemu" CC='ccache gcc' \
		-j"$jobs" W=1 drivers/dma-buf/; then
		warnings build-rt | none 'rt: drivers/dma-buf compiles without warnings'
	else
		grep -E 'error|\*\*\*' "$build/log/build-rt.log" | fail 'rt: drivers/dma-buf compiles'
	fi
}

check_kcsan() {
	suites kcsan
}

# Fences of more drivers: a kernel each.
check_xe() {
	suites xe
}

check_vmwgfx() {
	suites vmwgfx
}

check_amdgpu() {
	suites amdgpu
}

# Cases that make lockdep report: a boot for each, since lockdep turns itself off.
check_lockdep() {
	obj=$build/series/big
	run harness/kunit.sh series big build || exit 2
	kunit=$build/series/src/tools/testing/kunit/kunit.py
	provoke="$kunit_smp --kernel_args=dma_fence_lockdep.provoke=1"
	# shellcheck disable=SC2086 # words
	python3 "$kunit" exec --build_dir="$obj" $provoke --list_tests 'dma-fence-lockdep.*' </dev/null |
		sed -n '/^dma-fence-lockdep\.st_provoke_/p' >"$tmp/cases"
	if [ ! -s "$tmp/cases" ]; then
		echo 'SKIP the series has no suite dma-fence-lockdep'
		return
	fi
	while read -r case <&3; do
		# shellcheck disable=SC2086 # words
		step "boot-$case" python3 "$kunit" exec --build_dir="$obj" --timeout=120 $provoke \
			--json="$tmp/case.json" "$case" 3<&-
		state=$(kunit_cases "$tmp/case.json" | awk -F '\t' -v c="$case" '$1 == c { print $2 }')
		reports "$obj/test.log" | grep -v 'turning off the locking' >"$tmp/reports"
		if [ "$state" = PASS ] && [ "$(wc -l <"$tmp/reports")" = 1 ]; then
			pass "lockdep: $case, with its one report"
		else
			{
				echo "the case: ${state:-no result}; reports: $(wc -l <"$tmp/reports")"
				cat "$tmp/reports"
			} | fail "lockdep: $case"
		fi
	done 3<"$tmp/cases"
}

# A report without what differs from build to build and from run to run.
place() { # reports
	sed -e 's/, CPU#.*//' -e 's/+0x[0-9a-f/x]*//' "$1" | sort -u
}

# Run a script on base and series, on what its sources are first, so that less is compiled again. What the
# base gave stays as $base.{tsv,reports} until the key changes; what the series gave is $result.
on_both() { # key, directory of sources, script, its word
	sources=$build/$2/src
	base=$build/base-$3${4:+-$4}
	result=out/$3-series${4:+-$4}
	made=out/$3-plain${4:+-$4}
	key="$(cat "$build/base") $1"
	sides='plain series'
	if [ "$(cat "$base.key" 2>/dev/null)" = "$key" ]; then
		sides=series
	elif [ "$(git -C "$sources" rev-parse HEAD 2>/dev/null)" = "$series_top" ]; then
		sides='series plain'
	fi
	for side in $sides; do
		# shellcheck disable=SC2086 # perhaps no word
		run "harness/$3.sh" "$side" ${4-}
	done
	if [ "$sides" != series ]; then
		[ -s "$made.tsv" ] || die "no result on the base: $made.tsv"
		cp "$made.tsv" "$base.tsv" && cp "$made.reports" "$base.reports" && echo "$key" >"$base.key"
	fi
}

# The suites that the base has, too, on both, and those of the series.
check_drm() {
	on_both "$(cat harness/config/*.config harness/kunit.sh | git hash-object --stdin)" series kunit big
	if [ ! -s "$result.tsv" ]; then
		fail 'drm: no result' </dev/null
		return
	fi
	grep -P '\tPASS$' "$base.tsv" | sort >"$tmp/base"
	grep -P '\tPASS$' "$result.tsv" | sort >"$tmp/series"
	count pass "$(wc -l <"$tmp/series")"
	# Some of the scheduler's cases judge times, and this machine may be busy: once more, alone.
	comm -23 "$tmp/base" "$tmp/series" | cut -f 1 >"$tmp/lost"
	: >"$tmp/gone"
	while read -r case <&3; do
		# shellcheck disable=SC2086 # words
		step "again-$case" python3 "$build/series/src/tools/testing/kunit/kunit.py" exec \
			--build_dir="$build/series/big" --timeout=300 $kunit_smp \
			--json="$tmp/again.json" "$(echo "$case" | cut -d . -f 1,2)" 3<&-
		if kunit_cases "$tmp/again.json" | grep -q -x -F "$case$(printf '\tPASS')"; then
			echo "NOTE $case failed at first, and passed when it was run again alone"
		else
			echo "$case" >>"$tmp/gone"
		fi
	done 3<"$tmp/lost"
	none "drm: what passes on the base ($(wc -l <"$tmp/base") cases) passes on the series" \
		<"$tmp/gone"
	cut -f 1 "$base.tsv" | sort >"$tmp/old"
	grep -v -P '\t(PASS|SKIP)$' "$result.tsv" | cut -f 1 | sort | comm -23 - "$tmp/old" |
		none 'drm: no new case fails'
	place "$base.reports" >"$tmp/old"
	# The scheduler's mock counts a job's time from when the one before was due. If a timer is late
	# the test finds the job too short: that place judges times, and is none of the kernel's.
	place "$result.reports" | comm -13 "$tmp/old" - |
		grep -v '/scheduler/tests/tests_scheduler.c:[0-9]* at drm_sched_client_work$' |
		none 'drm: no report that the base does not have'
	exported big drivers/dma-buf/st- drivers/gpu/drm/nouveau/
}

check_bench() {
	run harness/bench.sh quick >"$tmp/table" || die "no counts: $(tail -n 1 "$tmp/table")"
	cat "$tmp/table"
	# Another compiler has other counts: its ratios may be a little worse.
	slack=0.0005
	if [ "$(head -n 1 out/bench/counts)" != "$(head -n 1 harness/bench.recorded)" ]; then
		echo "NOTE the record is from another compiler, $(head -n 1 harness/bench.recorded)"
		slack=0.05
	fi
	# Where tasks wait, the count has the scheduler's timer in it and is not the same each time.
	awk -v slack=$slack 'FNR == 1 { next }
		NR == FNR { was[$1] = $3 / $2; next }
		!($1 in was) { print $1 " is not in harness/bench.recorded"; next }
		$3 / $2 > was[$1] + ($1 ~ /^wait/ ? 0.02 : slack) {
			printf "%s: %.3f, recorded %.3f\n", $1, $3 / $2, was[$1]
		}
		{ delete was[$1] }
		END { for (row in was) print row " is recorded and was not measured" }' \
		harness/bench.recorded out/bench/counts |
		none "bench: no count is worse, relative to the base's, than what is recorded"
}

# The same programs on both kernels: same results, and nothing reported by either.
selftests() { # config, directory of sources
	if [ -z "$(git --git-dir="$repo" ls-tree "$series_top" tools/testing/selftests/dma-buf/)" ]; then
		echo 'SKIP the series has no selftests'
		return
	fi
	key="$(cat harness/config/*.config harness/kunit.sh harness/selftests* | git hash-object --stdin)"
	key="$key $(git --git-dir="$repo" rev-parse "$series_top:tools/testing/selftests/dma-buf")"
	on_both "$key" "$2" selftests "$1"
	judge "$result" "selftests, $1"
	[ -s "$result.tsv" ] || return
	# On the base selftests.sh leaves some out.
	awk -F '\t' 'NR == FNR { base[$1]; next } $1 in base' "$base.tsv" "$result.tsv" |
		diff "$base.tsv" - |
		none "selftests, $1: the results on the base ($(wc -l <"$base.tsv")) are the same"
	none "selftests, $1: no report of lockdep, KASAN or kmemleak" <"$result.reports"
	none "selftests, $1: none on the base either" <"$base.reports"
}

check_selftests() {
	selftests big series
}

# Those that need modules, on the kernel of rt.
check_modules() {
	selftests rt step
}

# The same programs on the emulated GPUs of both kernels. What is reported on the base is only shown: its
# qxl lets go of buffers that are in use, which patch 100 ends.
check_devices() {
	on_both "$(cat harness/config/*.config harness/kunit.sh harness/devices*.sh harness/devices/* |
		git hash-object --stdin)" step devices
	judge "$result" devices
	if [ -s "$result.tsv" ]; then
		grep 'PASS$' "$base.tsv" >"$tmp/base"
		grep -v -x -F -f "$result.tsv" "$tmp/base" |
			none "devices: what passes on the base ($(wc -l <"$tmp/base")) passes on the series"
		none 'devices: no report of lockdep or the like' <"$result.reports"
		sed 's/^/NOTE devices, on the base: /' "$base.reports"
	fi
}

# --- The harness itself, on a copy of it with a build/ of its own ---

refuses() { # what, text expected on standard error, command...
	what=$1
	text=$2
	shift 2
	find "$copy" ! -path "$copy/build*" | sort >"$tmp/before"
	env -u HARNESS_LOCKED "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	find "$copy" ! -path "$copy/build*" | sort >"$tmp/after"
	left=$(find "$copy/build" -maxdepth 1 -name 'tmp.*')
	if [ "$status" = 2 ] && [ "$(grep -c '^error: ' "$tmp/stderr")" = 1 ] &&
	   [ "$(wc -l <"$tmp/stderr")" = 1 ] && grep -q -e "$text" "$tmp/stderr" &&
	   cmp -s "$tmp/before" "$tmp/after" && [ -z "$left" ]; then
		pass "refused: $what"
	else
		{
			echo "status $status, left behind: $left"
			cat "$tmp/stderr"
			diff "$tmp/before" "$tmp/after"
		} | fail "refused: $what"
	fi
}

fake_tree() { # directory: what the series edits, as the base has it
	mkdir -p "$1"
	{
		printf '%s\n' Makefile Kbuild Kconfig include/linux/dma-fence.h .gitattributes
		series_edits
	} | sort -u >"$tmp/fake"
	git --git-dir="$repo" ls-tree -r --name-only base | sort | comm -12 - "$tmp/fake" |
		tr '\n' '\0' | xargs -0 git --git-dir="$repo" archive base -- | tar x -C "$1"
}

state_of() { # directory
	(cd "$1" && find . -type f -exec sha1sum {} + | sort; find "$1" -printf '%p %m %T@\n' | sort)
}

check_harness() {
	copy=$tmp/copy
	mkdir "$copy"
	git ls-files -co --exclude-standard -z | xargs -0 cp -p --parents -t "$copy"
	series=$copy/harness/series.sh

	at_step "$series_top"
	env -u HARNESS_LOCKED TREE="$build/step/src" "$copy/harness/save.sh" >"$tmp/save.log" 2>&1
	{
		sed -n '/^error/p' "$tmp/save.log"
		git ls-files -co --exclude-standard | while read -r file; do
			diff -q "$file" "$copy/$file"
		done
		(cd "$copy" && find . -path ./build -prune -o -type f -print) | sed 's,^\./,,' | sort \
			>"$tmp/there"
		git ls-files -co --exclude-standard | sort | comm -13 - "$tmp/there"
	} | none 'save of the unedited tree changes nothing'

	fake_tree "$tmp/plain"
	cp -a "$tmp/plain" "$tmp/git"
	git -C "$tmp/git" init -q && git -C "$tmp/git" add -A -f . &&
		git -C "$tmp/git" -c user.name=t -c user.email=t@localhost commit -q -m base
	for kind in plain git; do
		state_of "$tmp/$kind" >"$tmp/before"
		env -u HARNESS_LOCKED KDIR="$tmp/$kind" OUT="$tmp/out-$kind" "$series" >"$tmp/log" 2>&1
		status=$?
		state_of "$tmp/$kind" | diff "$tmp/before" - >>"$tmp/log"
		if [ "$status" = 0 ] && ! grep -q '^[<>]' "$tmp/log" &&
		   [ -e "$tmp/out-$kind/0000-cover-letter.patch" ]; then
			pass "KDIR, a $kind tree, is left untouched"
		else
			fail "KDIR, a $kind tree, is left untouched" <"$tmp/log"
		fi
	done

	refuses 'KDIR that is missing' 'KDIR is missing' env KDIR="$tmp/nothing" "$series"
	mkdir "$tmp/empty"
	refuses 'KDIR that is no kernel tree' 'no kernel tree' env KDIR="$tmp/empty" "$series"

	cp -a "$tmp/plain" "$tmp/bad"
	sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 1/' "$tmp/bad/Makefile"
	refuses 'KDIR that is too old' "older than $kernel_min" env KDIR="$tmp/bad" "$series"

	cp "$tmp/plain/Makefile" "$tmp/bad/"
	first=$(patches | head -n 1)
	file=$(patch_edits "$first" | head -n 1)
	sed -i 's/^/x/' "$tmp/bad/$file"
	refuses 'a patch that does not apply' "$first does not apply to .*: $file, hunk 1 " \
		env KDIR="$tmp/bad" OUT="$tmp/out-bad" "$series"
	cp "$tmp/plain/$file" "$tmp/bad/$file"
	rm "$tmp/bad/$file"
	refuses 'a file that is not there' "$first does not apply to .*: $file" \
		env KDIR="$tmp/bad" OUT="$tmp/out-bad" "$series"
	cp "$tmp/plain/$file" "$tmp/bad/$file"
	mkdir "$tmp/foreign"
	: >"$tmp/foreign/notes"
	refuses 'OUT that holds something else' 'OUT holds something else' \
		env KDIR="$tmp/plain" OUT="$tmp/foreign" "$series"

	# A commit that brings a file, and one that changes it.
	in_git() {
		git -C "$tmp/git" -c user.name=t -c user.email=t@localhost "$@" >/dev/null
	}
	new=drivers/dma-buf/harness-test.c
	in_git tag base
	echo one >"$tmp/git/$new"
	in_git add -f "$new"
	in_git commit -q -m 'dma-buf: bring a file'
	if env -u HARNESS_LOCKED TREE="$tmp/git" "$copy/harness/save.sh" >"$tmp/log" 2>&1 &&
	   grep -q -x one "$copy/$new" &&
	   grep -q -x "Brings: $new" "$copy/series/0001-dma-buf-bring-a-file.patch"; then
		pass 'save takes a new file whole'
	else
		fail 'save takes a new file whole' <"$tmp/log"
	fi
	refuses 'a tree that has the new file' "$new, which .* brings, exists" \
		env KDIR="$tmp/git" OUT="$tmp/out-git-2" "$series"
	echo two >"$tmp/git/$new"
	in_git commit -q -a -m 'dma-buf: change it'
	refuses 'a later change of a new file' 'fold it into .*bring a file' \
		env TREE="$tmp/git" "$copy/harness/save.sh"
	echo three >"$tmp/git/$new"
	refuses 'uncommitted edits' 'uncommitted edits' env TREE="$tmp/git" "$copy/harness/save.sh"

	# A mirror that nobody answers at, and a disk that is full.
	bin=$tmp/bin
	mkdir "$bin"
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-sid}")
	cat >"$bin/apt-get" <<-FAKE
		#!/bin/sh
		if [ "\$1" = --print-uris ]; then
			echo "'http://localhost:9/debian/dists/$codename/InRelease' x 0"
		else
			exec $(command -v apt-get) "\$@"
		fi
	FAKE
	chmod +x "$bin/apt-get"
	refuses 'a mirror out of reach' 'trixie-backports from http://localhost:9/debian' \
		env PATH="$bin:$PATH" "$copy/harness/base.sh"
	cat >"$bin/df" <<-'FAKE'
		#!/bin/sh
		printf 'Filesystem 1M-blocks Used Available Capacity Mounted\nx 9 8 1 99%% /\n'
	FAKE
	chmod +x "$bin/df"
	refuses 'a full disk' 'too little disk .* MiB needed' \
		env PATH="$bin:$PATH" "$copy/harness/base.sh"
}

# What a check says comes when it has ended, in one piece.
row() { # checks
	for check; do
		run "$0" "$check" >"$tmp/$check" || echo "status $?" | fail "$check: ended early" >>"$tmp/$check"
		[ ! -t 2 ] || printf '\r\033[K' >&2
		cat "$tmp/$check"
	done
}

run harness/prereq.sh && run harness/prereq.sh test && run harness/base.sh || exit 2
series_commits
for check; do
	case " $x86 $um $alone " in
	*" $check "*) ;;
	*) die "no check is called $check; there are: $x86 $um $alone" ;;
	esac
done
[ $# != 0 ] || need_disk "$build" 8000 'the checks'
outer=${COUNTS-}
export COUNTS="$counts"
touch "$counts"
if [ $# = 1 ]; then
	check=$1
	"check_$check"
elif [ $# != 0 ]; then
	row "$@"
else
	# shellcheck disable=SC2086 # words
	"$0" $x86 &
	child=$!
	# shellcheck disable=SC2086 # words
	"$0" $um &
	child="$child $!"
	for pid in $child; do
		wait "$pid" || die 'a row of checks ended early'
	done
	child=
fi
[ -z "$outer" ] || exit 0
if [ "$(counted skip)" != 0 ]; then
	echo "$(counted skip) skipped"
fi
echo "$(counted pass) passed, $(counted fail) failed"
[ "$(counted fail)" = 0 ]

# SPDX-License-Identifier: GPL-2.0-only
# The model and the litmus tests, for their checks and for mutants.sh.
# shellcheck shell=sh disable=SC2154

# Check the model with some of its steps replaced; prints what was found.
model() { # words for spin
	rm -rf "$tmp/model"
	mkdir "$tmp/model"
	(
		cd "$tmp/model" || exit 2
		spin -a "$@" "$top/harness/model/dma_fence.pml" && gcc -O2 -DSAFETY -DCOLLAPSE \
			-DMEMLIM=4096 -o pan pan.c && ./pan -m100000
	) >"$tmp/pan.log" 2>&1
	grep -E 'errors: [0-9]+$' "$tmp/pan.log" || {
		tail -n 2 "$tmp/pan.log"
		echo 'the model was not checked to its end'
	}
}

# Run the kernel's own checklitmus.sh, which compares what herd7 finds with the test's Result: comment, on a
# test below $tmp/litmus. Its judgment stays in $tmp/judged; prints what herd7 observed.
litmus() { # file
	rm -f "$tmp/litmus/$1.out"
	env -C "$tmp/litmus/tools/memory-model" PATH="$build/herd:$PATH" LKMM_DESTDIR=. \
		LKMM_HERD_OPTIONS='-conf linux-kernel.cfg' LKMM_TIMEOUT_CMD='timeout 60' \
		scripts/checklitmus.sh "../../$1" >"$tmp/judged" 2>&1
	judged=$?
	sed -n -e 's/^Observation [^ ]* \([A-Z][a-z]*\) .*/\1/p' -e 's/^Flag data-race$/DATARACE/p' \
		"$tmp/litmus/$1.out" | sort -r | paste -s -d ' '
	return "$judged"
}

# The memory model's tools and our tests, below $tmp/litmus.
litmus_tree() {
	mkdir -p "$tmp/litmus"
	git --git-dir="$repo" archive "$series_top" tools/memory-model Documentation/litmus-tests/dma-fence |
		tar x -C "$tmp/litmus"
}

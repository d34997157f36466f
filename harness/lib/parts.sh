# SPDX-License-Identifier: GPL-2.0-only
# The parts of the series, as series/parts lists them, and the commits of each.
# shellcheck shell=sh disable=SC2154

# Put "part, tab, patch" of all that is to be mailed into $tmp/parts.
read_parts() {
	patches_to_mail | while read -r p; do
		printf '%s\t%s\n' "$p" "$(patch_message "$p" | head -n 1)"
	done >"$tmp/titles"
	awk -F '\t' '
		NR == FNR { patch[$2] = $1; next }
		/^[^\t#]/ { part = $1; sub(/ .*/, "", part) }
		/^\t/ && $2 in patch { print part "\t" patch[$2] }' "$tmp/titles" series/parts >"$tmp/parts"
	cut -f 1 "$tmp/titles" >"$tmp/in-series"
	cut -f 2 "$tmp/parts" | diff "$tmp/in-series" - >"$tmp/differ" ||
		die "series/parts has another order than the patches, or not each once: $(sed -n 's/^[<>] //p' "$tmp/differ" | head -n 1)"
}

parts() {
	cut -f 1 "$tmp/parts" | uniq
}

part_patches() { # part
	awk -F '\t' -v part="$1" '$1 == part { print $2 }' "$tmp/parts"
}

part_tree() { # part
	sed -n "s/^$1 \([^:]*\):.*/\1/p" series/parts
}

part_needs() { # part
	sed -n "s/^$1 [^:]*: *//p" series/parts
}

# What a part needs, what that needs, and what comes first on this kernel; in order.
part_base() { # part
	parts >"$tmp/named"
	awk -v of="$1" -v first="first-$variant" '
		function visit(part, n, i, word) {
			n = split(needs[part], word, " ")
			for (i = 1; i <= n; i++)
				if (!(word[i] in seen)) {
					seen[word[i]] = 1
					visit(word[i])
				}
		}
		NR == FNR { order[++count] = $1; next }
		/^[^\t#]/ { name = $1; sub(/^[^:]*: */, ""); needs[name] = $0 }
		END {
			seen[first] = 1
			visit(of)
			for (i = 1; i <= count && order[i] != of; i++)
				if (order[i] in seen)
					print order[i]
		}' "$tmp/named" series/parts
}

patches_of_parts() {
	for part_of in $of_parts; do
		part_patches "$part_of"
	done
}

# The commit of a list of parts, one on the other.
commit_parts() { # repository, base commit, name of the tree in messages, part...
	part_repo=$1
	part_start=$2
	part_where=$3
	shift 3
	of_parts=$*
	commit_series "$part_repo" "$part_start" "$part_where" patches_of_parts
}

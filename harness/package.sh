#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Get Debian's newest package of a kernel's sources: package.sh linux-source-7.3 RESULT
# The mirror is the one that the machine's own apt uses; lists and state are private. The package stays in
# the user's cache. RESULT gets version and file, a line each. Status 3: the mirror has no such package.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/apt.sh
begin
package=$1
result=$2

find_mirror
version=
tried=
for suite in trixie-backports sid experimental; do
	tried="$tried $suite"
	private_apt "lists-$suite" "$suite" apt-get update -q -o APT::Update::Error-Mode=any ||
		die "no lists of $suite from $mirror: $(first_error "$build/log/lists-$suite.log")"
	private_apt "version-$suite" "$suite" apt-cache madison "$package" || exit 2
	version=$(awk -F ' *[|] *' 'NR == 1 { print $2 }' "$build/log/version-$suite.log")
	[ -z "$version" ] || break
done
if [ -z "$version" ]; then
	echo "error: no package $package at $mirror in:$tried" >&2
	exit 3
fi

cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
case $cache in
/*) cache=$cache/dma-fence-series ;;
*) cache=$build/packages ;;
esac
if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
	cache=$build/packages
	mkdir -p "$cache" || exit 2
fi

# A line 'address' name size SHA256:sum, without quotes about the last three.
private_apt address "$suite" apt-get download --print-uris "$package=$version" || exit 2
address=$(grep "^'" "$build/log/address.log")
file=$cache/$(echo "$address" | cut -d ' ' -f 2)
sum=$(echo "$address" | sed -n 's/.* SHA256://p')
if ! echo "$sum  $file" | sha256sum --check --status 2>/dev/null; then
	mkdir -p "$tmp/deb"
	cd "$tmp/deb" || exit 2
	private_apt download "$suite" apt-get download -q "$package=$version" ||
		die "no $package $version from $mirror $suite: $(first_error "$build/log/download.log")"
	cd "$top" || exit 2
	# One package of a kernel is enough.
	rm -f "$cache/${package}"_*.deb
	mv "$tmp/deb/$package"_*.deb "$file" || die "cannot write $file"
fi
printf '%s\n' "$version" "$file" >"$result"

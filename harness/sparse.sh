#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build/sparse/sparse, from Debian's newest source. The kernel turns off checking by a sparse that
# does not know what its headers use, and what stable releases have does not.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/apt.sh
begin
[ ! -x "$build/sparse/sparse" ] || exit 0

find_mirror
mkdir "$tmp/sparse" "$tmp/unpacked"
cd "$tmp/sparse" || exit 2
for suite in sid experimental; do
	private_apt "lists-$suite" "$suite" apt-get update -q -o APT::Update::Error-Mode=any ||
		die "no lists of $suite from $mirror: $(first_error "$build/log/lists-$suite.log")"
	if private_apt download-sparse "$suite" apt-get source -q --download-only sparse; then
		break
	fi
done
cd "$top" || exit 2
tar xf "$tmp"/sparse/sparse_*.orig.tar.* -C "$tmp/unpacked" --strip-components=1 ||
	die "no source of sparse at $mirror: $(first_error "$build/log/download-sparse.log")"
step build-sparse make -C "$tmp/unpacked" -j"$jobs" HAVE_LLVM=no HAVE_SQLITE=no HAVE_GTK=no \
	HAVE_LIBXML=no sparse ||
	die "cannot build sparse: $(first_error "$build/log/build-sparse.log")"
rm -rf "$build/sparse"
mv "$tmp/unpacked" "$build/sparse"

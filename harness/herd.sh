#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build/herd/herd7, from Debian's sid, which has the only package of it. It comes with the C library
# that it was linked to, unpacked beside it and used by nothing else.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/apt.sh
begin
[ ! -x "$build/herd/herd7" ] || exit 0

find_mirror
mkdir -p "$tmp/herd/deb"
cd "$tmp/herd/deb" || exit 2
private_apt lists-herd sid apt-get update -q -o APT::Update::Error-Mode=any ||
	die "no lists of sid from $mirror: $(first_error "$build/log/lists-herd.log")"
private_apt download-herd sid apt-get download -q herdtools7 libc6 libgmp10 ||
	die "no herdtools7 at $mirror: $(first_error "$build/log/download-herd.log")"
cd "$top" || exit 2
for deb in "$tmp"/herd/deb/*.deb; do
	dpkg-deb -x "$deb" "$tmp/herd/root" || die "cannot unpack $deb"
done
find "$tmp/herd/root/usr/bin" -type f ! -name herd7 -delete
rm -rf "$build/herd" "$tmp/herd/deb" "$tmp/herd/root/usr/share/doc" "$tmp/herd/root/usr/share/herdtools7/litmus"
cat >"$tmp/herd/herd7" <<'RUN'
#!/bin/sh
root=$(dirname "$0")/root
triplet=$(cd "$root/usr/lib" && echo *-linux-gnu)
exec "$root/usr/lib/$triplet"/ld-linux*.so.* --library-path "$root/usr/lib/$triplet" \
	"$root/usr/bin/herd7" -set-libdir "$root/usr/share/herdtools7/herd" "$@"
RUN
chmod +x "$tmp/herd/herd7"
mv "$tmp/herd" "$build/herd"

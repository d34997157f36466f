#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Install what is missing: prereq.sh; prereq.sh test, test-all, bench, deb or docs for what only those need; prereq.sh
# kdir for the main job on a tree of one's own, on any distribution. Without apt, or without root, what is
# missing is listed. A line of the list: a file or command that shows it is there, and Debian's package of it.
. "$(dirname "$0")/lib/run.sh"

wanted() {
	if [ "${1-}" = test ]; then
		cat <<-LIST
			aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
			shellcheck shellcheck
			spin spin
			spatch coccinelle
			qemu-system-x86_64 qemu-system-x86
			/usr/bin/time time
		LIST
	elif [ "${1-}" = test-all ]; then
		cat <<-LIST
			clang-19 clang-19
			modetest libdrm-tests
			/usr/include/xf86drmMode.h libdrm-dev
			xvfb-run xvfb
			xauth xauth
			/usr/lib/x86_64-linux-gnu/qemu/ui-sdl.so qemu-system-gui
			/usr/lib/x86_64-linux-gnu/dri/swrast_dri.so libgl1-mesa-dri
			i686-linux-gnu-gcc gcc-i686-linux-gnu
			/usr/i686-linux-gnu/include/stdio.h libc6-dev-i386-cross
		LIST
	elif [ "${1-}" = bench ]; then
		cat <<-LIST
			qemu-system-x86_64 qemu-system-x86
			gnuplot gnuplot-nox
		LIST
	elif [ "${1-}" = geforce ]; then
		cat <<-LIST
			busybox busybox-static
			grub-mkrescue grub-common
			/usr/lib/grub/i386-pc/boot.img grub-pc-bin
			xorriso xorriso
		LIST
	elif [ "${1-}" = deb ]; then
		cat <<-LIST
			quilt quilt
		LIST
	elif [ "${1-}" = docs ]; then
		cat <<-LIST
			sphinx-build python3-sphinx
			dot graphviz
			convert imagemagick
			/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core
		LIST
	else
		cat <<-LIST
			gcc gcc
			/usr/include/stdio.h libc6-dev
			make make
			git git
			flex flex
			bison bison
			bc bc
			perl perl
			python3 python3
			jq jq
			setpriv util-linux
			flock util-linux
		LIST
		if [ "${1-}" != kdir ]; then
			cat <<-LIST
				xz xz-utils
				ccache ccache
				/usr/include/libelf.h libelf-dev
				/usr/include/openssl/ssl.h libssl-dev
				/etc/ssl/certs/ca-certificates.crt ca-certificates
				/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
			LIST
		fi
	fi
}

missing=
while read -r proof package_name; do
	case $proof in
	/*) [ -e "$proof" ] ;;
	*) command -v "$proof" >/dev/null ;;
	esac || missing="$missing $package_name"
done <<LIST
$(wanted "$@")
LIST
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null ||
	die "missing, and there is no apt to install them; Debian's names are:$missing"
[ "$(id -u)" = 0 ] || die "missing, and only root can install them:$missing"
echo "to install:$missing"
begin
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
step apt-update apt-get update ||
	die "apt-get update failed: $(first_error "$build/log/apt-update.log")"
# shellcheck disable=SC2086 # a list of words
step apt-install apt-get install -y --no-install-recommends $missing ||
	die "apt-get install failed: $(first_error "$build/log/apt-install.log")"

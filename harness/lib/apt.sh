# SPDX-License-Identifier: GPL-2.0-only
# Packages of a suite that the machine itself does not use.
# shellcheck shell=sh disable=SC2034,SC2154

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

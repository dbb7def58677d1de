# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# What demo and check have in common: root, packages, an out-of-tree build. Sourced with $top set to the
# source tree; changes nothing outside of it but installing packages.

: "${top:?}"
PATH=$PATH:/usr/sbin:/sbin

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "this makes network namespaces: run it as root (sudo $0)"
}

# quietly LOG COMMAND...: the log is shown only when the command fails
quietly() {
	quietly_log=$1
	shift
	"$@" >"$quietly_log" 2>&1 </dev/null && return
	tail -n 60 "$quietly_log" >&2
	echo "$(basename "$0"): failed: $* (all of it in $quietly_log)" >&2
	return 1
}

missing_packages() {
	sed '/^#/d' "$top/tests/packages" | while read -r package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
	done
}

# without_services COMMAND...: no service of a package that it installs is started. An answer of 101 is "no" to both
# invoke-rc.d and deb-systemd-invoke; where the machine has its own policy, that one holds.
without_services() (
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		trap 'exit 130' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	"$@"
)

# install_packages LOG
install_packages() {
	command -v dpkg-query >/dev/null || {
		echo "No dpkg here: taking for granted that what tests/packages lists is installed."
		return 0
	}
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	echo "Installing: $(echo "$missing" | tr '\n' ' ')"
	quietly "$1" apt-get -o Acquire::Retries=3 update || return 1
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive without_services quietly "$1" \
		apt-get -o Acquire::Retries=3 -y --no-install-recommends install $missing
}

# unpack_prometheus LOG: prometheus and promtool into build/prometheus, and into $PATH. Installing their package would
# start a server on this machine, and at every boot.
unpack_prometheus() {
	unpacked=$top/build/prometheus
	PATH=$PATH:$unpacked/usr/bin
	export PATH
	if command -v prometheus && command -v promtool; then
		return 0
	fi >/dev/null
	command -v dpkg-deb >/dev/null || {
		echo "No dpkg here: taking for granted that what needs Prometheus may be left out."
		return 0
	}
	echo "Unpacking: prometheus"
	rm -rf "$unpacked"
	mkdir -p "$unpacked/download"
	(
		cd "$unpacked/download" || exit 1
		if ! quietly "$1" apt-get -o Acquire::Retries=3 download prometheus 2>/dev/null; then
			quietly "$1" apt-get -o Acquire::Retries=3 update &&
				quietly "$1" apt-get -o Acquire::Retries=3 download prometheus || exit 1
		fi
		quietly "$1" dpkg-deb -x prometheus_*.deb "$unpacked"
	) || return 1
	rm -rf "$unpacked/download"
}

# newer FILE THAN: also true when THAN is missing
newer() {
	[ ! -e "$2" ] || [ -n "$(find "$1" -newer "$2")" ]
}

# build DIRECTORY CONFIGURE-OPTIONS... $build_targets: what make is to make; all of it, if it is not set
build() {
	build_dir=$1
	shift
	[ ! -e "$top/config.status" ] ||
		die "the source tree itself is configured, which an out-of-tree build cannot use: make distclean"
	mkdir -p "$build_dir"
	if newer "$top/configure.ac" "$top/configure" || newer "$top/Makefile.am" "$top/Makefile.in"; then
		quietly "$build_dir/autogen.log" "$top/autogen.sh" || return 1
	fi
	if newer "$top/configure" "$build_dir/config.status"; then
		(cd "$build_dir" && quietly "$build_dir/configure.log" "$top/configure" "$@") || return 1
	fi
	# shellcheck disable=SC2086
	quietly "$build_dir/make.log" make -C "$build_dir" -j2 ${build_targets-}
}

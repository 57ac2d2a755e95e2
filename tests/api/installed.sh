# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Sourced by the tests of the installed tree: installs a build below a temporary directory and
# points pkg-config there. TAP on standard output.

# shellcheck disable=SC2034  # for the tests that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
count=0
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# ok NAME COMMAND...: one check; what a failing command printed goes into the log.
ok() {
	local name=$1 log=$tree/log
	shift
	count=$((count + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $count - $name"
	else
		sed 's/^/# /' "$log"
		echo "not ok $count - $name"
		bad=1
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

finish() {
	echo "1..$count"
	exit "${bad:-0}"
}

# install_tree BUILD: what `meson install` gives to a user of the library.
install_tree() {
	local pc
	meson install -C "$1" --no-rebuild --quiet --destdir "$tree/dest" >&2
	pc=$(find "$tree/dest" -name libvsm.pc)
	export PKG_CONFIG_PATH=${pc%/*}
	export PKG_CONFIG_SYSROOT_DIR=$tree/dest
	export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
	libdir=${pc%/pkgconfig/*}
	export LD_LIBRARY_PATH=$libdir
}

# build_shared|build_static PACKAGE SOURCE PROGRAM; the compiler is in $CC.
build_shared() {
	# shellcheck disable=SC2046,SC2086
	$CC -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$3" "$2" $(pkg-config --cflags --libs "$1")
}

build_static() {
	# shellcheck disable=SC2046,SC2086
	$CC -std=c11 -Wall -Wextra -Wpedantic -Werror -static -o "$3" "$2" \
		$(pkg-config --cflags --libs --static "$1")
}

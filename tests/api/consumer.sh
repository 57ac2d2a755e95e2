#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The installed tree is all that a user of the libraries needs: files, pkg-config, shared, static.
#
# usage: consumer.sh BUILD CC shared|static|both yes|no     (what was built; whether with libvsm-kvm)

set -u
# shellcheck source=tests/api/installed.sh
. "$(dirname "$0")/installed.sh"
build=$1 CC=$2 kind=$3 kvm=$4

headers_installed() {
	local have want
	have=$(cd "$tree/dest" && find . -path '*/include/vsm/*' -name '*.h' -printf '%f\n' | sort)
	want=$(cd "$root/include/vsm" && printf '%s\n' *.h | sort)
	[ "$kvm" = yes ] || want=$(grep -vx -e kvm.h -e kvm_state.h <<<"$want")
	diff <(echo "$want") <(echo "$have")
}

only_installed() {
	local extra
	extra=$(cd "$tree/dest" && find . ! -type d | grep -vE '/include/vsm/[a-z_]+\.h$' |
		grep -vE '/libvsm(-kvm)?\.(a|so|so\.0\.1|so\.0\.1\.0)$' |
		grep -vE '/pkgconfig/libvsm(-kvm)?\.pc$' | grep -vE '/bin/vsm-vmm$|/man/man1/vsm-vmm\.1$')
	[ -z "$extra" ] || { echo "unexpected: $extra"; return 1; }
}

links_with() { readelf -d "$1" | grep -F "NEEDED" | grep -F "$2"; }
links_without() { ! links_with "$1" libvsm; }
pc_field() { [ "$(pkg-config "$@")" != "" ]; }

consume() {
	local package=$1 source=$2 program=$tree/$3
	if [ "$kind" != static ]; then
		ok "$package: build shared" build_shared "$package" "$source" "$program"
		ok "$package: it uses the shared library" links_with "$program" "$package.so.0.1"
		ok "$package: run shared" "$program"
	fi
	if [ "$kind" != shared ]; then
		ok "$package: build static" build_static "$package" "$source" "$program-static"
		ok "$package: nothing shared is left" links_without "$program-static"
		ok "$package: run static" "$program-static"
	fi
}

ok "meson install" install_tree "$build"
install_tree "$build"
ok "the public headers, no more, no less" headers_installed
ok "nothing else" only_installed
ok "libvsm.pc has the version" pkg-config --exact-version=0.1.0 libvsm
ok "libvsm.pc gives flags" pc_field --cflags --libs libvsm
consume libvsm "$root/tests/api/consumer-core.c" core
if [ "$kvm" = yes ]; then
	ok "libvsm-kvm.pc requires libvsm" pc_field --print-requires libvsm-kvm
	consume libvsm-kvm "$root/tests/api/consumer-kvm.c" kvm
else
	ok "no libvsm-kvm.pc" test ! -e "$PKG_CONFIG_PATH/libvsm-kvm.pc"
fi
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# libvsm as a meson subproject: dependency('vsm') finds it by meson.override_dependency().
#
# usage: subproject.sh yes|no     (whether libvsm-kvm can be built here)

set -u
# shellcheck source=tests/api/installed.sh
. "$(dirname "$0")/installed.sh"
kvm=$1

mkdir -p "$tree/user/subprojects"
ln -s "$root" "$tree/user/subprojects/libvsm"
cp "$root"/tests/api/consumer-*.c "$tree/user"
cat >"$tree/user/meson.build" <<'EOF'
project('user', 'c', default_options: ['c_std=c11'])
subproject('libvsm', default_options: ['default_library=static', 'tests=disabled',
    'examples=disabled', 'docs=disabled'])
executable('core', 'consumer-core.c', dependencies: dependency('vsm'))
if get_option('kvm')
    executable('kvm', 'consumer-kvm.c', dependencies: dependency('vsm-kvm'))
endif
EOF
cat >"$tree/user/meson_options.txt" <<'EOF'
option('kvm', type: 'boolean')
EOF
flag=true
[ "$kvm" = yes ] || flag=false

ok "configure" meson setup "$tree/build" "$tree/user" -Dkvm=$flag
ok "build" ninja -C "$tree/build" core
ok "run" "$tree/build/core"
if [ "$kvm" = yes ]; then
	ok "build with the backend" ninja -C "$tree/build" kvm
	ok "run with the backend" "$tree/build/kvm"
fi
finish
